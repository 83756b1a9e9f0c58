// Names of the Unicode Character Database (PropertyAliases.txt, PropertyValueAliases.txt): the long name, then aliases.
// Only names that JavaScript knows too are listed. The code of a script is the first four letters of its name, unless
// the name is marked with an exclamation mark.

const BINARY = `
ASCII_Hex_Digit,ahex Alphabetic,alpha Bidi_Control,bidic Bidi_Mirrored,bidim Case_Ignorable,ci Cased
Changes_When_Casefolded,cwcf Changes_When_Casemapped,cwcm Changes_When_Lowercased,cwl Changes_When_Titlecased,cwt
Changes_When_Uppercased,cwu Dash Default_Ignorable_Code_Point,di Deprecated,dep Diacritic,dia Emoji
Emoji_Component,ecomp Emoji_Modifier,emod Emoji_Modifier_Base,ebase Emoji_Presentation,epres
Extended_Pictographic,extpict Extender,ext Grapheme_Base,grbase Grapheme_Extend,grext Hex_Digit,hex
IDS_Binary_Operator,idsb IDS_Trinary_Operator,idst ID_Continue,idc ID_Start,ids Ideographic,ideo Join_Control,joinc
Logical_Order_Exception,loe Lowercase,lower Math Noncharacter_Code_Point,nchar Pattern_Syntax,patsyn
Pattern_White_Space,patws Quotation_Mark,qmark Radical Regional_Indicator,ri Sentence_Terminal,sterm Soft_Dotted,sd
Terminal_Punctuation,term Unified_Ideograph,uideo Uppercase,upper Variation_Selector,vs White_Space,wspace,space
XID_Continue,xidc XID_Start,xids
`;

const GENERAL_CATEGORIES = `
Assigned Other,c Cased_Letter,lc Control,cc,cntrl Format,cf Close_Punctuation,pe Unassigned,cn Private_Use,co
Mark,combiningmark,m Connector_Punctuation,pc Currency_Symbol,sc Dash_Punctuation,pd Decimal_Number,digit,nd
Enclosing_Mark,me Final_Punctuation,pf Initial_Punctuation,pi Letter,l Letter_Number,nl Line_Separator,zl
Lowercase_Letter,ll Modifier_Letter,lm Other_Letter,lo Titlecase_Letter,lt Uppercase_Letter,lu Math_Symbol,sm
Spacing_Mark,mc Nonspacing_Mark,mn Modifier_Symbol,sk Number,n Other_Number,no Open_Punctuation,ps
Other_Punctuation,po Other_Symbol,so Punctuation,p,punct Paragraph_Separator,zp Symbol,s Separator,z
Space_Separator,zs
`;

const SCRIPTS = `
Adlam!,adlm Caucasian_Albanian!,aghb Ahom Anatolian_Hieroglyphs!,hluw Arabic Armenian!,armn Imperial_Aramaic!,armi
Avestan!,avst Balinese Bamum Bassa_Vah Batak!,batk Bengali Bhaiksuki!,bhks Bopomofo Brahmi Braille Buginese
Buhid!,buhd Chakma!,cakm Canadian_Aboriginal!,cans Carian Cham Cherokee Chorasmian!,chrs Common!,zyyy Coptic,qaac
Cypro_Minoan!,cpmn Cypriot!,cprt Cuneiform!,xsux Cyrillic!,cyrl Deseret!,dsrt Devanagari Dives_Akuru!,diak Dogra
Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian Glagolitic Gunjala_Gondi!,gong
Masaram_Gondi!,gonm Gothic Grantha Greek!,grek Gujarati!,gujr Gurung_Khema!,gukh Gurmukhi!,guru Han,hani Hangul
Hanifi_Rohingya!,rohg Hanunoo!,hano Hatran Hebrew Hiragana Pahawh_Hmong!,hmng Nyiakeng_Puachue_Hmong!,hmnp
Katakana_Or_Hiragana!,hrkt Old_Hungarian!,hung Inherited!,qaai,zinh Inscriptional_Pahlavi!,phli
Inscriptional_Parthian!,prti Old_Italic!,ital Javanese Kaithi!,kthi Kayah_Li!,kali Katakana!,kana Kannada!,knda Kawi
Kharoshthi Khitan_Small_Script!,kits Khmer!,khmr Khojki Khudawadi!,sind Kirat_Rai!,krai Tai_Tham!,lana Lao,laoo
Latin!,latn Lepcha Limbu Linear_A!,lina Linear_B!,linb Lisu Lycian Lydian Mahajani!,mahj Makasar Malayalam!,mlym
Mandaic Manichaean Marchen Medefaidrin!,medf Meetei_Mayek!,mtei Mende_Kikakui Meroitic_Cursive!,merc
Meroitic_Hieroglyphs Miao,plrd Modi Mongolian Mro,mroo Multani Myanmar!,mymr Nabataean!,nbat Nag_Mundari Nandinagari
Old_North_Arabian!,narb Newa New_Tai_Lue!,talu Nko,nkoo Nushu!,nshu Ogham!,ogam Ol_Chiki!,olck Old_Permic!,perm
Old_Persian!,xpeo Old_Sogdian!,sogo Old_South_Arabian!,sarb Old_Turkic!,orkh Old_Uyghur!,ougr Ol_Onal!,onao
Oriya!,orya Osage!,osge Osmanya Palmyrene Pau_Cin_Hau Phags_Pa Psalter_Pahlavi!,phlp Phoenician!,phnx Rejang!,rjng
Runic!,runr Samaritan!,samr Saurashtra SignWriting!,sgnw Sharada!,shrd Shavian!,shaw Siddham Sinhala Sogdian
Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac!,syrc Tagalog!,tglg Tagbanwa Tai_Le!,tale Tai_Viet!,tavt
Takri Tamil!,taml Tangut Tangsa!,tnsa Telugu Tifinagh!,tfng Thaana Thai Tibetan!,tibt Tirhuta Todhri!,todr Toto
Tulu_Tigalari!,tutg Ugaritic Unknown!,zzzz Vai,vaii Vithkuqi Wancho!,wcho Warang_Citi Yezidi Yi,yiii
Zanabazar_Square!,zanb
`;

/** Loose names (UAX 44, rule LM3: lower case, no separators) to long names. */
export type NameTable = ReadonlyMap<string, string>;

function readTable(text: string, shortCodes = false): NameTable {
  const names = new Map<string, string>();
  for (const entry of text.trim().split(/\s+/)) {
    const [marked = "", ...aliases] = entry.split(",");
    const long = marked.replace("!", "");
    const loose = long.toLowerCase().replaceAll("_", "");
    const code = shortCodes && marked === long ? [loose.slice(0, 4)] : [];
    for (const alias of [loose, ...code, ...aliases]) names.set(alias, long);
  }
  return names;
}

interface PropertyNames {
  readonly binary: NameTable;
  readonly categories: NameTable;
  readonly scripts: NameTable;
}

let tables: PropertyNames | undefined;

/** The tables, read on first use: few patterns name a property. */
export function propertyNames(): PropertyNames {
  tables ??= {
    binary: readTable(BINARY),
    categories: readTable(GENERAL_CATEGORIES),
    scripts: readTable(SCRIPTS, true),
  };
  return tables;
}

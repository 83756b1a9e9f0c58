/**
 * The names of the Unicode Character Database (PropertyAliases.txt, PropertyValueAliases.txt) whose spelling in JavaScript
 * is not their loose form with a capital at its beginning: properties, general categories and scripts, each with those of
 * its aliases that JavaScript spells in such a way too.
 */
const NAMES = `
ASCII_Hex_Digit,ahex Bidi_Control,bidic Bidi_Mirrored,bidim Case_Ignorable Changes_When_Casefolded
Changes_When_Casemapped Changes_When_Lowercased Changes_When_Titlecased Changes_When_Uppercased
Default_Ignorable_Code_Point Emoji_Component,ecomp Emoji_Modifier,emod Emoji_Modifier_Base,ebase
Emoji_Presentation,epres Extended_Pictographic,extpict Grapheme_Base,grbase Grapheme_Extend,grext Hex_Digit
IDS_Binary_Operator IDS_Trinary_Operator ID_Continue ID_Start Join_Control,joinc Logical_Order_Exception
Noncharacter_Code_Point,nchar Pattern_Syntax,patsyn Pattern_White_Space,patws Quotation_Mark,qmark Regional_Indicator
Sentence_Terminal,sterm Soft_Dotted Terminal_Punctuation Unified_Ideograph,uideo Variation_Selector White_Space,wspace
XID_Continue XID_Start CI CWCF CWCM CWL CWT CWU DI IDSB IDST IDC IDS LOE RI SD VS XIDC XIDS space

Cased_Letter Close_Punctuation Private_Use Combining_Mark Connector_Punctuation Currency_Symbol Dash_Punctuation
Decimal_Number Enclosing_Mark Final_Punctuation Initial_Punctuation Letter_Number Line_Separator Lowercase_Letter
Modifier_Letter Other_Letter Titlecase_Letter Uppercase_Letter Math_Symbol Spacing_Mark Nonspacing_Mark Modifier_Symbol
Other_Number Open_Punctuation Other_Punctuation Other_Symbol Paragraph_Separator Space_Separator LC cntrl digit punct

Caucasian_Albanian Anatolian_Hieroglyphs Imperial_Aramaic Bassa_Vah Canadian_Aboriginal Cypro_Minoan Dives_Akuru
Egyptian_Hieroglyphs Gunjala_Gondi Masaram_Gondi Gurung_Khema Hanifi_Rohingya Pahawh_Hmong Nyiakeng_Puachue_Hmong
Old_Hungarian Inscriptional_Pahlavi Inscriptional_Parthian Old_Italic Kayah_Li Khitan_Small_Script Kirat_Rai Tai_Tham
Linear_A Linear_B Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Nag_Mundari Old_North_Arabian
New_Tai_Lue Ol_Chiki Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Ol_Onal Pau_Cin_Hau
Phags_Pa Psalter_Pahlavi SignWriting Sora_Sompeng Syloti_Nagri Tai_Le Tai_Viet Tulu_Tigalari Warang_Citi
Zanabazar_Square
`;

let irregular: Map<string, string> | undefined;

/** The table, read on first use: few patterns name a property. */
function irregularNames(): Map<string, string> {
  if (irregular !== undefined) return irregular;
  irregular = new Map();
  for (const entry of NAMES.trim().split(/\s+/)) {
    const [name = "", ...aliases] = entry.split(",");
    for (const alias of [name.toLowerCase().replaceAll("_", ""), ...aliases]) irregular.set(alias, name);
  }
  return irregular;
}

/** How JavaScript spells a loose name (UAX 44, rule LM3: lower case, no separators), should it be a name at all. */
export function spelling(loose: string): string | undefined {
  // Nothing else is put into a regular expression of JavaScript's; and Rust's characters are no surrogates.
  if (!/^(?!cs$|surrogate$)[a-z0-9]{1,40}$/.test(loose)) return undefined;
  return irregularNames().get(loose) ?? loose.charAt(0).toUpperCase() + loose.slice(1);
}

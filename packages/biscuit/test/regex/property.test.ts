import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { propertyTest } from "../../src/regex/property.ts";

/** Names of several words, or with odd capitals, in the Unicode Character Database; behind commas, aliases. */
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

/** Characters that tell the properties apart. */
const SAMPLE = Array.from({ length: 0x323b0 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .filter((code) => code < 0x3000 || code % 7 === 0)
  .map((code) => String.fromCodePoint(code));

const membersOf = (test: RegExp): string => SAMPLE.filter((character) => test.test(character)).join("");

/** What JavaScript knows by this name: a binary property, a category or a script. */
function known(name: string): RegExp | undefined {
  for (const prefix of ["", "Script="]) {
    try {
      return new RegExp(`\\p{${prefix}${name}}`, "u");
    } catch {
      // Not a name of this kind.
    }
  }
  return undefined;
}

describe("propertyTest", () => {
  for (const entry of NAMES.trim().split(/\s+/)) {
    const [name = "", ...aliases] = entry.split(",");
    const expected = known(name);
    it(`finds ${entry} however it is spelled`, { skip: expected === undefined && "younger than this runtime" }, () => {
      assert.ok(expected !== undefined);
      const members = membersOf(expected);
      const bare = name.replaceAll("_", "");
      for (const text of [
        name,
        bare.toLowerCase(),
        `Is ${bare.toUpperCase()}`,
        name.replaceAll("_", "-"),
        ...aliases,
      ]) {
        assert.equal(membersOf(propertyTest(text, undefined)), members, text);
      }
    });
  }

  it("finds values by the name of their property", () => {
    for (const [name, value, spelled] of [
      ["gc", "uppercase letter", "General_Category=Lu"],
      ["General Category", "assigned", "Assigned"],
      ["gc", "any", "Any"],
      ["SC", "grek", "Script=Greek"],
      ["scx", "old-italic", "Script_Extensions=Old_Italic"],
      ["script_extensions", "Deva", "Script_Extensions=Devanagari"],
    ] as const) {
      assert.equal(membersOf(propertyTest(name, value)), membersOf(new RegExp(`\\p{${spelled}}`, "u")), value);
    }
  });
});

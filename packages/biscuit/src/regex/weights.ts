// Measured on the reference implementation: the bytes, in hundreds, that a property and its negation take in a compiled
// pattern, for those that take more than 640, and for ASCII. Its engine spells them out as automata over UTF-8.
const MEASURED =
  "ASCII 0.4 5,ASCII_Hex_Digit=AHex 0.6 6,Any 5 0.4,L=Letter 231 232,Lu=Uppercase_Letter 146 166,Ll=Lowercase_Letter 152 171,LC=Cased_Letter 52 61," +
  "Lm=Modifier_Letter 27 57,Lo=Other_Letter 185 199,M=Mark=Combining_Mark 102 146,Mn=Nonspacing_Mark 104 156," +
  "Mc=Spacing_Mark 56 86,N=Number 52 109,Nd=Decimal_Number=digit 27 68,Nl=Letter_Number 6 17,No=Other_Number 27 59," +
  "P=Punctuation=punct 64 123,Pd=Dash_Punctuation 7 19,Ps=Open_Punctuation 20 33,Pe=Close_Punctuation 19 32," +
  "Po=Other_Punctuation 60 116,S=Symbol 85 114,Sm=Math_Symbol 21 37,Sc=Currency_Symbol 9 25,Sk=Modifier_Symbol 11 24," +
  "So=Other_Symbol 70 100,C=Other 233 275,Cf=Format 9 25,Cn=Unassigned 229 276,Assigned 276 229," +
  "Alphabetic=Alpha 256 242,Bidi_Mirrored=Bidi_M 30 45,Case_Ignorable=CI 132 189,Cased 56 67," +
  "Changes_When_Casefolded=CWCF 139 157,Changes_When_Casemapped=CWCM 46 56,Changes_When_Lowercased=CWL 136 154," +
  "Changes_When_Titlecased=CWT 140 159,Changes_When_Uppercased=CWU 140 159,Dash 9 21," +
  "Default_Ignorable_Code_Point=DI 8 22,Diacritic=Dia 72 128,Emoji 41 56,Emoji_Modifier_Base=EBase 12 24," +
  "Emoji_Presentation=EPres 26 37,Extended_Pictographic=ExtPict 27 38,Extender=Ext 16 42,Grapheme_Base=Gr_Base 301 272," +
  "Grapheme_Extend=Gr_Ext 109 161,ID_Continue=IDC 269 248,ID_Start=IDS 232 232,Ideographic=Ideo 21 21," +
  "Lowercase=Lower 156 176,Math 39 51,Noncharacter_Code_Point=NChar 10 28,Pattern_Syntax=Pat_Syn 10 17," +
  "Sentence_Terminal=STerm 31 70,Soft_Dotted=SD 12 28,Terminal_Punctuation=Term 39 85,Unified_Ideograph=UIdeo 15 15," +
  "Uppercase=Upper 149 169,XID_Continue=XIDC 270 250,XID_Start=XIDS 234 234,Arabic=Arab 19 26,Common=Zyyy 68 83," +
  "Ethiopic=Ethi 11 19,Greek=Grek 12 21,Han=Hani 19 19,Hangul=Hang 8 14,Inherited=Zinh=Qaai 13 29,Latin=Latn 15 26";

/** What a set takes in the reference's compiled pattern, in bytes, and what its negation takes. */
export interface Weights {
  readonly weight: number;
  readonly negatedWeight: number;
}

const SMALL: Weights = { weight: 600, negatedWeight: 1000 };

let byName: Map<string, Weights> | undefined;

function weightsByName(): ReadonlyMap<string, Weights> {
  if (byName !== undefined) return byName;
  byName = new Map();
  for (const entry of MEASURED.split(",")) {
    const [names = "", weight, negatedWeight] = entry.split(" ");
    const weights = { weight: Number(weight) * 100, negatedWeight: Number(negatedWeight) * 100 };
    for (const name of names.split("=")) byName.set(name, weights);
  }
  return byName;
}

/** The weights of a property, given as the JavaScript expression that matches one code point of it. */
export function propertyWeights({ source }: RegExp): Weights {
  const name = /(\w+)\}$/.exec(source)?.[1] ?? "";
  return weightsByName().get(name) ?? SMALL;
}

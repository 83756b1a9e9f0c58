import { ExpressionError } from "../errors.ts";

/** The properties with this name or value, as expressions of JavaScript that match one code point. */
const compiled = new Map<string, RegExp>();

/** Words that stand beside others in the names of properties, general categories and scripts (UCD, UAX 44). */
const WORDS =
  /albanian|anatolian|arabian|aramaic|base|bidi|canadian|casefolded|citi|code|control|cypro|dives|egyptian|emoji|extended|extend|gondi|hanifi|hex|hmong|ignorable|kayah|khema|letter|linear|mark|mayek|mende|meroitic|nagri|nag|number|old|ol|order|pahlavi|parthian|phags|puachue|punctuation|rai|regional|selector|sentence|separator|small|soft|sora|square|symbol|syntax|tai|tulu|unified|use|vah|when|white/g;

/** Names that are not words with one capital each, with those of their aliases that differ from them. */
const IRREGULAR =
  "ASCII ASCII_Hex_Digit AHex Bidi_C Bidi_M EComp EMod EBase EPres ExtPict Gr_Base Gr_Ext IDS_Binary_Operator " +
  "IDS_Trinary_Operator ID_Continue ID_Start Join_C NChar Pat_Syn Pat_WS QMark STerm UIdeo XID_Continue XID_Start CI " +
  "CWCF CWCM CWL CWT CWU DI IDSB IDST IDC IDS LOE RI SD VS XIDC XIDS space LC cntrl digit punct SignWriting Pau_Cin_Hau";

/** UAX 44 rule LM3, with the one exception Rust makes. */
function looseName(name: string): string {
  const bare = name.replace(/^is/i, "");
  const loose = bare.replace(/[ _-]|[^\0-\x7f]/g, "").toLowerCase();
  return loose === "c" && bare !== name ? "isc" : loose;
}

const capitalized = (words: readonly string[]): string =>
  words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("_");

/** How JavaScript may spell a loose name: it knows one form of each. */
function spellings(loose: string): string[] {
  const irregular = loose === "wspace" ? "space" : IRREGULAR.split(" ").find((name) => looseName(name) === loose);
  const parted = loose.replace(WORDS, "_$&_").split("_").filter(Boolean);
  return irregular === undefined ? [capitalized([loose]), capitalized(parted)] : [irregular];
}

/** The property that JavaScript knows by this name behind `prefix`. */
function findBehind(prefix: string, loose: string): RegExp | undefined {
  const key = prefix + loose;
  const known = compiled.get(key);
  // Nothing else is put into an expression of JavaScript's; and Rust's characters are no surrogates.
  if (known !== undefined || !/^(?!cs$|surrogate$)[a-z0-9]{1,40}$/.test(loose)) return known;
  for (const name of spellings(loose)) {
    try {
      const test = new RegExp(`\\p{${prefix}${name}}`, "u");
      compiled.set(key, test);
      return test;
    } catch {
      // No name of a property, or one younger than the Unicode version of this runtime.
    }
  }
  return undefined;
}

const PREFIXES: Readonly<Record<string, string>> = {
  gc: "General_Category=",
  generalcategory: "General_Category=",
  sc: "Script=",
  script: "Script=",
  scx: "Script_Extensions=",
  scriptextensions: "Script_Extensions=",
};

/** Categories that are none in JavaScript. */
const WIDE = ["any", "ascii", "assigned"];

function findProperty(name: string, value: string | undefined): RegExp | undefined {
  const loose = looseName(value ?? name);
  // Without a prefix JavaScript takes general categories beside binary properties.
  if (value === undefined) return findBehind("", loose) ?? findBehind("Script=", loose);
  const kind = looseName(name);
  const prefix = Object.hasOwn(PREFIXES, kind) ? PREFIXES[kind] : undefined;
  if (prefix === undefined) return undefined;
  return findBehind(prefix === PREFIXES.gc && WIDE.includes(loose) ? "" : prefix, loose);
}

/**
 * The property that `\p{name}` or `\p{name=value}` means: a binary property, a general category or a script.
 *
 * @throws {ExpressionError} `unsupported_property` for those that the runtime does not know. Rust knows some of them, so
 * that the pattern can be called neither valid nor invalid.
 */
export function propertyTest(name: string, value: string | undefined): RegExp {
  const test = findProperty(name, value);
  if (test !== undefined) return test;
  const text = (value === undefined ? name : `${name}=${value}`).slice(0, 80);
  throw new ExpressionError(
    "unsupported_property",
    `Cannot use a Unicode property in a pattern that this runtime does not know: ${text}`,
    text,
  );
}

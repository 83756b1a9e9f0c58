import { asciiClass, type CharSet, negated, propertySet } from "./char-set.ts";
import { END, type Look, START, wordLook } from "./look.ts";
import { type Cursor, invalid } from "./pattern-cursor.ts";
import { propertyTest } from "./property.ts";
import { DIGIT, SPACE, WORD } from "./unicode.ts";

/** The letters of the flags that are set: `i`, `m`, `s`, `R`, `u` and `x`; no verdict depends on `U`. */
export type Flags = ReadonlySet<string>;

/** What one escape stands for: a character, a set, or an assertion. */
export type Escape = { readonly code: number } | { readonly set: CharSet } | { readonly look: Look };

const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const ANCHORS: Readonly<Record<string, Look>> = { A: START, z: END };

const PERL: Readonly<Record<string, { readonly unicode: RegExp; readonly ascii: string }>> = {
  d: { unicode: DIGIT, ascii: "digit" },
  s: { unicode: SPACE, ascii: "space" },
  w: { unicode: WORD, ascii: "word" },
};

const HEX_DIGIT = /^[0-9a-fA-F]$/;
const OTHER_ASCII = /^(?![0-9A-Za-z])\p{ASCII}$/u;
const BOUNDARY_LETTER = /^[A-Za-z-]$/;

/** Reads an escape; the cursor is at the backslash, and ends after the escape. */
export function parseEscape(cursor: Cursor, flags: Flags): Escape {
  if (!cursor.bump()) throw invalid();
  const letter = cursor.character;
  if (Object.hasOwn(HEX_LENGTH, letter)) return { code: parseHex(cursor, flags) };
  if (letter === "p" || letter === "P") return { set: parseProperty(cursor, flags) };
  cursor.bump();
  const set = perlClass(letter, flags);
  if (set !== undefined) return { set };
  const look = ANCHORS[letter] ?? wordLook(letter + (letter === "b" ? parseBoundary(cursor) : ""), flags.has("u"));
  if (look !== undefined) return { look };
  const code = CONTROL[letter] ?? (OTHER_ASCII.test(letter) ? letter.codePointAt(0) : undefined);
  if (code === undefined) throw invalid();
  return { code };
}

function perlClass(letter: string, flags: Flags): CharSet | undefined {
  const entry = PERL[letter.toLowerCase()];
  if (entry === undefined) return undefined;
  const set = flags.has("u") ? propertySet(entry.unicode) : asciiClass(entry.ascii);
  if (set === undefined || letter in PERL) return set;
  if (!flags.has("u")) throw invalid();
  return negated(set);
}

/** The braces of `\b{start}` and its like; in `\b{2}` they are a repetition and stay. */
function parseBoundary(cursor: Cursor): string {
  if (!cursor.at("{")) return "";
  const start = cursor.position;
  if (!cursor.bumpAndSpace()) throw invalid();
  if (!BOUNDARY_LETTER.test(cursor.character)) {
    cursor.position = start;
    return "";
  }
  let name = "";
  while (BOUNDARY_LETTER.test(cursor.character)) {
    name += cursor.character;
    cursor.bumpAndSpace();
  }
  if (!cursor.at("}") || wordLook(`b{${name}}`, true) === undefined) throw invalid();
  cursor.bump();
  return `{${name}}`;
}

function parseHex(cursor: Cursor, flags: Flags): number {
  const length = HEX_LENGTH[cursor.character] ?? 0;
  if (!cursor.bumpAndSpace()) throw invalid();
  if (cursor.at("{")) return scalar(parseHexInBraces(cursor));
  let digits = "";
  for (let i = 0; i < length; i++) {
    if (!HEX_DIGIT.test(cursor.character)) throw invalid();
    digits += cursor.character;
    cursor.bumpAndSpace();
  }
  const code = scalar(digits);
  // Without Unicode two digits are a byte.
  if (length === 2 && code > 0x7f && !flags.has("u")) throw invalid();
  return code;
}

function parseHexInBraces(cursor: Cursor): string {
  let digits = "";
  while (cursor.bumpAndSpace() && !cursor.at("}")) {
    if (!HEX_DIGIT.test(cursor.character)) throw invalid();
    digits += cursor.character;
  }
  if (cursor.atEnd || digits === "") throw invalid();
  cursor.bumpAndSpace();
  return digits;
}

function scalar(digits: string): number {
  const code = Number.parseInt(digits, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw invalid();
  return code;
}

function parseProperty(cursor: Cursor, flags: Flags): CharSet {
  const isNegated = cursor.at("P");
  if (!cursor.bumpAndSpace() || !flags.has("u")) throw invalid();
  if (!cursor.at("{")) {
    const name = cursor.character;
    cursor.bumpAndSpace();
    return polarized(propertySet(propertyTest(name, undefined)), isNegated);
  }
  let text = "";
  while (cursor.bumpAndSpace() && !cursor.at("}")) text += cursor.character;
  if (cursor.atEnd) throw invalid();
  cursor.bump();
  // The first of these that occurs at all decides, in this order.
  const operator = ["!=", ":", "="].find((candidate) => text.includes(candidate));
  if (operator === undefined) return polarized(propertySet(propertyTest(text, undefined)), isNegated);
  const at = text.indexOf(operator);
  const property = propertySet(propertyTest(text.slice(0, at), text.slice(at + operator.length)));
  return polarized(property, isNegated !== (operator === "!="));
}

const polarized = (set: CharSet, isNegated: boolean): CharSet => (isNegated ? negated(set) : set);

import { type PropertyLeaf, rangeLeaf, type SetProgram } from "./char-set.ts";
import { type Cursor, invalid } from "./cursor.ts";
import type { Flags } from "./flags.ts";
import type { LookName } from "./look.ts";
import { DIGIT, findProperty, findPropertyValue, type PropertyTest, SPACE, WORD } from "./unicode.ts";

/** What one escape stands for: a character, a set, or an assertion. */
export type Escape =
  | { readonly kind: "character"; readonly code: number }
  | { readonly kind: "set"; readonly program: SetProgram }
  | { readonly kind: "look"; readonly look: LookName };

const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

const LOOKS: Readonly<Record<string, LookName>> = {
  A: "start",
  z: "end",
  b: "boundary",
  B: "notBoundary",
  "<": "wordStart",
  ">": "wordEnd",
};

const SPECIAL_BOUNDARIES: Readonly<Record<string, LookName>> = {
  start: "wordStart",
  end: "wordEnd",
  "start-half": "wordStartHalf",
  "end-half": "wordEndHalf",
};

interface PerlClass {
  readonly unicode: PropertyTest;
  readonly ascii: readonly number[];
}

const PERL: Readonly<Record<string, PerlClass>> = {
  d: { unicode: DIGIT, ascii: [48, 57] },
  s: { unicode: SPACE, ascii: [9, 13, 32, 32] },
  w: { unicode: WORD, ascii: [48, 57, 65, 90, 95, 95, 97, 122] },
};

const PERL_NAME = /^[dswDSW]$/;
const HEX_DIGIT = /^[0-9a-fA-F]$/;
const OTHER_ASCII = /^(?![0-9A-Za-z])\p{ASCII}$/u;
const BOUNDARY_LETTER = /^[A-Za-z-]$/;

const ASCII_LOOKS: Partial<Record<LookName, LookName>> = {
  boundary: "boundaryAscii",
  notBoundary: "notBoundaryAscii",
  wordStart: "wordStartAscii",
  wordEnd: "wordEndAscii",
  wordStartHalf: "wordStartHalfAscii",
  wordEndHalf: "wordEndHalfAscii",
};

/** Reads an escape; the cursor is at the backslash, and ends after the escape. */
export function parseEscape(cursor: Cursor, flags: Flags): Escape {
  if (!cursor.bump()) throw invalid();
  const letter = cursor.character;
  if (Object.hasOwn(HEX_LENGTH, letter)) return { kind: "character", code: parseHex(cursor, flags) };
  if (letter === "p" || letter === "P") return { kind: "set", program: parseProperty(cursor, flags) };
  cursor.bump();
  if (PERL_NAME.test(letter)) return { kind: "set", program: perlClass(letter, flags) };
  const look = LOOKS[letter];
  if (look !== undefined) {
    const exact = parseBoundary(cursor, look);
    return { kind: "look", look: flags.unicode ? exact : (ASCII_LOOKS[exact] ?? exact) };
  }
  const code = CONTROL[letter] ?? (OTHER_ASCII.test(letter) ? letter.codePointAt(0) : undefined);
  if (code === undefined) throw invalid();
  return { kind: "character", code };
}

function perlClass(letter: string, flags: Flags): SetProgram {
  const lower = letter.toLowerCase();
  const entry = PERL[lower];
  if (entry === undefined) throw invalid();
  const leaf = flags.unicode ? { property: entry.unicode } : rangeLeaf(entry.ascii);
  if (lower === letter) return [leaf];
  if (!flags.unicode) throw invalid();
  return [leaf, "not"];
}

/** `\b{start}` and its like; `\b{2}` is a repetition and stays. */
function parseBoundary(cursor: Cursor, look: LookName): LookName {
  if (look !== "boundary" || !cursor.at("{")) return look;
  const start = cursor.position;
  if (!cursor.bumpAndSpace()) throw invalid();
  if (!BOUNDARY_LETTER.test(cursor.character)) {
    cursor.position = start;
    return look;
  }
  let name = "";
  while (BOUNDARY_LETTER.test(cursor.character)) {
    name += cursor.character;
    cursor.bumpAndSpace();
  }
  const special = Object.hasOwn(SPECIAL_BOUNDARIES, name) ? SPECIAL_BOUNDARIES[name] : undefined;
  if (!cursor.at("}") || special === undefined) throw invalid();
  cursor.bump();
  return special;
}

function parseHex(cursor: Cursor, flags: Flags): number {
  const length = HEX_LENGTH[cursor.character] ?? 0;
  const byte = length === 2;
  if (!cursor.bumpAndSpace()) throw invalid();
  if (cursor.at("{")) return scalar(parseHexInBraces(cursor));
  let digits = "";
  for (let i = 0; i < length; i++) {
    if (!HEX_DIGIT.test(cursor.character)) throw invalid();
    digits += cursor.character;
    cursor.bumpAndSpace();
  }
  const code = scalar(digits);
  if (byte && code > 0x7f && !flags.unicode) throw invalid();
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

function parseProperty(cursor: Cursor, flags: Flags): SetProgram {
  const negated = cursor.at("P");
  if (!cursor.bumpAndSpace()) throw invalid();
  const { property, unequal } = cursor.at("{") ? parsePropertyInBraces(cursor) : parseOneLetter(cursor);
  if (property === undefined || !flags.unicode) throw invalid();
  const leaf: PropertyLeaf = { property };
  const folded: SetProgram = flags.ignoreCase ? [leaf, "fold"] : [leaf];
  return negated !== unequal ? [...folded, "not"] : folded;
}

interface NamedProperty {
  readonly property: PropertyTest | undefined;
  readonly unequal: boolean;
}

function parseOneLetter(cursor: Cursor): NamedProperty {
  const name = cursor.character;
  cursor.bumpAndSpace();
  return { property: findProperty(name), unequal: false };
}

function parsePropertyInBraces(cursor: Cursor): NamedProperty {
  let text = "";
  while (cursor.bumpAndSpace() && !cursor.at("}")) text += cursor.character;
  if (cursor.atEnd) throw invalid();
  cursor.bump();
  // The first of these that occurs at all decides, in this order.
  const operator = ["!=", ":", "="].find((candidate) => text.includes(candidate));
  if (operator === undefined) return { property: findProperty(text), unequal: false };
  const at = text.indexOf(operator);
  const property = findPropertyValue(text.slice(0, at), text.slice(at + operator.length));
  return { property, unequal: operator === "!=" };
}

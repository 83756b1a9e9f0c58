import { getOrCreate } from "../get-or-create.ts";

// Sets of code points as expressions that match one of them; the definitions of UTS 18 annex C, as Rust's regex has them.
export const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
export const DIGIT = /\p{Nd}/u;
export const SPACE = /\p{White_Space}/u;

function hasProperty(code: number, property: RegExp): boolean {
  return property.test(String.fromCodePoint(code));
}

export function isAsciiWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
}

export function isWord(code: number): boolean {
  return code < 128 ? isAsciiWord(code) : hasProperty(code, WORD);
}

export function isSpace(character: string): boolean {
  return SPACE.test(character);
}

/** Whether a character may stand in the name of a group, or begin it. */
export function isGroupNameCharacter(character: string, first: boolean): boolean {
  return (first ? /[\p{Alphabetic}_]/u : /[\p{Alphabetic}\p{Nd}\p{Nl}\p{No}_.[\]]/u).test(character);
}

/** The blocks in which more than one upper and one lower letter are equal under simple case folding. */
const FOLDED_BLOCKS = [
  [0, 0x5ff],
  [0x1c80, 0x1c8f],
  [0x1e00, 0x212f],
  [0xfb00, 0xfb06],
] as const;

/** Its upper case is I to JavaScript, but it is equal to itself alone under simple case folding. */
const DOTLESS_I = 0x131;

let folded: Map<string, number[]> | undefined;

/** The letters of {@link FOLDED_BLOCKS} by their upper case, which equal ones share; made on first use. */
function foldedLetters(): ReadonlyMap<string, readonly number[]> {
  if (folded !== undefined) return folded;
  folded = new Map();
  for (const [low, high] of FOLDED_BLOCKS) {
    for (let code = low; code <= high; code++) {
      const upper = String.fromCodePoint(code).toLowerCase().toUpperCase();
      getOrCreate(folded, upper, () => []).push(code);
    }
  }
  return folded;
}

/** All code points equal to `code` under Unicode simple case folding, `code` among them. */
export function caseVariants(code: number): readonly number[] {
  if (code === DOTLESS_I) return [code];
  const lower = String.fromCodePoint(code).toLowerCase();
  const upper = lower.toUpperCase();
  const variants = new Set([code, ...(foldedLetters().get(upper) ?? [])]);
  for (const text of [upper, upper.toLowerCase(), lower]) {
    const single = text.codePointAt(0) ?? code;
    if (String.fromCodePoint(single) === text) variants.add(single);
  }
  variants.delete(DOTLESS_I);
  return [...variants];
}

/** The same for ASCII letters alone, as without the flag `u`. */
export function asciiCaseVariants(code: number): readonly number[] {
  const letter = code | 32;
  return letter >= 97 && letter <= 122 && code < 128 ? [code, code ^ 32] : [code];
}

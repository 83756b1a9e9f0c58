import { isAsciiWord, isWord } from "./unicode.ts";

// What is known of a neighbouring character, as bits; EDGE means there is none.
const EDGE = 1;
const LF = 2;
const CR = 4;
const WORD = 8;
const ASCII_WORD = 16;

/** A zero-width assertion over the characters before and after a place. */
export interface Look {
  /** The bits it looks at. */
  readonly sees: number;
  /** Its answer from the bits of the two characters. */
  readonly holds: (before: number, after: number) => boolean;
}

export const START: Look = { sees: EDGE, holds: (before) => before > 0 };
export const END: Look = { sees: EDGE, holds: (_, after) => after > 0 };
export const START_LINE: Look = { ...START, sees: EDGE | LF };
export const END_LINE: Look = { ...END, sees: EDGE | LF };
/** Not between the two halves of CR LF. */
export const START_CRLF: Look = {
  sees: EDGE | LF | CR,
  holds: (before, after) => before > 0 && !(before === CR && after === LF),
};
export const END_CRLF: Look = {
  sees: EDGE | LF | CR,
  holds: (before, after) => after > 0 && !(before === CR && after === LF),
};

const WORD_LOOKS: Readonly<Record<string, Look["holds"]>> = {
  b: (before, after) => before !== after,
  B: (before, after) => before === after,
  "<": (before, after) => before < after,
  ">": (before, after) => before > after,
  "b{start}": (before, after) => before < after,
  "b{end}": (before, after) => before > after,
  "b{start-half}": (before) => before === 0,
  "b{end-half}": (_, after) => after === 0,
};

/** The assertion about words that is written so after a backslash. */
export function wordLook(text: string, unicode: boolean): Look | undefined {
  const holds = Object.hasOwn(WORD_LOOKS, text) ? WORD_LOOKS[text] : undefined;
  return holds && { sees: unicode ? WORD : ASCII_WORD, holds };
}

/** The neighbour beyond either end of the text. */
export const BEYOND = EDGE;

/** The bits of a character, of which only those in `sees` matter to the caller. */
export function neighbour(code: number, sees: number): number {
  let bits = 0;
  if (code === 10) bits = LF;
  else if (code === 13) bits = CR;
  if ((sees & ASCII_WORD) !== 0 && isAsciiWord(code)) bits |= ASCII_WORD;
  if ((sees & WORD) !== 0 && isWord(code)) bits |= WORD;
  return bits & sees;
}

import { isAsciiWord, isWord } from "./unicode.ts";

/** The zero-width assertions; those ending in Ascii take only ASCII letters, digits and `_` for word characters. */
export type LookName = keyof typeof LOOKS;

// What is known of a neighbouring character, as bits; EDGE means there is none.
const EDGE = 1;
const LF = 2;
const CR = 4;
const WORD = 8;
const ASCII_WORD = 16;

/** An assertion: the bits it looks at, and its answer from the bits of the characters before and after. */
export interface Look {
  readonly sees: number;
  readonly holds: (before: number, after: number) => boolean;
}

function wordLooks(word: number) {
  const sees = word;
  return {
    boundary: { sees, holds: (before, after) => ((before ^ after) & word) !== 0 },
    notBoundary: { sees, holds: (before, after) => ((before ^ after) & word) === 0 },
    wordStart: { sees, holds: (before, after) => (before & word) === 0 && (after & word) !== 0 },
    wordEnd: { sees, holds: (before, after) => (before & word) !== 0 && (after & word) === 0 },
    wordStartHalf: { sees, holds: (before) => (before & word) === 0 },
    wordEndHalf: { sees, holds: (_, after) => (after & word) === 0 },
  } satisfies Record<string, Look>;
}

const UNICODE = wordLooks(WORD);
const ASCII = wordLooks(ASCII_WORD);

export const LOOKS = {
  start: { sees: EDGE, holds: (before) => (before & EDGE) !== 0 },
  end: { sees: EDGE, holds: (_, after) => (after & EDGE) !== 0 },
  startLine: { sees: EDGE | LF, holds: (before) => (before & (EDGE | LF)) !== 0 },
  endLine: { sees: EDGE | LF, holds: (_, after) => (after & (EDGE | LF)) !== 0 },
  startCrlf: {
    sees: EDGE | LF | CR,
    holds: (before, after) => (before & (EDGE | LF)) !== 0 || ((before & CR) !== 0 && (after & LF) === 0),
  },
  endCrlf: {
    sees: EDGE | LF | CR,
    holds: (before, after) => (after & (EDGE | CR)) !== 0 || ((after & LF) !== 0 && (before & CR) === 0),
  },
  ...UNICODE,
  boundaryAscii: ASCII.boundary,
  notBoundaryAscii: ASCII.notBoundary,
  wordStartAscii: ASCII.wordStart,
  wordEndAscii: ASCII.wordEnd,
  wordStartHalfAscii: ASCII.wordStartHalf,
  wordEndHalfAscii: ASCII.wordEndHalf,
} satisfies Record<string, Look>;

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

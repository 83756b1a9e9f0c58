import type { Folding } from "./char-set.ts";

/** What the flags `i`, `m`, `s`, `R`, `u` and `x` are at a place of a pattern; `U` cannot change whether it matches. */
export interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotAll: boolean;
  readonly crlf: boolean;
  readonly unicode: boolean;
  readonly verbose: boolean;
}

export const DEFAULT_FLAGS: Flags = {
  ignoreCase: false,
  multiLine: false,
  dotAll: false,
  crlf: false,
  unicode: true,
  verbose: false,
};

/** The letters of flags; `U` swaps greed, which no verdict depends on. */
export const FLAG_LETTERS: Readonly<Record<string, keyof Flags | "greed">> = {
  i: "ignoreCase",
  m: "multiLine",
  s: "dotAll",
  R: "crlf",
  u: "unicode",
  x: "verbose",
  U: "greed",
};

export function foldingOf(flags: Flags): Folding {
  return flags.unicode ? "unicode" : "ascii";
}

import type { Printer } from "./printer.ts";
import type { World } from "./world.ts";

/** One option of a command. */
export interface Option {
  /** A flag takes no value; a list is given several times, or joined by commas. */
  readonly kind: "text" | "flag" | "list";
  readonly summary: string;
  /** What stands for its value, or for one of a list, in the help. @default "TEXT" */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** One letter that stands for it. */
  readonly short?: string;
}

/** One word that a command takes without a dash. */
export interface Positional {
  readonly name: string;
  readonly summary: string;
  /** @default true */
  readonly required?: boolean;
}

/** What a command was given, checked against its row of the table. */
export interface Arguments {
  /** The value of a text option, or of a positional by its name. */
  text(name: string): string | undefined;
  /** The same where the caller cannot go on without. */
  required(name: string): string;
  flag(name: string): boolean;
  /** The values of a list, or `undefined` when it was not given; `--scopes ""` is the empty list. */
  list(name: string): readonly string[] | undefined;
  /** A text option that is a whole number. */
  integer(name: string): number | undefined;
}

/** What a command runs with. */
export interface Run {
  readonly given: Arguments;
  readonly world: World;
  readonly print: Printer;
}

/** One row of the table of commands. The help and the completions are printed from it. */
export interface Command {
  /** One or two words. */
  readonly name: string;
  readonly summary: string;
  readonly positionals?: readonly Positional[];
  readonly options?: Readonly<Record<string, Option>>;
  /** Lines that can be tried. */
  readonly examples?: readonly string[];
  readonly run: (run: Run) => Promise<void>;
}

import type { Output } from "./output.ts";

/** What a command may use of the world. */
export interface CliHost {
  /** Reads a file as bytes; `-` is standard input. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** The version of this package. */
  readonly version: string;
}

/** A flag of a command; with a `value` it takes one, which the help calls so. */
export interface Flag {
  readonly value?: string;
  readonly summary: string;
}

/** The flags of a call, after parsing: what they were given, or `true` for those that take nothing. */
export type Flags = Readonly<Record<string, string | true | undefined>>;

/** A call of a command. */
export interface Call {
  readonly positional: readonly string[];
  readonly flags: Flags;
  readonly host: CliHost;
}

/** A command of the program. */
export interface Command {
  readonly summary: string;
  /** Whether it takes a FILE: a token. @default false */
  readonly file?: boolean;
  readonly flags: Readonly<Record<string, Flag>>;
  /** How people call it. */
  readonly example: string;
  readonly run: (call: Call) => Promise<Output>;
}

import type { Clock, Random } from "@countersign/protocol";

/** The signals that ask a server to stop. */
export type Signal = "SIGTERM" | "SIGINT";

/** Where text goes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** How wide the terminal is. */
  readonly columns?: number;
  /** How much was written that nobody has taken yet. */
  readonly writableLength?: number;
}

/** Where text comes from: a pipe, or a terminal whose echo can be switched off. */
export type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
};

/** All that a command may touch of the process it runs in. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly random: Random;
  readonly onSignal: (signal: Signal, listener: () => void) => void;
  /** The id of the parent process; another one after it ended. */
  readonly parent: () => number;
  /** Ends the process at once, whatever its threads are at. */
  readonly exit: (code: number) => never;
}

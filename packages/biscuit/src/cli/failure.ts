import { BiscuitError } from "../index.ts";
import { oneLine } from "./output.ts";

/** The program cannot do what it was asked to: what went wrong, and how to mend it. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly hint: string | undefined;
  /** 1: it failed; 2: it was called wrongly. */
  readonly status: 1 | 2;

  constructor(message: string, options: { readonly hint?: string | undefined; readonly status?: 1 | 2 } = {}) {
    super(message);
    this.hint = options.hint;
    this.status = options.status ?? 1;
  }
}

/** The program was called wrongly. */
export const usageFailure = (message: string, hint?: string): CliFailure =>
  new CliFailure(message, { hint, status: 2 });

/** Does this work, and says of what fails in it where that came from: a file or an option. */
export async function from<T>(place: string, hint: string | undefined, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BiscuitError)) throw error;
    // The message of the reference for it lists the bytes of the signature.
    const text = error.code === "block_signature" ? "the signature of a block has the wrong length" : error.message;
    throw new CliFailure(`${place}: ${lowerFirst(text)}`, { hint });
  }
}

/** A key that stands where a file or a token belongs must not reach a log. */
const withoutKeys = (text: string): string => text.replace(/(-private\/)[0-9a-f]+/gi, "$1…");

// A name in capitals keeps them: PEM, DER.
const lowerFirst = (text: string): string =>
  /^[A-Z][a-z ]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;

/** What is said of a failure. */
export function describe({ message, hint }: CliFailure): string {
  const lines = [`error: ${lowerFirst(message)}`, ...(hint === undefined ? [] : [`hint: ${hint}`])];
  return lines.map((line) => `biscuit: ${oneLine(withoutKeys(line))}\n`).join("");
}

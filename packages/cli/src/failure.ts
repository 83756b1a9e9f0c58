import { CountersignError } from "@countersign/protocol";
import { legible } from "./printer.ts";

/** 1: it failed; 2: it was called wrongly; 3: it worked, and the answer is no; 130: it was interrupted, as shells number it (128 and SIGINT). */
export type ExitCode = 1 | 2 | 3 | 130;

/** A command cannot do what it was asked to: what went wrong, and how to mend it. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly hints: readonly string[];
  readonly exitCode: ExitCode;

  constructor(message: string, options: { readonly hints?: readonly string[]; readonly exitCode?: ExitCode } = {}) {
    super(message);
    this.hints = options.hints ?? [];
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A command was called wrongly. */
export function usageFailure(message: string, ...hints: readonly string[]): CliFailure {
  return new CliFailure(message, { hints, exitCode: 2 });
}

/**
 * What is said of any error: lower case after the prefix, and a line for each hint; for machines one line of JSON with the
 * members `error`, `hints` and, of a refusal of the authority, its `code`.
 */
export function describeFailure(error: unknown, json = false): { readonly text: string; readonly exitCode: ExitCode } {
  const exitCode = error instanceof CliFailure ? error.exitCode : 1;
  const hints = error instanceof CliFailure ? error.hints : [];
  const what = lowerFirst(messageOf(error));
  if (json) {
    const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
    return { text: `${JSON.stringify({ error: what, code, hints })}\n`, exitCode };
  }
  const lines = [`countersign: error: ${what}`, ...hints.map((hint) => `countersign: hint: ${hint}`)];
  return { text: `${lines.join("\n").replace(/[^\n\t]+/g, legible)}\n`, exitCode };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return "something that is not an error was thrown";
  const detail = error instanceof CountersignError ? error.detail : undefined;
  return detail === undefined ? error.message : `${error.message} (${detail})`;
}

function lowerFirst(text: string): string {
  // A name in capitals keeps them: EADDRINUSE, JWK.
  return /^[A-Z][a-z ]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}

/** What the system said, for a hint. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : "the system gave no reason";
}

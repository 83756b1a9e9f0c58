import { CountersignError } from "@countersign/protocol";
import { SdkError } from "@countersign/sdk";
import type { Run } from "../command.ts";
import { CliFailure } from "../failure.ts";

/** An error of the SDK or of a token, as the command tells it. */
function failureOf(error: unknown): unknown {
  // What a refusal says is its own hint.
  if (error instanceof SdkError) return new CliFailure(error.message, { hints: error.refusal ? [] : [error.hint] });
  if (error instanceof CountersignError) {
    return new CliFailure(`Token error: ${error.message}${error.detail === undefined ? "" : `: ${error.detail}`}`);
  }
  return error;
}

/**
 * Runs a command that says on stdout, for machines, when it failed: `success: false` with `error`. Being called wrongly is
 * not a failure of that kind.
 *
 * @param said What machines are told beside it.
 */
export async function telling(run: Pick<Run, "print">, said: object, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const failure = failureOf(error);
    const isFailure = failure instanceof CliFailure && failure.exitCode !== 2;
    if (run.print.json && isFailure) run.print.data({ success: false, ...said, error: failure.message }, () => []);
    throw failure;
  }
}

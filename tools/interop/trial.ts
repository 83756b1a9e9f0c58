/** One thing that was tried with somebody else's program, and what should come of it. */
export interface Trial {
  readonly id: string;
  /** What it must answer: a text that is in the answer. */
  readonly expect: string;
  readonly run: () => Promise<string>;
}

/** Runs trials one after the other and prints a line each; resolves to how many ended otherwise than expected. */
export async function runTrials(program: string, trials: readonly Trial[]): Promise<number> {
  let failures = 0;
  for (const { id, expect, run } of trials) {
    const answer = await run();
    const passed = answer.includes(expect);
    if (!passed) failures++;
    console.log(`${passed ? "ok    " : "FAILED"} ${program}: ${id}: ${answer}${passed ? "" : `; expected ${expect}`}`);
  }
  return failures;
}

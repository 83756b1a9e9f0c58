import type { TestFile } from "./baseline.ts";
import { describe, type Judged } from "./report.ts";

/** Says on the standard error stream how far a run is. */
export class Progress {
  #mutantsFrom = performance.now();

  test(done: number, all: number, { file, outcome, ms }: TestFile): void {
    this.#mutantsFrom = performance.now();
    console.error(`[test file ${done} of ${all}] ${outcome} in ${seconds(ms)} unmutated: ${file}`);
  }

  mutant(judged: readonly Judged[], all: number, isKnown: boolean): void {
    const last = judged.at(-1);
    if (last === undefined) return;
    const { outcome, by, ms } = last.verdict;
    const survivors = judged.filter(({ verdict }) => /survived|unreached/.test(verdict.outcome)).length;
    const left = this.#estimate(judged, all);
    const killer = by === undefined ? "" : ` by ${by}`;
    console.error(
      `[${judged.length} of ${all}, ${survivors} survivors, ${left} left] ${outcome}: ${describe(last)}${killer} (${isKnown ? "known" : seconds(ms)})`,
    );
  }

  /** From the mean so far; those known from an earlier run cost nothing. */
  #estimate(judged: readonly Judged[], all: number): string {
    const mean = (performance.now() - this.#mutantsFrom) / judged.length;
    return seconds(mean * (all - judged.length));
  }
}

function seconds(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

import { CASES, type Divergence, type Outcome } from "./cases.ts";
import { ReferenceHost } from "./reference-module.ts";

/** What a run found. */
export interface FuzzReport {
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly divergences: readonly Divergence[];
}

const ROUND = CASES.flatMap(({ name, share, run }) => Array.from({ length: share }, () => ({ name, run })));

/** Puts `count` random cases of all kinds to both implementations. */
export async function fuzzReference(seed: number, count: number, host = new ReferenceHost()): Promise<FuzzReport> {
  const counts: Record<string, Record<string, number>> = {};
  const divergences: Divergence[] = [];
  for (let i = 0; i < count; i++) {
    const entry = ROUND[i % ROUND.length];
    if (entry === undefined) break;
    const outcome: Outcome = await entry.run(seed + i, host);
    const kind = typeof outcome === "string" ? outcome : "diverged";
    counts[entry.name] ??= {};
    const tally = counts[entry.name] ?? {};
    tally[kind] = (tally[kind] ?? 0) + 1;
    if (typeof outcome !== "string") divergences.push(outcome);
  }
  return { counts, divergences };
}

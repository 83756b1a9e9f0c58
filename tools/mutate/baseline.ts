import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { executedStretches, type Stretches } from "./coverage.ts";
import type { ImportGraph } from "./imports.ts";
import { hashOf, type Remembered } from "./remembered.ts";
import { runTest, type TestRun } from "./run-test.ts";

/** What a test file does when nothing is mutated. */
export interface Baseline extends TestRun {
  /** Of all the files it imports: as long as it is the same, the baseline holds. */
  readonly hash: string;
  /** What it executes of each file that it imports. */
  readonly executed: Readonly<Record<string, Stretches>>;
}

export interface TestFile extends Baseline {
  readonly file: string;
  readonly distances: ReadonlyMap<string, number>;
}

export interface BaselineOptions {
  readonly tree: string;
  readonly graph: ImportGraph;
  readonly targets: readonly string[];
  readonly timeoutMs: number;
  readonly known: Remembered<Baseline>;
}

/** Runs a test file unchanged, unless it is known; `undefined` for one that imports nothing of what is mutated. */
export async function baselineOf(file: string, options: BaselineOptions): Promise<TestFile | undefined> {
  const { tree, graph, targets, known } = options;
  const distances = graph.distancesFrom(file);
  if (!targets.some((target) => distances.has(target))) return undefined;
  const files = [...distances.keys()];
  const hash = hashOf(...files.map((path) => readFileSync(join(tree, path), "utf8")));
  const before = known.get(file);
  const baseline = before?.hash === hash ? before : { ...(await measure(file, files, options)), hash };
  known.set(file, baseline);
  return { ...baseline, file, distances };
}

async function measure(file: string, files: readonly string[], { tree, timeoutMs }: BaselineOptions) {
  const coverage = mkdtempSync(join(tree, "node_modules", "coverage-"));
  try {
    const run = await runTest(file, { tree, timeoutMs, coverage });
    return { ...run, executed: run.outcome === "passed" ? executedStretches(coverage, tree, files) : {} };
  } finally {
    rmSync(coverage, { recursive: true });
  }
}

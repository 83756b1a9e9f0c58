import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestFile } from "./baseline.ts";
import { compiles } from "./compile.ts";
import { holds } from "./coverage.ts";
import { type Mutant, mutated } from "./mutants.ts";
import { hashOf } from "./remembered.ts";
import { runTest } from "./run-test.ts";
import { parses } from "./syntax.ts";

/**
 * What was found of a mutant. `unreached`: no test executes what it changes, so it survives without a run. `invalid`: it
 * is no program, so it does not count: it does not parse, or a part of a condition went that the types need.
 */
export interface Verdict {
  readonly outcome: "killed" | "survived" | "unreached" | "invalid";
  /** The test file and the first test in it that failed. */
  readonly by?: string;
  readonly failure?: string;
  /** Of the mutated file and of the tests that judged: as long as it is the same, the verdict holds. */
  readonly hash: string;
  readonly ms: number;
  /** The tests that the time for one mutant did not suffice for. */
  readonly untried?: readonly string[];
}

export interface TrialOptions {
  readonly tree: string;
  readonly tests: readonly TestFile[];
  /** How often a test file killed a mutant of the same file before: those go first. */
  readonly kills: ReadonlyMap<string, number>;
  readonly budgetMs: number;
  readonly known: Verdict | undefined;
}

/** Makes a mutant in the copy, runs the tests that execute it until one fails, and takes it back. */
export async function tryMutant(mutant: Mutant, options: TrialOptions): Promise<Verdict> {
  const { tree, known } = options;
  const path = join(tree, mutant.file);
  const text = readFileSync(path, "utf8");
  const tests = inOrder(mutant, options);
  if (known !== undefined && known.hash === hashFor(known, text, options, tests)) return known;
  const change = mutated(text, mutant);
  if (!parses(mutant.file, change)) return done("invalid", text, options, tests);
  writeFileSync(path, change);
  try {
    return await judge(mutant, tests, text, options);
  } finally {
    writeFileSync(path, text);
  }
}

async function judge(
  mutant: Mutant,
  tests: readonly TestFile[],
  text: string,
  options: TrialOptions,
): Promise<Verdict> {
  let ms = 0;
  for (const [tried, test] of tests.entries()) {
    // Most mutants die by their first test, which is quicker than the compiler.
    if (tried === 1 && isNoProgram(mutant, options)) return { ...done("invalid", text, options, tests), ms };
    if (ms + test.ms > options.budgetMs && tried > 0) {
      const untried = tests.slice(tried).map(({ file }) => file);
      return { ...done("survived", text, options, tests), ms, untried };
    }
    const run = await runTest(test.file, { tree: options.tree, timeoutMs: 3 * test.ms + 20_000 });
    ms += run.ms;
    if (run.outcome === "passed") continue;
    return { ...done("killed", text, options, [test], test.file), ms, failure: run.failure ?? run.outcome };
  }
  if (tests.length < 2 && isNoProgram(mutant, options)) return { ...done("invalid", text, options, tests), ms };
  return { ...done(tests.length === 0 ? "unreached" : "survived", text, options, tests), ms };
}

/** A statement that goes must be missed by a test, whatever the compiler says of what follows it. */
function isNoProgram({ kind, file }: Mutant, { tree }: TrialOptions): boolean {
  return kind !== "guard" && kind !== "throw" && kind !== "call" && !compiles(tree, file);
}

/** The tests that execute the mutant: first those that killed a neighbour, then the near and quick ones. */
function inOrder({ file, reachedAt }: Mutant, { tests, kills }: TrialOptions): readonly TestFile[] {
  const cost = (test: TestFile) => (test.ms * (test.distances.get(file) ?? 9)) / (1 + (kills.get(test.file) ?? 0));
  return tests
    .filter(({ executed }) => holds(executed[file] ?? [], reachedAt))
    .sort((one, other) => cost(one) - cost(other));
}

function done(
  outcome: Verdict["outcome"],
  text: string,
  { tree }: TrialOptions,
  tests: readonly TestFile[],
  by?: string,
): Verdict {
  const hash = by === undefined ? hashOf(text, ...hashesOf(tests)) : hashOf(text, readFileSync(join(tree, by), "utf8"));
  return { outcome, hash, ms: 0, ...(by === undefined ? {} : { by }) };
}

/** A kill holds while its test file is the same, a survival while all the tests that passed and all they import are. */
function hashFor({ by }: Verdict, text: string, options: TrialOptions, tests: readonly TestFile[]): string | undefined {
  if (by === undefined) return hashOf(text, ...hashesOf(tests));
  const test = options.tests.find(({ file }) => file === by);
  return test === undefined ? undefined : done("killed", text, options, [test], by).hash;
}

function hashesOf(tests: readonly TestFile[]): readonly string[] {
  return tests.map(({ file, hash }) => `${file} ${hash}`).sort();
}

/**
 * Takes the guards of the sources away one by one, in a copy of the tree, and runs the tests that execute each:
 *
 *   npm run mutate -- [FILE_OR_FOLDER ...] [--tests FOLDER ...] [--budget 120] [--kinds guard ...] [--boundaries] [--fresh] [--list] [--json]
 *
 * It ends with 1 when a mutant survives that `tools/mutate/accepted.json` does not list, and when it lists one that is
 * killed or gone. A run that was broken off goes on where it was; `--fresh` starts again.
 */
import { globSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readAccepted } from "./accepted.ts";
import { type Baseline, baselineOf, type TestFile } from "./baseline.ts";
import { copyTree } from "./copy.ts";
import { ImportGraph } from "./imports.ts";
import { type KindName, kinds } from "./kinds.ts";
import { idOf, type Mutant, mutantsOf } from "./mutants.ts";
import { Progress } from "./progress.ts";
import { Remembered } from "./remembered.ts";
import { describe, inWords, isGood, type Judged, type Report, reportOf } from "./report.ts";
import { guarded } from "./targets.ts";
import { tryMutant, type Verdict } from "./trial.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    root: { type: "string", default: "." },
    tests: { type: "string", multiple: true, default: ["packages"] },
    budget: { type: "string", default: "120" },
    kinds: { type: "string", multiple: true, default: [] },
    boundaries: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const root = realpathSync(options.root);
const cache = join(root, "node_modules/.cache/mutate");
const baselines = new Remembered<Baseline>(join(cache, "baselines.json"), options.fresh);
const verdicts = new Remembered<Verdict>(join(cache, "verdicts.json"), options.fresh);
const wantedKinds = Object.keys(kinds).filter(isWanted);
const progress = new Progress();

const targets = (positionals.length > 0 ? positionals : guarded).flatMap(filesIn);
const mutants = targets.flatMap((file) => mutantsOf(file, readFileSync(join(root, file), "utf8"), wantedKinds));

if (options.list) {
  for (const mutant of mutants) console.log(describe(mutant));
} else {
  setPriority(constants.priority.PRIORITY_LOW);
  const report = await mutateAll();
  console.log(options.json ? JSON.stringify(report, null, 2) : inWords(report));
  process.exitCode = isGood(report) ? 0 : 1;
}

/** In one copy of the tree, which goes away at the end, also when the run is broken off. */
async function mutateAll(): Promise<Report> {
  const tree = copyTree(root);
  const remove = () => rmSync(tree, { recursive: true, force: true });
  process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));
  process.once("exit", remove);
  const tests = await findTests(tree);
  const usable = tests.filter(({ outcome }) => outcome === "passed");
  const judged = await judgeAll(tree, usable);
  const accepted = readAccepted(join(root, "tools/mutate/accepted.json")).filter(({ file }) => targets.includes(file));
  const unusable = tests.filter(({ outcome }) => outcome !== "passed").map(({ file }) => file);
  return reportOf(judged, accepted, unusable);
}

async function findTests(tree: string): Promise<readonly TestFile[]> {
  const graph = new ImportGraph(tree);
  const found: TestFile[] = [];
  const files = options.tests.flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: tree })).sort();
  for (const [at, file] of files.entries()) {
    const test = await baselineOf(file, { tree, graph, targets, timeoutMs: 120_000, known: baselines });
    if (test === undefined) continue;
    found.push(test);
    progress.test(at + 1, files.length, test);
  }
  return found;
}

async function judgeAll(tree: string, tests: readonly TestFile[]): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  for (const mutant of mutants) {
    const kills = killsIn(mutant, judged);
    const known = verdicts.get(idOf(mutant));
    const verdict = await tryMutant(mutant, { tree, tests, kills, budgetMs: Number(options.budget) * 1000, known });
    judged.push({ ...mutant, verdict });
    verdicts.set(idOf(mutant), verdict);
    progress.mutant(judged, mutants.length, verdict === known);
  }
  return judged;
}

/** How many mutants of the same file each test file killed so far. */
function killsIn({ file }: Mutant, judged: readonly Judged[]): ReadonlyMap<string, number> {
  const kills = new Map<string, number>();
  for (const { file: other, verdict } of judged) {
    if (other === file && verdict.by !== undefined) kills.set(verdict.by, (kills.get(verdict.by) ?? 0) + 1);
  }
  return kills;
}

function filesIn(path: string): readonly string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return globSync(`${path}/**/*.ts`, { cwd: root }).sort();
}

function isWanted(kind: string): kind is KindName {
  if (options.kinds.length > 0) return options.kinds.includes(kind);
  return options.boundaries || kind !== "boundary";
}

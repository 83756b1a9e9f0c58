import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** How one test file ended, and the name of the first test that failed. */
export interface TestRun {
  readonly outcome: "passed" | "failed" | "timed out";
  readonly ms: number;
  readonly failure?: string;
}

export interface TestRunOptions {
  /** The tree to run in. */
  readonly tree: string;
  readonly timeoutMs: number;
  /** Where V8 writes what was executed; nothing is written without it. */
  readonly coverage?: string;
}

const failedTest = /^\s*not ok \d+ - (?!.*# (?:TODO|SKIP))(.*)\n/m;

/** Runs one test file on the sources of a tree, and ends it with all it started at the first test that fails. */
export async function runTest(file: string, options: TestRunOptions): Promise<TestRun> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["-C", "@countersign/source", "--test-reporter=tap", file], {
    cwd: options.tree,
    env: environment(options),
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const end = () => endGroup(child.pid);
  child.once("exit", end);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    if (failedTest.test(text)) end();
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    end();
    child.stdout.destroy();
  }, options.timeoutMs);
  const [code] = await once(child, "close");
  clearTimeout(timer);
  const ms = Math.round(performance.now() - startedAt);
  if (timedOut) return { outcome: "timed out", ms };
  if (code === 0) return { outcome: "passed", ms };
  return { outcome: "failed", ms, failure: failedTest.exec(text)?.[1] ?? `ended with ${code}` };
}

function environment({ tree, coverage }: TestRunOptions): NodeJS.ProcessEnv {
  const { NODE_V8_COVERAGE: _, NODE_TEST_CONTEXT: __, ...rest } = process.env;
  const cache = join(tree, "node_modules/.cache/compile");
  const common = { ...rest, NODE_NO_WARNINGS: "1", NODE_COMPILE_CACHE: cache };
  return coverage === undefined ? common : { ...common, NODE_V8_COVERAGE: coverage };
}

/** The child leads a group of its own: what it started ends with it. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

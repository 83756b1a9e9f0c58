// Runs every test on the TypeScript sources: npm test [-- FILE ...]. Extra arguments replace the default files.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";

const files = process.argv.slice(2);
const everything = ["packages/*/test/**/*.test.ts", "examples/test/*.test.ts", "tools/test/*.test.ts"];
// The runner's own default leaves one core out: half the machine, where there are two.
const flags = ["--test", `--test-concurrency=${availableParallelism()}`, "--test-timeout=120000"];
// Each file is a process of its own, and all of them strip the types of the same sources.
const env = { ...process.env, NODE_NO_WARNINGS: "1", NODE_COMPILE_CACHE: resolve("node_modules/.cache/compile") };
const { status } = spawnSync(
  process.execPath,
  ["-C", "@countersign/source", ...flags, ...(files.length > 0 ? files : everything)],
  { stdio: "inherit", env },
);
process.exit(status ?? 1);

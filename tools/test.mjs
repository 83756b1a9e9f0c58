// Runs every test on the TypeScript sources: npm test [-- FILE ...]. Extra arguments replace the default files.
import { spawnSync } from "node:child_process";

const files = process.argv.slice(2);
const everything = ["packages/*/test/**/*.test.ts", "examples/test/*.test.ts", "tools/test/*.test.ts"];
const { status } = spawnSync(
  process.execPath,
  ["-C", "@countersign/source", "--test", "--test-timeout=120000", ...(files.length > 0 ? files : everything)],
  { stdio: "inherit", env: { ...process.env, NODE_NO_WARNINGS: "1" } },
);
process.exit(status ?? 1);

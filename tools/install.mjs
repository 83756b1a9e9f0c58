// Installs what is missing before a script runs, so that a fresh clone needs one command.
// Runs on any Node from 20 up: the pinned runtime it installs is what everything else uses.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function modifiedAt(path) {
  return statSync(new URL(path, new URL("..", import.meta.url)), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (modifiedAt("node_modules/.package-lock.json") < modifiedAt("package-lock.json")) {
  console.error("countersign: installing dependencies (npm ci)");
  const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error("countersign: error: npm ci failed; run it by hand to see why");
    process.exit(status ?? 1);
  }
}

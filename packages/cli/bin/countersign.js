#!/usr/bin/env node
import { enableCompileCache } from "node:module";

/**
 * A server begins by starting anew with two settings that only a starting process can take, and that halve
 * its resident memory: a young generation of a fitting size, and an allocator (glibc) that gives the 19 MiB of each
 * password hash back to the system instead of keeping them for every thread.
 */
const heap = "--max-semi-space-size=8";
const allocator = { MALLOC_MMAP_THRESHOLD_: "131072" };

const { argv, env, execArgv, execPath, platform } = process;
const serves = argv[2] === "serve" && platform === "linux" && env.MALLOC_MMAP_THRESHOLD_ === undefined;
if (serves) process.execve(execPath, [execPath, heap, ...execArgv, ...argv.slice(1)], { ...env, ...allocator });

enableCompileCache();
await import("../dist/main.js");

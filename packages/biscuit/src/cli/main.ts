#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import process from "node:process";
import { concatBytes } from "../crypto/bytes.ts";
import { runCli } from "./cli.ts";

async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return concatBytes(...chunks);
}

const { version } = createRequire(import.meta.url)("../../package.json");
const { stdout, stderr, status } = await runCli(process.argv.slice(2), {
  readFile: (path) => (path === "-" ? readInput() : readFile(path)),
  version,
});

process.stdout.on("error", ({ code, message }: Error & { readonly code?: string }) => {
  // A reader such as `head` that has seen enough closes the pipe: that is no failure.
  if (code === "EPIPE") process.exit(status);
  process.stderr.write(`biscuit: error: cannot write the answer: ${message}\n`);
  process.exit(1);
});
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = status;

#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import process from "node:process";
import { concatBytes } from "../crypto/bytes.ts";
import { runCli } from "./cli.ts";

async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return concatBytes(...chunks);
}

const { stdout, stderr, status } = await runCli(process.argv.slice(2), {
  readFile: (path) => (path === "-" ? readInput() : readFile(path)),
});
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = status;

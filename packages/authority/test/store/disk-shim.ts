import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("./disk-shim.c", import.meta.url));

/** Why the shim cannot be used here, or false; on a CI machine it has to be. */
export function shimMissing(): string | false {
  if (process.platform !== "linux") return "needs LD_PRELOAD of Linux";
  if (spawnSync("cc", ["--version"]).status === 0) return false;
  if (process.env.CI === "true") throw new Error("Cannot run the disk tests: there is no C compiler (cc)");
  return "needs a C compiler (cc)";
}

/** What a process must have in its environment for its files named `files…` to be watched. */
export function shimEnvironment(directory: string, files: string): { env: NodeJS.ProcessEnv; log: string } {
  const library = join(directory, "disk-shim.so");
  const log = join(directory, "disk-shim.log");
  execFileSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl", "-lpthread"]);
  return { log, env: { ...process.env, LD_PRELOAD: library, SHIM_LOG: log, SHIM_FILES: files } };
}

/** The calls that can be made to fail, and how: 0 makes a write short. */
export type Fault = readonly [kind: "write" | "sync", errno: number];

/** To be called in the watched process: the call after `calls` others of its kind fails. */
export function armFault(calls: number, [kind, errno]: Fault): void {
  try {
    closeSync(openSync(`/shim-fault/${calls}/${kind}/${errno}`, "r"));
  } catch {
    // There is no such file; the shim has read its name.
  }
}

const kindNames = ["opened", "written", "truncated", "synced", "unlinked", "renamed", "failed"] as const;

/** What was done to a file. */
export interface DiskRecord {
  readonly kind: (typeof kindNames)[number];
  readonly name: string;
  /** Where it was written, -1 at the end; or the new size. */
  readonly offset: number;
  /** What was written; the new name of what was renamed. */
  readonly data: Buffer;
}

const kinds = new Map<number, DiskRecord["kind"]>(kindNames.map((kind) => [kind.charCodeAt(0), kind]));

/** The records of a log in their order. */
export function readDiskLog(path: string): readonly DiskRecord[] {
  const log = readFileSync(path);
  const records: DiskRecord[] = [];
  for (let at = 0; at < log.length; ) {
    const nameEnd = at + 16 + log.readUInt16LE(at + 2);
    const end = nameEnd + log.readUInt32LE(at + 12);
    const kind = kinds.get(log[at] ?? 0);
    if (kind === undefined) throw new Error(`Cannot read the log: no record at ${at}`);
    const name = log.toString("utf8", at + 16, nameEnd);
    records.push({ kind, name, offset: Number(log.readBigInt64LE(at + 4)), data: log.subarray(nameEnd, end) });
    at = end;
  }
  return records;
}

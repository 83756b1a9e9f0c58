import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { Random } from "@countersign/protocol";
import { type DiskRecord, readDiskLog, shimEnvironment } from "./disk-shim.ts";

const child = fileURLToPath(new URL("./power-cut-child.ts", import.meta.url));
const storeModule = import.meta.resolve("../../src/store/sqlite.ts");
const sectorBytes = 512;

/** What to record, and how often to cut the power in it. */
export interface PowerCutOptions {
  readonly directory: string;
  readonly synchronous: "FULL" | "NORMAL" | "OFF";
  readonly rotations: number;
  readonly cuts: number;
  readonly random: Random;
}

/** What became of the acknowledged rotations, over all cuts. */
export interface PowerCutReport {
  readonly acknowledged: number;
  readonly syncs: number;
  /** Cuts after which something acknowledged was gone, and how many rotations in all. */
  readonly cutsThatLost: number;
  readonly rotationsLost: number;
  /** Cuts after which SQLite could not read the file or found it damaged. */
  readonly cutsThatDamaged: number;
}

/**
 * What becomes of writes that were not synced: without power a disk forgets them, or keeps any of their sectors; when
 * only the process dies, all of them are kept.
 */
export type Unsynced = "dropped" | "torn" | "kept";

/**
 * Records what a rotating store does to its disk, then works out what the disk would hold had the power failed at
 * random points, opens that, and looks for what had been acknowledged by then. Entries of directories are taken as
 * durable at once.
 */
export function recordAndCut(options: PowerCutOptions): Record<"dropped" | "torn", PowerCutReport> {
  const { directory, synchronous, rotations } = options;
  const path = join(directory, `${synchronous}.db`);
  const { env, log } = shimEnvironment(directory, `${synchronous}.db`);
  const args = ["-C", "@countersign/source", child, path, synchronous, `${rotations}`];
  execFileSync(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const records = readDiskLog(log);
  rmSync(log);
  return { dropped: replay(records, "dropped", options), torn: replay(records, "torn", options) };
}

/**
 * Records how a store is opened, breaks that off after each call in turn, and gives what is left to `look`, with a name
 * for the break and the path. `before` is what was there, if anything: the file, and those beside it by what follows its name.
 */
export async function breakOffOpening(
  { directory, random, before = {} }: { directory: string; random: Random; before?: Readonly<Record<string, Buffer>> },
  look: (name: string, path: string) => Promise<void>,
): Promise<void> {
  const path = join(directory, "opened.db");
  for (const [suffix, bytes] of Object.entries(before)) writeFileSync(`${path}${suffix}`, bytes);
  const { env, log } = shimEnvironment(directory, "opened.db");
  const opening = `
    import { systemClock } from "@countersign/protocol";
    import { openSqliteStore } from ${JSON.stringify(storeModule)};
    await (await openSqliteStore({ path: process.argv[1], clock: systemClock })).close();
  `;
  const args = ["-C", "@countersign/source", "--input-type=module", "-e", opening, path];
  execFileSync(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const records = readDiskLog(log);
  const restored = join(directory, "restored");
  for (const unsynced of ["kept", "dropped", "torn"] as const) {
    const there = Object.entries(before).map(([suffix, bytes]) => [`opened.db${suffix}`, bytes] as const);
    const disk = new Disk(random, unsynced, there);
    for (const [index, record] of records.entries()) {
      disk.apply(record);
      disk.restore(restored);
      await look(`call ${index}, ${record.kind} ${record.name}, ${unsynced}`, join(restored, "opened.db"));
    }
  }
}

function replay(records: readonly DiskRecord[], unsynced: Unsynced, options: PowerCutOptions): PowerCutReport {
  const { cuts, random, synchronous } = options;
  const restored = join(options.directory, "restored");
  const cutAt = new Map<number, number>();
  for (let cut = 0; cut < cuts; cut++) {
    const at = below(random, records.length);
    cutAt.set(at, (cutAt.get(at) ?? 0) + 1);
  }
  const disk = new Disk(random, unsynced);
  const acknowledged = new Map<string, number>();
  const report = { acknowledged: 0, syncs: 0, cutsThatLost: 0, rotationsLost: 0, cutsThatDamaged: 0 };
  for (const [index, record] of records.entries()) {
    if (record.name === `${synchronous}.db.journal`) report.acknowledged += noteJournal(record, acknowledged);
    else disk.apply(record);
    if (record.kind === "synced") report.syncs++;
    for (let cut = 0; cut < (cutAt.get(index) ?? 0); cut++) {
      disk.restore(restored);
      const lost = rotationsLost(join(restored, `${synchronous}.db`), acknowledged);
      if (lost === undefined) report.cutsThatDamaged++;
      else if (lost > 0) report.cutsThatLost++;
      report.rotationsLost += lost ?? 0;
    }
  }
  return report;
}

/** Takes up the lines of a write to the journal; resolves to how many there were. */
function noteJournal({ data }: DiskRecord, acknowledged: Map<string, number>): number {
  const lines = data.toString().split("\n").slice(0, -1);
  for (const line of lines) {
    const [family = "", generation = ""] = line.split(" ");
    acknowledged.set(family, Number(generation));
  }
  return lines.length;
}

/** How many acknowledged rotations a file lacks; `undefined` when it is damaged. */
function rotationsLost(path: string, acknowledged: ReadonlyMap<string, number>): number | undefined {
  try {
    using database = new DatabaseSync(path);
    if (database.prepare("PRAGMA integrity_check").get()?.integrity_check !== "ok") return undefined;
    const found = new Map<string, number>();
    if (database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined) {
      for (const { key, value } of database.prepare("SELECT key, value FROM item").all()) {
        found.set(String(key).slice("family ".length), Number(value));
      }
    }
    const missing = [...acknowledged].map(([family, generation]) => generation - (found.get(family) ?? 0));
    return missing.filter((count) => count > 0).reduce((sum, count) => sum + count, 0);
  } catch {
    return undefined;
  }
}

/** What is on the disk for certain, and what is on its way there. */
class Disk {
  readonly #random: Random;
  readonly #unsynced: Unsynced;
  readonly #files = new Map<string, { synced: Buffer; pending: DiskRecord[] }>();

  constructor(random: Random, unsynced: Unsynced, before: Iterable<readonly [name: string, synced: Buffer]> = []) {
    this.#random = random;
    this.#unsynced = unsynced;
    for (const [name, synced] of before) this.#files.set(name, { synced: Buffer.from(synced), pending: [] });
  }

  apply(record: DiskRecord): void {
    const file = this.#files.get(record.name) ?? { synced: Buffer.alloc(0), pending: [] };
    this.#files.set(record.name, file);
    if (record.kind === "written" || record.kind === "truncated") file.pending.push(record);
    if (record.kind === "unlinked" || record.kind === "renamed") this.#files.delete(record.name);
    if (record.kind === "renamed") this.#files.set(record.data.toString(), file);
    if (record.kind !== "synced") return;
    for (const change of file.pending) file.synced = changed(file.synced, change);
    file.pending = [];
  }

  /** Writes into an emptied directory what the disk holds when the power fails now. */
  restore(directory: string): void {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    for (const [name, { synced, pending }] of this.#files) {
      const survivors = pending.flatMap((change) => this.#survivors(change));
      // A copy, because changes are made in place.
      const bytes = survivors.reduce(changed, survivors.length > 0 ? Buffer.from(synced) : synced);
      writeFileSync(join(directory, name), bytes);
    }
  }

  #survivors(change: DiskRecord): DiskRecord[] {
    if (this.#unsynced === "dropped") return [];
    return this.#unsynced === "kept" ? [change] : this.#torn(change);
  }

  #torn(change: DiskRecord): DiskRecord[] {
    if (change.kind === "truncated") return below(this.#random, 2) === 0 ? [] : [change];
    const pieces: DiskRecord[] = [];
    for (let at = 0; at < change.data.length; ) {
      const end = at + sectorBytes - ((change.offset + at) % sectorBytes);
      if (below(this.#random, 2) === 0) {
        pieces.push({ ...change, offset: change.offset + at, data: change.data.subarray(at, end) });
      }
      at = end;
    }
    return pieces;
  }
}

/** The bytes of a file after a change; in the given buffer when they fit. */
function changed(bytes: Buffer, { kind, offset, data }: DiskRecord): Buffer {
  if (kind === "truncated" && offset <= bytes.length) return bytes.subarray(0, offset);
  const size = kind === "truncated" ? offset : Math.max(bytes.length, offset + data.length);
  const result = size > bytes.length ? Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]) : bytes;
  if (kind === "written") data.copy(result, offset);
  return result;
}

function below(random: Random, limit: number): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % limit;
}

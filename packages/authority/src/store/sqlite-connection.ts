import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Folding, type Operation, type Outcome, ROW_COLUMNS, type Unit } from "./sqlite-batch.ts";
import { connect } from "./sqlite-file.ts";
import { foldLog, lacksRoomToFold, SETTINGS } from "./sqlite-log.ts";

/** How the writing connection is opened. */
export interface ConnectionOptions {
  readonly path: string;
  /** How long a commit waits for another process that holds the file. */
  readonly busyTimeoutMs: number;
}

/** Every operation looks at so many old rows, so that expired rows never outnumber the others and no timer is needed. */
const SWEPT_PER_OPERATION = 2;

/** So many versions are reserved at once: a crash leaves a gap, and no commit has to write down where it is. */
const RESERVED_VERSIONS = 1_000_000;

/** SQLite's codes for a statement that failed by its own fault: TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const ownFaults = new Set([18, 19, 20, 25]);

/** After every key: SQLite sorts bytes behind texts. */
const lastKey = new Uint8Array(1);

/** The one connection that writes. After any throw it must be closed and not used again: see `commit`. */
export class WritingConnection implements Disposable {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #create: StatementSync;
  readonly #replace: StatementSync;
  readonly #remove: StatementSync;
  readonly #guard: StatementSync;
  readonly #take: StatementSync;
  readonly #reserve: StatementSync;
  readonly #sweepEnd: StatementSync;
  readonly #sweep: StatementSync;
  readonly #end: StatementSync;
  #sweptUpTo = "";
  #version = 0;
  #reservedUpTo = 0;
  readonly #path: string;

  constructor(options: ConnectionOptions) {
    const { path, busyTimeoutMs } = options;
    this.#path = path;
    foldLog(options);
    const database = connect(path, "rw", busyTimeoutMs);
    this.#database = database;
    const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
    if (mode !== "wal") throw new Error(`Cannot use the write-ahead log, only journal mode ${mode}`);
    database.exec(SETTINGS);
    // Makes the log, where the mode has just been changed.
    database.prepare("SELECT given FROM version").get();
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    const isLive = "(expires_at IS NULL OR expires_at > ?3)";
    this.#create = database.prepare(
      `INSERT INTO item (key, version, owner, expires_at, value) VALUES (?1, ?4, ?5, ?6, ?7)
       ON CONFLICT (key) DO UPDATE SET
         version = excluded.version, owner = excluded.owner, expires_at = excluded.expires_at, value = excluded.value
       WHERE item.expires_at <= ?3`,
    );
    this.#replace = database.prepare(
      `UPDATE item SET version = ?4, owner = ?5, expires_at = ?6, value = ?7
       WHERE key = ?1 AND version = ?2 AND ${isLive}`,
    );
    this.#remove = database.prepare(`DELETE FROM item WHERE key = ?1 AND version = ?2 AND ${isLive}`);
    this.#guard = database.prepare(
      `SELECT version FROM item WHERE key = ?1 AND (expires_at IS NULL OR expires_at > ?2)`,
    );
    this.#take = database.prepare(
      `DELETE FROM item WHERE key = ?1 AND (?2 IS NULL OR version = ?2) AND ${isLive} RETURNING ${ROW_COLUMNS}`,
    );
    this.#take.setReturnArrays(true);
    this.#reserve = database.prepare("UPDATE version SET given = given + ?1 RETURNING given");
    this.#sweepEnd = database.prepare("SELECT key FROM item WHERE key > ?1 ORDER BY key LIMIT 1 OFFSET ?2");
    this.#sweep = database.prepare("DELETE FROM item WHERE key > ?1 AND key <= ?2 AND expires_at <= ?3");
    this.#end = database.prepare("COMMIT");
  }

  /**
   * Commits a batch with one fsync. A statement that fails by its own fault fails alone.
   *
   * @throws when nothing of the batch may be acknowledged. The kernel may then have dropped pages it could not write
   * and call the next fsync of them a success, so the handle is closed, never asked again.
   */
  commit(units: readonly Unit[], now: number): readonly Outcome[] {
    this.#makeRoom(units.flat());
    this.#begin.run();
    this.#reserveVersions(units.length);
    const outcomes = units.map((unit) => (unit.length === 1 ? this.#tryAlone(unit, now) : this.#together(unit, now)));
    this.#sweepStep(SWEPT_PER_OPERATION * units.reduce((sum, unit) => sum + unit.length, 0), now);
    this.#end.run();
    return outcomes;
  }

  /** Moves what the log holds into the database file. What fails here loses nothing: the log still has it. */
  checkpoint(mode: "PASSIVE" | "TRUNCATE"): Folding {
    const { busy } = this.#database.prepare(`PRAGMA wal_checkpoint(${mode})`).get() ?? {};
    return busy === 0 ? "all folded" : "kept by another program";
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /**
   * Folding the log may make the file as much longer as the log is. Where the disk has no more room than that, the log
   * must not take it: a disk that it has filled could never be emptied by folding it.
   */
  #makeRoom(operations: readonly Operation[]): void {
    if (lacksRoomToFold(this.#path, operations) === undefined) return;
    this.checkpoint("TRUNCATE");
    const lacking = lacksRoomToFold(this.#path, operations);
    if (lacking !== undefined) throw new Error(lacking);
  }

  #tryAlone(unit: Unit, now: number): Outcome {
    try {
      return this.#applyUnit(unit, now);
    } catch (error) {
      if (!this.#database.isTransaction || !isOwnFault(error)) throw error;
      return String(error);
    }
  }

  /**
   * All expectations are judged before anything is written, but for the first, which its own statement judges: so nothing
   * has to be taken back, and no savepoint copies pages. A statement that fails all the same fails the transaction.
   */
  #together(unit: Unit, now: number): Outcome {
    const [kind, key] = unit[0] ?? ["guard", ""];
    const noted = kind === "note" ? this.#versionAt(key, now) : undefined;
    if (noted !== undefined) return noted;
    for (let index = 1; index < unit.length; index++) {
      const [, place = "", expected = 0] = unit[index] ?? [];
      if ((this.#versionAt(place, now) ?? 0) !== expected) return -1 - index;
    }
    const outcome = this.#applyUnit(unit, now);
    if (typeof outcome === "number" && outcome >= -1) return outcome;
    throw new Error("A change that was judged to be possible was not");
  }

  #applyUnit(unit: Unit, now: number): Outcome {
    const version = ++this.#version;
    for (const [index, operation] of unit.entries()) {
      const outcome = this.#apply(operation, version, now);
      if (outcome === false) return -1 - index;
      if (outcome !== true) return outcome;
    }
    return version;
  }

  /** Whether the expectation was met; or a row that was taken. */
  #apply([kind, key, expected, owner, expiresAt, text]: Operation, version: number, now: number) {
    if (kind === "note") return this.#write(key, 0, now, version, null, expiresAt, "{}");
    if (kind === "write") return this.#write(key, expected, now, version, owner, expiresAt, text);
    // With setReturnArrays a row is an array, which the types do not know.
    if (kind === "take") return (this.#take.get(key, expected, now) as Outcome | undefined) ?? false;
    if (kind === "remove" && expected !== 0) return this.#remove.run(key, expected, now).changes === 1;
    return (this.#versionAt(key, now) ?? 0) === expected;
  }

  #write(key: string, expected: number | null, now: number, version: number, ...cells: Cells): boolean {
    if (expected === 0) return this.#create.run(key, null, now, version, ...cells).changes === 1;
    return this.#replace.run(key, expected, now, version, ...cells).changes === 1;
  }

  /** The version of what lives at a key. */
  #versionAt(key: string, now: number): number | undefined {
    const version = this.#guard.get(key, now)?.version;
    return version === undefined ? undefined : Number(version);
  }

  /** Before the units: what one of them takes back must not take this back. */
  #reserveVersions(count: number): void {
    if (this.#version + count <= this.#reservedUpTo) return;
    this.#reservedUpTo = Number(this.#reserve.get(RESERVED_VERSIONS)?.given);
    this.#version = this.#reservedUpTo - RESERVED_VERSIONS;
  }

  #sweepStep(rows: number, now: number): void {
    const end = this.#sweepEnd.get(this.#sweptUpTo, rows - 1)?.key;
    this.#sweep.run(this.#sweptUpTo, end ?? lastKey, now);
    this.#sweptUpTo = typeof end === "string" ? end : "";
  }
}

type Cells = readonly [owner: string | null, expiresAt: number | null, text: string | null];

function isOwnFault(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error)) return false;
  return typeof error.errcode === "number" && ownFaults.has(error.errcode & 0xff);
}

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Operation, type Outcome, rowColumns } from "./sqlite-batch.ts";
import { connect } from "./sqlite-file.ts";

/** How the writing connection is opened. */
export interface ConnectionOptions {
  readonly path: string;
  /** How long a commit waits for another process that holds the file. */
  readonly busyTimeoutMs: number;
}

/** Every operation looks at so many old rows, so that the dead never outgrow the living and no timer is needed. */
const sweptPerOperation = 2;

/** SQLite's codes for a statement that failed by its own fault: TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const ownFaults = new Set([18, 19, 20, 25]);

/** After every key: SQLite sorts bytes behind texts. */
const lastKey = new Uint8Array(1);

/** `fullfsync`: on macOS fsync(2) alone leaves the data in the drive's cache. */
const settings = `
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA cache_size = -2048;
`;

/** The one connection that writes. After any throw it must be closed and not used again: see `commit`. */
export class WritingConnection implements Disposable {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #create: StatementSync;
  readonly #replace: StatementSync;
  readonly #take: StatementSync;
  readonly #sweepEnd: StatementSync;
  readonly #sweep: StatementSync;
  readonly #end: StatementSync;
  #sweptUpTo = "";

  constructor({ path, busyTimeoutMs }: ConnectionOptions) {
    const database = connect(path, "rw", busyTimeoutMs);
    this.#database = database;
    const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
    if (mode !== "wal") throw new Error(`Cannot use the write-ahead log, only journal mode ${mode}`);
    database.exec(settings);
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#create = database.prepare(
      `INSERT INTO item (key, version, owner, expires_at, value) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (key) DO UPDATE SET
         version = excluded.version, owner = excluded.owner, expires_at = excluded.expires_at, value = excluded.value
       WHERE item.expires_at <= ?6`,
    );
    this.#replace = database.prepare(
      `UPDATE item SET version = ?2, owner = ?3, expires_at = ?4, value = ?5
       WHERE key = ?1 AND version = ?7 AND (expires_at IS NULL OR expires_at > ?6)`,
    );
    this.#take = database.prepare(
      `DELETE FROM item WHERE key = ?1 AND (?2 IS NULL OR version = ?2) AND (expires_at IS NULL OR expires_at > ?3)
       RETURNING ${rowColumns}`,
    );
    this.#take.setReturnArrays(true);
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
  commit(operations: readonly Operation[], now: number): readonly Outcome[] {
    this.#begin.run();
    const outcomes = operations.map((operation) => this.#tryApply(operation, now));
    this.#sweepStep(sweptPerOperation * outcomes.length, now);
    this.#end.run();
    return outcomes;
  }

  /** Moves what the log holds into the database file. What fails here loses nothing: the log still has it. */
  checkpoint(mode: "PASSIVE" | "TRUNCATE"): void {
    this.#database.exec(`PRAGMA wal_checkpoint(${mode})`);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #tryApply(operation: Operation, now: number): Outcome {
    try {
      return this.#apply(operation, now);
    } catch (error) {
      if (!this.#database.isTransaction || !isOwnFault(error)) throw error;
      return String(error);
    }
  }

  #apply([key, expected, version, owner, expiresAt, text]: Operation, now: number): Outcome {
    // With setReturnArrays a row is an array, which the types do not know.
    if (text === null) return (this.#take.get(key, expected, now) as Outcome | undefined) ?? false;
    if (expected === 0) return this.#create.run(key, version, owner, expiresAt, text, now).changes === 1;
    return this.#replace.run(key, version, owner, expiresAt, text, now, expected).changes === 1;
  }

  #sweepStep(rows: number, now: number): void {
    const end = this.#sweepEnd.get(this.#sweptUpTo, rows - 1)?.key;
    this.#sweep.run(this.#sweptUpTo, end ?? lastKey, now);
    this.#sweptUpTo = typeof end === "string" ? end : "";
  }
}

function isOwnFault(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error)) return false;
  return typeof error.errcode === "number" && ownFaults.has(error.errcode & 0xff);
}

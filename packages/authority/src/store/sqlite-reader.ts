import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ROW_COLUMNS, type Row } from "./sqlite-batch.ts";
import { connect } from "./sqlite-file.ts";
import type { Page } from "./store.ts";

/**
 * Reads on the calling thread: in WAL mode every statement sees all that was acknowledged, and waits for no writer.
 * A lookup costs microseconds; asking another thread for it would cost more than the work.
 */
export class SqliteReader {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #listForwards: StatementSync;
  readonly #listBackwards: StatementSync;
  readonly #scan: StatementSync;

  constructor(path: string) {
    const database = connect(path, "ro", 0);
    this.#database = database;
    database.exec("PRAGMA query_only = ON");
    this.#get = database.prepare(`SELECT ${ROW_COLUMNS} FROM item WHERE key = ?1`);
    const list = `SELECT ${ROW_COLUMNS}, key FROM item WHERE owner = ?1 AND (expires_at IS NULL OR expires_at > ?2)`;
    this.#listForwards = database.prepare(`${list} AND key > ?3 ORDER BY key LIMIT ?4`);
    this.#listBackwards = database.prepare(`${list} AND key < ?3 ORDER BY key DESC LIMIT ?4`);
    this.#scan = database.prepare(`SELECT ${ROW_COLUMNS}, key FROM item WHERE key > ?1 ORDER BY key LIMIT ?2`);
    for (const statement of [this.#get, this.#listForwards, this.#listBackwards, this.#scan])
      statement.setReturnArrays(true);
  }

  /** The row at a key, expired or not. */
  get(key: string): Row | undefined {
    // With setReturnArrays a row is an array, which the types do not know.
    return this.#get.get(key) as Row | undefined;
  }

  /** The rows of an owner that live at `now`, each followed by its key. */
  list(owner: string, page: Page, now: number): readonly Row[] {
    const statement = page.reverse ? this.#listBackwards : this.#listForwards;
    const from = page.after ?? (page.reverse ? afterEveryKey : "");
    return statement.all(owner, now, from, page.limit) as unknown as readonly Row[];
  }

  /** The rows behind a key, expired or not, each followed by its key. */
  scan(after: string, limit: number): readonly Row[] {
    return this.#scan.all(after, limit) as unknown as readonly Row[];
  }

  close(): void {
    this.#database.close();
  }
}

/** SQLite sorts bytes behind texts. */
const afterEveryKey = new Uint8Array(1);

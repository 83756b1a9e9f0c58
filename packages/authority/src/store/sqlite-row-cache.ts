import type { Row } from "./sqlite-batch.ts";

/**
 * The rows read last. A commit empties SQLite's own cache of every other connection, so the next lookup reads four
 * pages again; a client's record is looked up at every request. It cannot be stale: this process alone writes, and a
 * row is dropped before its writer is told.
 */
export class SqliteRowCache {
  readonly #capacity: number;
  readonly #rows = new Map<string, Row>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The row at a key, which is then the last to be dropped; from `read` when it is not held. */
  get(key: string, read: (key: string) => Row | undefined): Row | undefined {
    const held = this.#rows.get(key);
    if (held !== undefined) this.#rows.delete(key);
    const row = held ?? read(key);
    if (row === undefined) return undefined;
    this.#rows.set(key, row);
    if (this.#rows.size > this.#capacity) this.#dropOldest();
    return row;
  }

  /** To be called when a write of the key has ended, however it did. */
  drop(key: string): void {
    this.#rows.delete(key);
  }

  #dropOldest(): void {
    for (const key of this.#rows.keys()) {
      this.#rows.delete(key);
      return;
    }
  }
}

import type { Item } from "./store.ts";

/** An item as it was read, and its size: the characters of its row. */
export interface ReadItem {
  readonly item: Item;
  readonly size: number;
}

/**
 * The items read last, parsed. A commit empties SQLite's own cache of every other connection, so the next lookup reads
 * four pages again; a client's record is looked up at every request. It cannot be stale: this process alone writes,
 * and tells the cache before it tells whoever asked for the write.
 */
export class ItemCache {
  readonly #capacity: number;
  readonly #items = new Map<string, ReadItem>();
  #size = 0;

  /** @param capacity the most characters of rows to hold */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The item at a key, which is then the last to be dropped; from `read` when it is not held. */
  get(key: string, read: (key: string) => ReadItem | undefined): Item | undefined {
    const found = this.#items.get(key) ?? read(key);
    if (found !== undefined) this.#hold(key, found);
    return found?.item;
  }

  /** To be called when a write is durable. An item that is not held is not added. */
  replace(key: string, make: () => ReadItem): void {
    if (this.#items.has(key)) this.#hold(key, make());
  }

  /** To be called when a write removed the item or did not meet it, or nobody knows what became of it. */
  drop(key: string): void {
    const held = this.#items.get(key);
    if (held === undefined) return;
    this.#items.delete(key);
    this.#size -= held.size;
  }

  #hold(key: string, read: ReadItem): void {
    this.drop(key);
    this.#items.set(key, read);
    this.#size += read.size;
    for (const oldest of this.#items.keys()) {
      if (this.#size <= this.#capacity) return;
      this.drop(oldest);
    }
  }
}

import type { Item } from "./store.ts";

/**
 * The items read last, parsed. A commit empties SQLite's own cache of every other connection, so the next lookup reads
 * four pages again; a client's record is looked up at every request. It cannot be stale: this process alone writes,
 * and tells the cache before it tells whoever asked for the write.
 */
export class ItemCache {
  readonly #capacity: number;
  readonly #items = new Map<string, Item>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The item at a key, which is then the last to be dropped; from `read` when it is not held. */
  get(key: string, read: (key: string) => Item | undefined): Item | undefined {
    const held = this.#items.get(key);
    if (held !== undefined) this.#items.delete(key);
    const item = held ?? read(key);
    if (item === undefined) return undefined;
    this.#items.set(key, item);
    if (this.#items.size > this.#capacity) this.#dropOldest();
    return item;
  }

  /** To be called when a write is durable. What nobody reads is not held for having been written. */
  replace(key: string, make: () => Item): void {
    if (this.#items.has(key)) this.#items.set(key, make());
  }

  /** To be called when a write removed the item, or nobody knows what became of it. */
  drop(key: string): void {
    this.#items.delete(key);
  }

  #dropOldest(): void {
    for (const key of this.#items.keys()) {
      this.#items.delete(key);
      return;
    }
  }
}

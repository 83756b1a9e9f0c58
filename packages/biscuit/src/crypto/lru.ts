interface Entry<Value> {
  readonly value: Value;
  /** The count of moves at its last one. */
  movedAt: number;
}

/** A map that forgets what was not used for long once its entries weigh more than `capacity`. */
export class LruCache<Value, Key = string> {
  readonly #capacity: number;
  readonly #weigh: (value: Value) => number;
  readonly #entries = new Map<Key, Entry<Value>>();
  #weight = 0;
  #moves = 0;

  /** @param weigh What an entry weighs. @default 1, so that the capacity is a number of entries */
  constructor(capacity: number, weigh: (value: Value) => number = () => 1) {
    this.#capacity = capacity;
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    // To move an entry costs many times what it costs to find it: one in the newer half of all may stay.
    if (this.#moves - entry.movedAt >= this.#entries.size / 2) {
      this.#entries.delete(key);
      this.#append(key, entry);
    }
    return entry.value;
  }

  set(key: Key, value: Value): void {
    this.#forget(key);
    this.#append(key, { value, movedAt: 0 });
    this.#weight += this.#weigh(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#capacity) return;
      this.#forget(oldest);
    }
  }

  /** A Map iterates in insertion order, so the first entry is the one to forget. */
  #append(key: Key, entry: Entry<Value>): void {
    entry.movedAt = ++this.#moves;
    this.#entries.set(key, entry);
  }

  #forget(key: Key): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.#weigh(entry.value);
  }
}

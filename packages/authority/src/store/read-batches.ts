/** How readings are gathered. */
export interface ReadBatchesOptions<Result> {
  /** Reads what stands at some keys; a key with nothing is left out. */
  readonly read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Result>>;
  /** So many readings are on their way at once. */
  readonly atOnce: number;
  readonly keysPerReading: number;
}

interface Waiter<Result> {
  readonly resolve: (result: Result | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers lookups that arrive while others are on their way, and reads them together. A reading begins after each lookup in it
 * was asked for, so it sees all that was acknowledged by then.
 */
export class ReadBatches<Result> {
  readonly #options: ReadBatchesOptions<Result>;
  #waiting = new Map<string, Waiter<Result>[]>();
  #onTheirWay = 0;
  #scheduled = false;

  constructor(options: ReadBatchesOptions<Result>) {
    this.#options = options;
  }

  get(key: string): Promise<Result | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
    const waiters = this.#waiting.get(key);
    if (waiters === undefined) this.#waiting.set(key, [{ resolve, reject }]);
    else waiters.push({ resolve, reject });
    this.#schedule();
    return promise;
  }

  /** At the end of the turn, so that what arrived together goes together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#onTheirWay < this.#options.atOnce && this.#waiting.size > 0) void this.#read();
    });
  }

  async #read(): Promise<void> {
    const batch = [...this.#waiting].slice(0, this.#options.keysPerReading);
    for (const [key] of batch) this.#waiting.delete(key);
    this.#onTheirWay += 1;
    try {
      const found = await this.#options.read(batch.map(([key]) => key));
      for (const [key, waiters] of batch) for (const { resolve } of waiters) resolve(found.get(key));
    } catch (error) {
      for (const [, waiters] of batch) for (const { reject } of waiters) reject(error);
    } finally {
      this.#onTheirWay -= 1;
      if (this.#waiting.size > 0) this.#schedule();
    }
  }
}

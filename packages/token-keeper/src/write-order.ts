import type { TokenCache } from "./cache.ts";

type Write = () => Promise<void>;

/**
 * The writes of this process to one cache: for each key one at a time, and of those that wait for it only the last. One
 * that was given up may land yet, and would land on what came after it.
 */
export class WriteOrder {
  static readonly #orders = new WeakMap<TokenCache, WriteOrder>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, { write: Write; readonly done: Promise<void> }>();

  /** The one for all who write to this cache. */
  static of(cache: TokenCache): WriteOrder {
    const order = WriteOrder.#orders.get(cache) ?? new WriteOrder();
    WriteOrder.#orders.set(cache, order);
    return order;
  }

  /** Does a write, or the one that replaced it, as soon as the one before it has ended. */
  write(key: string, write: Write): Promise<void> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) {
      waiting.write = write;
      return waiting.done;
    }
    const earlier = this.#underWay.get(key);
    if (earlier === undefined) return this.#start(key, write);
    const next = { write, done: earlier.then(() => this.#startWaiting(key)) };
    this.#waiting.set(key, next);
    return next.done;
  }

  /** Resolves when every write to `key` has ended, however; undefined when none is under way. */
  ended(key: string): Promise<void> | undefined {
    const last = this.#waiting.get(key)?.done ?? this.#underWay.get(key);
    return last?.catch(() => undefined);
  }

  async #startWaiting(key: string): Promise<void> {
    const next = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (next !== undefined) await this.#start(key, next.write);
  }

  #start(key: string, write: Write): Promise<void> {
    const written = (async () => write())();
    const ended = written
      .catch(() => undefined)
      .then(() => {
        this.#underWay.delete(key);
      });
    this.#underWay.set(key, ended);
    return written;
  }
}

import { isLeasing, type Lease, type TokenCache } from "./cache.ts";
import { sleepToDeadline } from "./deadline.ts";
import { TokenError } from "./errors.ts";
import type { SourceContext } from "./source.ts";

type Operation = "get" | "set" | "lease";

/** What came of an operation on a cache. */
export interface CacheResult<T> {
  readonly failed: boolean;
  readonly value?: T | undefined;
  readonly error?: unknown;
}

/**
 * A cache whose operations neither throw nor hang: a client that queues commands while its server is away would stop the
 * refreshing for ever. The first failure of an operation is an event, and the next one after it worked again.
 */
export class GuardedCache {
  readonly #cache: TokenCache;
  readonly #timeoutMs: number;
  readonly #writes: WriteOrder;
  readonly #failing = new Set<Operation>();

  constructor(cache: TokenCache, timeoutMs: number) {
    this.#cache = cache;
    this.#timeoutMs = timeoutMs;
    this.#writes = WriteOrder.of(cache);
  }

  get name(): string {
    return this.#cache.name;
  }

  /** Whether it grants leases. */
  get leases(): boolean {
    return isLeasing(this.#cache);
  }

  get(context: SourceContext, key: string): Promise<CacheResult<string | undefined>> {
    return this.#run(context, "get", () => this.#cache.get(key));
  }

  /** A write that timed out may still happen, but never replaces a later one of this process. */
  set(context: SourceContext, key: string, value: string, expiresAt?: number): Promise<CacheResult<void>> {
    const write = () => this.#cache.set(key, value, expiresAt);
    return this.#run(context, "set", () => this.#writes.write(key, write));
  }

  /** Resolves when no write to `key` is under way any more; undefined when none is. */
  written(key: string): Promise<void> | undefined {
    return this.#writes.ended(key);
  }

  async lease(context: SourceContext, key: string, ttlMs: number): Promise<CacheResult<Lease | undefined>> {
    const cache = this.#cache;
    const granting = (async () => (isLeasing(cache) ? cache.lease(key, ttlMs) : undefined))();
    const guarded = await this.#run(context, "lease", () => granting);
    // It may still be granted: released at once then, so that others do not wait until it runs out.
    if (guarded.failed) granting.then((lease) => lease?.release()).catch(() => undefined);
    return guarded;
  }

  async release(context: SourceContext, lease: Lease): Promise<void> {
    await this.#run(context, "lease", () => lease.release());
  }

  async #run<T>(context: SourceContext, operation: Operation, run: () => Promise<T>): Promise<CacheResult<T>> {
    const timer = new AbortController();
    try {
      const late = sleepToDeadline(context.clock, this.#timeoutMs, timer.signal).then(() => {
        throw new TokenError("timed_out", `The cache did not answer within ${this.#timeoutMs} ms: ${this.name}`);
      });
      const value = await Promise.race([(async () => run())(), late]);
      this.#failing.delete(operation);
      return { failed: false, value };
    } catch (error) {
      if (!this.#failing.has(operation)) context.emit({ type: "cache_failed", cache: this.name, operation, error });
      this.#failing.add(operation);
      return { failed: true, error };
    } finally {
      timer.abort();
    }
  }
}

type Write = () => Promise<void>;

/**
 * The writes of this process to one cache: for each key one at a time, and of those that wait for it only the last. One
 * that was given up may land yet, and would land on what came after it.
 */
export class WriteOrder {
  static readonly #orders = new WeakMap<TokenCache, WriteOrder>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, { write: Write; readonly done: Promise<void> }>();

  /** The one order of all writers to this cache. */
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

  /** Resolves when every write to `key` has succeeded or failed; undefined when none is under way. */
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

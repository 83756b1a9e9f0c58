import { isLeasing, type Lease, type TokenCache } from "./cache.ts";
import { TokenError } from "./errors.ts";
import { sleepPatiently } from "./patience.ts";
import type { SourceContext } from "./source.ts";
import { WriteOrder } from "./write-order.ts";

type Operation = "get" | "set" | "lease";

/** What came of an operation on a cache. */
export interface Guarded<T> {
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

  get(context: SourceContext, key: string): Promise<Guarded<string | undefined>> {
    return this.#run(context, "get", () => this.#cache.get(key));
  }

  /** One that came too late may be written yet, but never over a later one of this process. */
  set(context: SourceContext, key: string, value: string, expiresAt?: number): Promise<Guarded<void>> {
    const write = () => this.#cache.set(key, value, expiresAt);
    return this.#run(context, "set", () => this.#writes.write(key, write));
  }

  /** Resolves when no write to `key` is under way any more; undefined when none is. */
  written(key: string): Promise<void> | undefined {
    return this.#writes.ended(key);
  }

  async lease(context: SourceContext, key: string, ttlMs: number): Promise<Guarded<Lease | undefined>> {
    const cache = this.#cache;
    const granting = (async () => (isLeasing(cache) ? cache.lease(key, ttlMs) : undefined))();
    const guarded = await this.#run(context, "lease", () => granting);
    // It may be granted yet, and nobody would know: until its end it would keep everybody waiting.
    if (guarded.failed) granting.then((lease) => lease?.release()).catch(() => undefined);
    return guarded;
  }

  async release(context: SourceContext, lease: Lease): Promise<void> {
    await this.#run(context, "lease", () => lease.release());
  }

  async #run<T>(context: SourceContext, operation: Operation, run: () => Promise<T>): Promise<Guarded<T>> {
    const timer = new AbortController();
    try {
      const late = sleepPatiently(context.clock, this.#timeoutMs, timer.signal).then(() => {
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

import type { Lease, LeasingCache } from "../cache.ts";
import { type Clock, monotonicOf, systemClock } from "../ports.ts";

/** Options of {@link memoryCache}. */
export interface MemoryCacheOptions {
  /**
   * How many entries with an expiry (access tokens, pauses) are kept: the one used longest ago leaves first. What has no
   * expiry (a refresh token) is not counted and never leaves. @default 1000
   */
  readonly maxEntries?: number;
  /** The clock that ends entries and leases. @default systemClock */
  readonly clock?: Clock;
}

/**
 * A cache, with leases, in this process: shared by the watchers and managers that are given the same one.
 *
 * @example
 * ```ts run
 * import { memoryCache, systemClock } from "@countersign/token-keeper";
 * const cache = memoryCache({ maxEntries: 100 });
 * await cache.set("key", "value", systemClock.now() + 60_000);
 * console.log(await cache.get("key")); // value
 * ```
 */
export function memoryCache(options: MemoryCacheOptions = {}): LeasingCache {
  const { maxEntries = 1000, clock = systemClock } = options;
  /** By their last use; and apart from them what stays, which would drive them all out. */
  const passing = new Map<string, { value: string; expiresAt: number }>();
  const lasting = new Map<string, string>();
  const leases = new Map<string, { until: number }>();
  return {
    name: "memory",
    async get(key) {
      const entry = passing.get(key);
      if (entry === undefined) return lasting.get(key);
      passing.delete(key);
      if (entry.expiresAt <= clock.now()) return undefined;
      passing.set(key, entry);
      return entry.value;
    },
    async set(key, value, expiresAt) {
      passing.delete(key);
      lasting.delete(key);
      if (expiresAt === undefined) return void lasting.set(key, value);
      passing.set(key, { value, expiresAt });
      const [oldest] = passing.keys();
      if (passing.size > maxEntries && oldest !== undefined) passing.delete(oldest);
    },
    async lease(key, ttlMs): Promise<Lease | undefined> {
      const held = leases.get(key);
      if (held !== undefined && held.until > monotonicOf(clock)) return undefined;
      const mine = { until: monotonicOf(clock) + ttlMs };
      leases.set(key, mine);
      return {
        takenOver: held !== undefined,
        release: async () => {
          if (leases.get(key) === mine) leases.delete(key);
        },
      };
    },
  };
}

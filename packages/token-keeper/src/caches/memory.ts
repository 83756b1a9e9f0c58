import type { Lease, LeasingCache } from "../cache.ts";
import { type Clock, monotonicOf, systemClock } from "../clock.ts";

/** Options of {@link memoryCache}. */
export interface MemoryCacheOptions {
  /** The entry used longest ago leaves first; what has no expiry (a refresh token) never leaves. @default 1000 */
  readonly maxEntries?: number;
  readonly clock?: Clock;
}

/** A cache, with leases, in this process: shared by the watchers and managers that are given the same one. */
export function memoryCache(options: MemoryCacheOptions = {}): LeasingCache {
  const { maxEntries = 1000, clock = systemClock } = options;
  const entries = new Map<string, { value: string; expiresAt: number | undefined }>();
  const leases = new Map<string, { until: number }>();
  return {
    name: "memory",
    async get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.expiresAt !== undefined && entry.expiresAt <= clock.now()) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    async set(key, value, expiresAt) {
      entries.delete(key);
      entries.set(key, { value, expiresAt });
      for (const [oldest, entry] of entries) {
        if (entries.size <= maxEntries) break;
        if (entry.expiresAt !== undefined) entries.delete(oldest);
      }
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

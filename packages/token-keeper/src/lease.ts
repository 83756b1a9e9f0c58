import { isLeasing, type Lease, type LeasingCache, type TokenCache } from "./cache.ts";
import { monotonicOf } from "./clock.ts";
import { guarded } from "./guarded.ts";
import type { SourceContext } from "./source.ts";

/** Options of {@link waitForLease}. */
export interface LeaseOptions {
  readonly ttlMs: number;
  readonly timeoutMs: number;
}

/**
 * Waits until this process alone may act for `key`.
 *
 * @param giveUp is asked between tries: when it answers something, that is the result and no lease is needed any more.
 * @returns the lease; `giveUp`'s answer; or neither, when the cache cannot grant leases at the moment: then the caller
 * goes on alone, as cache errors are never fatal.
 */
export async function waitForLease<T>(
  cache: LeasingCache,
  key: string,
  context: SourceContext,
  { ttlMs, timeoutMs }: LeaseOptions,
  giveUp: () => Promise<T | undefined>,
): Promise<{ lease?: Lease; answer?: T }> {
  const startedAt = monotonicOf(context.clock);
  for (let waits = 0; ; waits++) {
    const asked = await guarded(cache, "lease", context, timeoutMs, () => cache.lease(key, ttlMs));
    const waitedMs = monotonicOf(context.clock) - startedAt;
    // Everyone waits at most two lives of a lease: one that is never released must not stop the fleet.
    if (asked.failed || (asked.value === undefined && waitedMs > 2 * ttlMs)) return {};
    if (asked.value !== undefined) {
      if (waits > 0) context.emit({ type: "lease_waited", key, waitedMs });
      if (asked.value.takenOver) context.emit({ type: "lease_taken_over", key });
      return { lease: asked.value };
    }
    const pauseMs = Math.min(500, 20 * 2 ** waits) * (0.5 + context.random.fraction() / 2);
    await context.clock.sleep(pauseMs, context.signal);
    const answer = await giveUp();
    if (answer !== undefined) return { answer };
  }
}

/** The last of the layers that grants leases: the one most widely shared. */
export function leasingLayer(caches: readonly TokenCache[]): LeasingCache | undefined {
  return caches.findLast(isLeasing);
}

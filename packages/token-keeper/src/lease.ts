import type { Lease } from "./cache.ts";
import { monotonicOf } from "./clock.ts";
import type { GuardedCache } from "./guarded-cache.ts";
import type { SourceContext } from "./source.ts";

/** What {@link waitForLease} waits for. */
export interface LeaseRequest<T> {
  readonly cache: GuardedCache;
  readonly key: string;
  readonly ttlMs: number;
  /** Asked between tries: when it answers something, that is the result and no lease is needed any more. */
  readonly giveUp: () => Promise<T | undefined>;
  /** Asked between tries: whether to go on without the lease. */
  readonly alone?: () => Promise<boolean>;
}

/**
 * Waits until this process alone may act for `key`.
 *
 * @returns the lease; or `giveUp`'s answer; or neither, when the cache cannot grant leases at the moment, or `alone` said so.
 */
export async function waitForLease<T>(
  context: SourceContext,
  { cache, key, ttlMs, giveUp, alone }: LeaseRequest<T>,
): Promise<{ lease?: Lease; answer?: T }> {
  const startedAt = monotonicOf(context.clock);
  for (let waits = 0; ; waits++) {
    const { failed, value: lease } = await cache.lease(context, key, ttlMs);
    const waitedMs = monotonicOf(context.clock) - startedAt;
    // Nobody waits longer than two lives of a lease: one that is never released must not stop the fleet.
    if (failed || (lease === undefined && waitedMs > 2 * ttlMs)) return {};
    if (lease !== undefined) {
      if (waits > 0) context.emit({ type: "lease_waited", key, waitedMs });
      if (lease.takenOver) context.emit({ type: "lease_taken_over", key });
      return { lease };
    }
    const pauseMs = Math.min(500, 20 * 2 ** waits) * (0.5 + context.random.fraction() / 2);
    await context.clock.sleep(pauseMs, context.signal);
    const answer = await giveUp();
    if (answer !== undefined) return { answer };
    if (await alone?.()) return {};
  }
}

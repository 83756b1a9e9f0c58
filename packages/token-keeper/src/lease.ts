import type { Lease } from "./cache.ts";
import type { GuardedCache } from "./guarded-cache.ts";
import { type Clock, monotonicOf } from "./ports.ts";
import type { SourceContext } from "./source.ts";

/** What {@link waitForLease} waits for. */
export interface LeaseRequest<T> {
  readonly cache: GuardedCache;
  readonly key: string;
  readonly ttlMs: number;
  /** Asked between tries: when it answers something, that is the result and no lease is needed any more. */
  readonly alternative: () => Promise<T | undefined>;
  /** Asked between tries: whether to go on without the lease. */
  readonly proceedWithout?: () => Promise<boolean>;
}

/**
 * Waits until this process proceedWithout may act for `key`.
 *
 * @returns the lease; or `alternative`'s answer; or neither, when the cache cannot grant leases at the moment, or `proceedWithout` said so.
 */
export async function waitForLease<T>(
  context: SourceContext,
  { cache, key, ttlMs, alternative, proceedWithout }: LeaseRequest<T>,
): Promise<{ lease?: Lease; instead?: T }> {
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
    const instead = await alternative();
    if (instead !== undefined) return { instead };
    if (await proceedWithout?.()) return {};
  }
}

/** How far the clocks of two machines may be apart before one of them is believed over patience. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Judges whether a lease is over that another machine wrote down. Its instant of expiry is by the holder's clock, which may
 * be wrong; that the same lease has been there for its whole life by our own monotonic clock is proof.
 */
export class LeaseObserver {
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly nonce: string; readonly since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isOver(key: string, nonce: string, lease: { readonly until: number; readonly ttlMs: number }): boolean {
    if (lease.until + CLOCK_TOLERANCE_MS < this.#clock.now()) return true;
    const seen = this.#seen.get(key);
    const now = monotonicOf(this.#clock);
    if (seen === undefined || seen.nonce !== nonce) {
      this.#seen.set(key, { nonce, since: now });
      return false;
    }
    return now - seen.since >= lease.ttlMs;
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

import { type Clock, monotonicOf } from "./clock.ts";

/** How far the clocks of two machines may be apart before one of them is believed over patience. */
const clockToleranceMs = 60_000;

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
    if (lease.until + clockToleranceMs < this.#clock.now()) return true;
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

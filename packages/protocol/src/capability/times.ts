import type { Clock } from "../clock.ts";

/** Until when a token, or a block of it, is to hold. */
export interface Lifetime {
  /** By which the life begins. */
  readonly clock: Pick<Clock, "now">;
  /** Whole seconds, in milliseconds. @default 300_000 */
  readonly lifetimeMs?: number;
  /** From when the lifetime counts, in milliseconds since the epoch; it is no "not before". @default now */
  readonly startAt?: number;
}

const FIVE_MINUTES = 300_000;

/** The present second. Capability tokens know whole seconds only. */
export function nowInSeconds(clock: Pick<Clock, "now">): number {
  return Math.floor(clock.now() / 1000);
}

/**
 * The second from which on a token with this lifetime is expired.
 *
 * @throws {RangeError} unless the lifetime is a positive number of whole seconds.
 */
export function expirationOf({ clock, lifetimeMs = FIVE_MINUTES, startAt }: Lifetime): number {
  if (!Number.isSafeInteger(lifetimeMs) || lifetimeMs < 1000 || lifetimeMs % 1000 !== 0) {
    throw new RangeError(`Cannot use a lifetime that is no positive number of whole seconds: ${lifetimeMs} ms`);
  }
  const start = startAt === undefined ? nowInSeconds(clock) : Math.floor(startAt / 1000);
  const expiration = start + lifetimeMs / 1000;
  if (!Number.isSafeInteger(expiration)) throw new RangeError(`Cannot use a start that is no instant: ${startAt}`);
  return expiration;
}

import type { Random } from "./ports.ts";

/** What a {@link Jitter} may look at. */
export interface JitterInput {
  /** From issue to staleness. */
  readonly freshMs: number;
  /** What this jitter answered last time, 0 at first. */
  readonly previousMs: number;
  /** Where jitter comes from. */
  readonly random: Random;
}

/**
 * How long before its staleness a token is refreshed, in milliseconds, so that a fleet does not refresh in step.
 * The keeper clamps the response to half of the fresh time: jitter alone never makes a hot loop.
 */
export type Jitter = (input: JitterInput) => number;

/** Refreshes exactly when the token is stale. */
export function noJitter(): Jitter {
  return () => 0;
}

/**
 * Up to `maxMs` early, evenly spread, and never more than a tenth of the fresh time: the earliest of a fleet refreshes for
 * all, so a wider spread costs requests.
 * @throws RangeError when `maxMs` is negative. 0 is {@link noJitter}.
 */
export function randomEarlyJitter(maxMs: number): Jitter {
  requireSpan(maxMs);
  return ({ freshMs, random }) => random.fraction() * Math.min(maxMs, freshMs / 10);
}

/** Anywhere in the second half of the fresh time: the widest spread. */
export function fullJitter(): Jitter {
  return ({ freshMs, random }) => (random.fraction() * freshMs) / 2;
}

/**
 * Each draw is spread between `baseMs` and three times the last one, up to `maxMs`: instances that met once drift apart.
 * @throws RangeError when a span is negative.
 */
export function decorrelatedJitter(baseMs: number, maxMs: number): Jitter {
  requireSpan(baseMs);
  requireSpan(maxMs);
  return ({ freshMs, previousMs, random }) => {
    const reachMs = 3 * Math.max(baseMs, previousMs);
    return Math.min(maxMs, freshMs / 2, baseMs + random.fraction() * (reachMs - baseMs));
  };
}

function requireSpan(ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`Cannot use a negative jitter: ${ms}; give milliseconds from 0 on`);
}

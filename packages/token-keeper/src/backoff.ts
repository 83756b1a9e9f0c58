import type { Random } from "./random.ts";

/** What a {@link Backoff} may look at. */
export interface BackoffInput {
  /** Errors in a row, from 1. */
  readonly failures: number;
  readonly random: Random;
}

/** How long to wait after an error, in milliseconds. A longer `Retry-After` of the server wins. */
export type Backoff = (input: BackoffInput) => number;

/** Always the same delay. @throws RangeError when it is not positive. */
export function constantBackoff(delayMs: number): Backoff {
  requirePositive(delayMs);
  return () => delayMs;
}

/** Options of {@link exponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /** @default 100 */
  readonly initialMs?: number;
  /** @default 15000 */
  readonly maxMs?: number;
  /** @default 2 */
  readonly factor?: number;
  /**
   * `equal`: between half the delay and all of it. `full`: between 10 % and all of it, so that no wait is none.
   * @default "equal"
   */
  readonly jitter?: "none" | "equal" | "full";
}

const floors = { none: 1, equal: 0.5, full: 0.1 } as const;

/**
 * `initialMs · factorⁿ⁻¹`, at most `maxMs`, with jitter: 100, 200, 400 … 12 800, 15 000 ms by default.
 * @throws RangeError when a span is not positive or the factor is below 1.
 */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  const { initialMs = 100, maxMs = 15_000, factor = 2, jitter = "equal" } = options;
  requirePositive(initialMs);
  requirePositive(maxMs);
  if (!(factor >= 1)) throw new RangeError(`Cannot use a factor below 1: ${factor}`);
  const floor = floors[jitter];
  return ({ failures, random }) => {
    const delayMs = Math.min(maxMs, initialMs * factor ** (failures - 1));
    return delayMs * (floor + (1 - floor) * random.fraction());
  };
}

function requirePositive(ms: number): void {
  if (!(ms > 0)) throw new RangeError(`Cannot use a span that is not positive: ${ms}`);
}

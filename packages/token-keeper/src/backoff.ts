import type { TokenError } from "./errors.ts";
import type { Random } from "./ports.ts";

/** What a {@link Backoff} may look at. */
export interface BackoffInput {
  /** Errors in a row, from 1. */
  readonly failures: number;
  /** Where jitter comes from. */
  readonly random: Random;
}

/** How long to wait after an error, in milliseconds. A longer `Retry-After` of the server wins. */
export type Backoff = (input: BackoffInput) => number;

/**
 * Always the same delay. @throws RangeError when it is not positive.
 *
 * @example
 * ```ts run
 * import { constantBackoff, systemRandom } from "@countersign/token-keeper";
 * console.log(constantBackoff(500)({ failures: 3, random: systemRandom })); // 500
 * ```
 */
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

const JITTER_FLOORS = { none: 1, equal: 0.5, full: 0.1 } as const;

/**
 * `initialMs · factorⁿ⁻¹`, at most `maxMs`, with jitter: 100, 200, 400 … 12 800, 15 000 ms by default.
 * @throws RangeError when a span is not positive or the factor is below 1.
 *
 * @example
 * ```ts run
 * import { exponentialBackoff, systemRandom } from "@countersign/token-keeper";
 * const backoff = exponentialBackoff({ initialMs: 100, maxMs: 1_000, jitter: "none" });
 * console.log([1, 2, 3, 9].map((failures) => backoff({ failures, random: systemRandom })).join()); // 100,200,400,1000
 * ```
 */
export function exponentialBackoff(options: ExponentialBackoffOptions = {}): Backoff {
  const { initialMs = 100, maxMs = 15_000, factor = 2, jitter = "equal" } = options;
  requirePositive(initialMs);
  requirePositive(maxMs);
  if (!(factor >= 1)) throw new RangeError(`Cannot use a backoff factor below 1: ${factor}; give 1 or more`);
  const floor = JITTER_FLOORS[jitter];
  return ({ failures, random }) => {
    const delayMs = Math.min(maxMs, initialMs * factor ** (failures - 1));
    return delayMs * (floor + (1 - floor) * random.fraction());
  };
}

function requirePositive(ms: number): void {
  if (!(ms > 0)) throw new RangeError(`Cannot wait for a time that is not positive: ${ms}; give milliseconds above 0`);
}

/** No attempts follow each other faster, however soon a token expires. */
const MIN_PAUSE_MS = 250;

/** What the pause after an error depends on. */
export interface PauseInput {
  readonly backoff: Backoff;
  /** Which step of the backoff, from 1. */
  readonly failures: number;
  readonly random: Random;
  /** What is left of the token that is held; undefined when there is none. */
  readonly leftMs: number | undefined;
}

/** How long to wait after an error. */
export interface Pause {
  readonly ms: number;
  /** Shorter than the backoff, as a living token runs out: no step of the backoff. */
  readonly urgent: boolean;
}

/**
 * The pause after a retryable error: the server's wish, or the backoff. While a token lives, no pause takes more than a
 * quarter of what is left of it, so that a server that comes back is noticed in time.
 */
export function pauseAfter(error: TokenError, { backoff, failures, random, leftMs }: PauseInput): Pause {
  const toldMs = backoff({ failures, random });
  // A backoff of 0 or NaN would send requests without a pause to a server that is down.
  const ownMs = toldMs > 0 ? toldMs : MIN_PAUSE_MS;
  const urgentMs = leftMs === undefined || leftMs <= 0 ? ownMs : Math.min(ownMs, Math.max(MIN_PAUSE_MS, leftMs / 4));
  return { ms: Math.max(urgentMs, error.retryAfterMs ?? 0), urgent: urgentMs < ownMs };
}

import { type Backoff, exponentialBackoff } from "./backoff.ts";
import type { TokenEvents } from "./events.ts";
import { type Jitter, randomEarlyJitter } from "./jitter.ts";
import type { KeeperPorts, ManagedToken } from "./managed-token.ts";
import { type Clock, type Random, systemClock, systemRandom } from "./ports.ts";
import { SkewEstimate } from "./skew.ts";

/** What watchers and managers have in common. */
export interface KeeperOptions {
  /** How early tokens are refreshed. @default randomEarlyJitter(60000) */
  readonly jitter?: Jitter;
  /** How long to wait after an error. @default exponentialBackoff() */
  readonly backoff?: Backoff;
  /**
   * In the last `mandatoryWindowMs` before expiry, and at most in the second half of the stale time, callers wait for the
   * refresh. @default 10000
   */
  readonly mandatoryWindowMs?: number;
  /** The least time between two refreshes of one token. @default 1000 */
  readonly minIntervalMs?: number;
  /** The time. @default systemClock */
  readonly clock?: Clock;
  /** Where jitter and assertion ids come from. @default systemRandom */
  readonly random?: Random;
}

/**
 * Options with their defaults, as tokens want them.
 * @throws RangeError when a span is negative or no number.
 */
export function keeperPorts(
  options: KeeperOptions,
  events: TokenEvents,
  changed: (managed: ManagedToken) => void,
): KeeperPorts {
  const {
    clock = systemClock,
    random = systemRandom,
    jitter = randomEarlyJitter(60_000),
    backoff = exponentialBackoff(),
  } = options;
  const { mandatoryWindowMs = 10_000, minIntervalMs = 1_000 } = options;
  for (const [name, ms] of Object.entries({ mandatoryWindowMs, minIntervalMs }))
    if (!(ms >= 0)) throw new RangeError(`Cannot use a ${name} that is not 0 or more: ${ms}; give milliseconds`);
  const skew = new SkewEstimate(clock);
  return { clock, random, jitter, backoff, mandatoryWindowMs, minIntervalMs, skew, emit: events.emit, changed };
}

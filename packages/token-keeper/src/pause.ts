import type { Backoff } from "./backoff.ts";
import type { TokenError } from "./errors.ts";
import type { Random } from "./random.ts";

/** However short the life that is left, no attempts follow each other faster. */
const shortestMs = 250;

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
  // A backoff of nothing, or of no number, would be a hot loop around a server that is down.
  const ownMs = toldMs > 0 ? toldMs : shortestMs;
  const urgentMs = leftMs === undefined || leftMs <= 0 ? ownMs : Math.min(ownMs, Math.max(shortestMs, leftMs / 4));
  return { ms: Math.max(urgentMs, error.retryAfterMs ?? 0), urgent: urgentMs < ownMs };
}

const MINUTE_MS = 60_000;

/**
 * When a token becomes stale: lifetime in milliseconds → milliseconds after issue. The result is clamped to
 * `[0, lifetime]`, so that no token is fresh after its expiry.
 */
export type LifetimePolicy = (lifetimeMs: number) => number;

/** Options of {@link fractionLifetime}. */
export interface FractionLifetimeOptions {
  /** Share of the lifetime after which a token is stale, in (0, 1]. @default 0.75 */
  readonly fraction?: number;
  /** A token is stale with at least this much left. @default 30000 */
  readonly reserveMs?: number;
}

/**
 * Stale after a fraction of the lifetime, and always with `reserveMs` remaining: `min(⌊L·f⌋, L − reserve)`.
 *
 * A token that lives no longer than the reserve is stale at once. aliri_tokens promises the same, but takes
 * `max(⌊L·f⌋, reserve)`: there a 10 s token is fresh for 30 s, a 60 s token has 15 s left instead of 30.
 *
 * @throws RangeError when a value is outside its range.
 *
 * @example
 * ```ts run
 * import { fractionLifetime } from "@countersign/token-keeper";
 * console.log(fractionLifetime({ fraction: 0.5, reserveMs: 0 })(3_600_000)); // 1800000
 * ```
 */
export function fractionLifetime(options: FractionLifetimeOptions = {}): LifetimePolicy {
  const { fraction = 0.75, reserveMs = 30_000 } = options;
  if (!(fraction > 0 && fraction <= 1))
    throw new RangeError(
      `Cannot use a fraction outside (0, 1]: ${fraction}; give the share of the lifetime, such as 0.75`,
    );
  if (!(reserveMs >= 0))
    throw new RangeError(`Cannot use a negative reserve: ${reserveMs}; give milliseconds from 0 on`);
  return (lifetimeMs) => Math.max(0, Math.min(Math.floor(lifetimeMs * fraction), lifetimeMs - reserveMs));
}

/** Lifetime below which the reserve applies, as botocore's advisory windows have it. */
const RESERVES = [
  { belowMs: 20 * MINUTE_MS, reserveMs: 5 * MINUTE_MS },
  { belowMs: 90 * MINUTE_MS, reserveMs: 15 * MINUTE_MS },
  { belowMs: Number.POSITIVE_INFINITY, reserveMs: 60 * MINUTE_MS },
] as const;

/**
 * The default: 5, 15 or 60 minutes before expiry, by lifetime (up to 20 minutes, up to 90, longer), and never more than a
 * third of the lifetime, so that a short token is not stale from birth.
 *
 * @example
 * ```ts run
 * import { adaptiveLifetime } from "@countersign/token-keeper";
 * console.log(adaptiveLifetime()(900_000)); // 600000
 * ```
 */
export function adaptiveLifetime(): LifetimePolicy {
  return (lifetimeMs) => {
    const row = RESERVES.find(({ belowMs }) => lifetimeMs <= belowMs);
    return lifetimeMs - Math.min(row?.reserveMs ?? 0, Math.floor(lifetimeMs / 3));
  };
}

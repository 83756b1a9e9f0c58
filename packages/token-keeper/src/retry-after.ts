/** Nobody else's wish to wait is honoured for longer: a server that says 30 years was misconfigured. */
export const longestPauseMs = 3_600_000;

/**
 * `Retry-After` as seconds or as a date (RFC 9110 §10.2.3), in milliseconds, at most one hour; undefined when absent or
 * unreadable. `now` is the instant of the answer by the server's clock where known.
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  // Whole seconds by the RFC; fractions are sent all the same.
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.min(longestPauseMs, Math.max(0, ms));
}

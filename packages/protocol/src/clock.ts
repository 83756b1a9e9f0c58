/**
 * Where time comes from. Everything that judges a date or waits takes one of these.
 *
 * @example
 * ```ts
 * import { systemClock } from "@countersign/protocol";
 * const issuedAt = systemClock.now();
 * ```
 */
export interface Clock {
  /** Milliseconds since the Unix epoch; follows the wall clock, so it can jump. */
  now(): number;
  /** Milliseconds since an arbitrary origin; never goes back. For measuring spans. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** `setTimeout` fires at once when it is asked to wait longer than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let leftMs = ms;
  for (; leftMs > MAX_TIMER_MS; leftMs -= MAX_TIMER_MS) await sleepOnce(MAX_TIMER_MS, signal);
  await sleepOnce(leftMs, signal);
}

function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    timer.unref();
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep,
};

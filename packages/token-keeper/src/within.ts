import type { Clock } from "./clock.ts";
import { TokenError } from "./errors.ts";
import { aborted, linkedAbort } from "./linked-abort.ts";
import { sleepPatiently } from "./patience.ts";

/** By when work ends. */
export interface Bound {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What is said when it did not. */
  readonly late: string;
}

/**
 * Work that ends by its time-out or its signal, whether it looks at the signal it is given or not: one attempt that hung
 * would be the one that every later caller waits for.
 * @throws TokenError `timed_out`. @throws the signal's reason.
 */
export async function within<T>(bound: Bound, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, signal, timeoutMs, late } = bound;
  // Work that does not look at its signal would be done, and what it got thrown away: a new refresh token, for one.
  signal.throwIfAborted();
  const ended = linkedAbort(signal);
  const timer = new AbortController();
  sleepPatiently(clock, timeoutMs, timer.signal).then(
    () => ended.abort(new TokenError("timed_out", late)),
    () => undefined,
  );
  try {
    return await Promise.race([run(ended.signal), aborted(ended.signal)]);
  } catch (error) {
    throw ended.signal.aborted ? ended.signal.reason : error;
  } finally {
    timer.abort();
    ended[Symbol.dispose]();
  }
}

import { TokenError } from "./errors.ts";
import { type Clock, monotonicOf } from "./ports.ts";

/** By when work ends. */
export interface Deadline {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The message of the error that says so. */
  readonly timeoutMessage: string;
}

/**
 * Work that ends by its time-out or its signal, whether it looks at the signal it is given or not: one attempt that hung
 * would be the one that every later caller waits for.
 * @throws TokenError `timed_out`. @throws the signal's reason.
 */
export async function withDeadline<T>(deadline: Deadline, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, signal, timeoutMs, timeoutMessage } = deadline;
  // Work that does not look at its signal would be done, and what it got thrown away: a new refresh token, for one.
  signal.throwIfAborted();
  const ended = linkedAbort(signal);
  const timer = new AbortController();
  sleepToDeadline(clock, timeoutMs, timer.signal).then(
    () => ended.abort(new TokenError("timed_out", timeoutMessage)),
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

/** A timer later than this was held up by a blocked event loop or a stopped process. */
const LATE_MS = 50;
/** After a late timer the sockets get this long to be read. */
const GRACE_PERIOD_MS = 1_000;
/** An event loop that is always late must not postpone the deadline without end. */
const MAX_GRACE_PERIODS = 5;

/**
 * Sleeps until something is given up. Timers run before the sockets are read: a response that arrived while the event loop
 * was blocked would be thrown away, and with it perhaps a refresh token. So a timer that is late is not believed at once,
 * and none before the sockets were read.
 * @throws the signal's reason.
 */
export async function sleepToDeadline(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  let waitMs = ms;
  for (let graces = 0; graces <= MAX_GRACE_PERIODS; graces++) {
    const dueAt = monotonicOf(clock) + waitMs;
    await clock.sleep(waitMs, signal);
    if (monotonicOf(clock) - dueAt <= LATE_MS) break;
    waitMs = Math.min(ms, GRACE_PERIOD_MS);
  }
  await clock.sleep(0, signal);
}

/** A controller that others can abort as well. */
export interface LinkedAbort extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

/**
 * A signal that follows others until it is disposed. `AbortSignal.any` leaves an entry in a long-lived signal for each
 * short-lived one that followed it: a process that waits for tokens all day would grow by that.
 */
export function linkedAbort(...others: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController();
  const links = others
    .filter((other) => other !== undefined)
    .map((other) => {
      const follow = () => controller.abort(other.reason);
      if (other.aborted) follow();
      other.addEventListener("abort", follow, { once: true });
      return () => other.removeEventListener("abort", follow);
    });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]() {
      for (const unlink of links) unlink();
    },
  };
}

/** Rejects with the signal's reason when it is aborted. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Timers of the runtime know no longer span. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Keeps the process alive while work is waited for: the timers of the background do not.
 * @returns what the work came to.
 */
export async function keepingProcessAlive<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const hold = async () => {
    while (!done.signal.aborted) await clock.sleep(MAX_TIMER_MS, done.signal);
  };
  hold().catch(() => undefined);
  try {
    return await work;
  } finally {
    done.abort();
  }
}

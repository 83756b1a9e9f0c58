/** How a {@link Clock} sleeps. */
export interface SleepOptions {
  /**
   * Keep the process alive while sleeping. Background work sleeps with `false`, callers that wait with `true`.
   * @default true
   */
  readonly keepAlive?: boolean;
}

/**
 * Time, as a port: instants and spans are milliseconds.
 *
 * `monotonic` never goes back and never jumps. A clock without it works, but then a wall clock that is set back, or a
 * machine that was suspended, cannot be told from time that passed.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal, options?: SleepOptions): Promise<void>;
  /** Milliseconds since an arbitrary start. */
  monotonic?(): number;
}

/** `setTimeout` fires at once when it is asked to wait longer than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Required<Clock> = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal, options = {}) {
    // A span that is no number is none: counted down, it would never end.
    for (let left = Number.isNaN(ms) ? 0 : Math.max(0, ms); ; left -= MAX_TIMER_MS) {
      await sleepOnce(Math.min(left, MAX_TIMER_MS), signal, options.keepAlive ?? true);
      if (left <= MAX_TIMER_MS) return;
    }
  },
};

/** The monotonic reading of a clock, or its wall clock when it has none. */
export function monotonicOf(clock: Clock): number {
  return clock.monotonic === undefined ? clock.now() : clock.monotonic();
}

function sleepOnce(ms: number, signal: AbortSignal | undefined, keepAlive: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    // Browsers return a number, which holds no process alive.
    if (!keepAlive && typeof timer === "object") timer.unref();
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Randomness, as a port. */
export interface Random {
  /** A fraction in [0, 1). */
  fraction(): number;
  /** Bytes fit for secrets. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** The randomness of the machine. */
export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

import type { Clock } from "./clock.ts";

/** Timers of the runtime know no longer span. */
const longestMs = 2 ** 31 - 1;

/**
 * Keeps the process alive while work is waited for: the timers of the background do not.
 * @returns what the work came to.
 */
export async function holdingProcess<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const hold = async () => {
    while (!done.signal.aborted) await clock.sleep(longestMs, done.signal);
  };
  hold().catch(() => undefined);
  try {
    return await work;
  } finally {
    done.abort();
  }
}

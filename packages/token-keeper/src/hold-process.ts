import type { Clock } from "./clock.ts";

/**
 * Keeps the process alive while work is waited for: the timers of the background do not.
 * @returns what the work came to.
 */
export async function holdingProcess<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  clock.sleep(Number.POSITIVE_INFINITY, done.signal).catch(() => undefined);
  try {
    return await work;
  } finally {
    done.abort();
  }
}

import type { Clock } from "@countersign/protocol";
import { SdkError } from "./errors.ts";

/** How long something may take. */
export interface Bounds {
  readonly clock: Pick<Clock, "sleep">;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs work until it is done, too late, or no longer wanted; the signal that it gets ends with it.
 *
 * @throws {SdkError} `timed_out`; the reason of the caller's signal.
 */
export async function within<Result>(
  { clock, timeoutMs, signal }: Bounds,
  work: (ended: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const done = new AbortController();
  const late = new AbortController();
  const ended = AbortSignal.any([late.signal, ...(signal === undefined ? [] : [signal])]);
  const expire = () => late.abort(new SdkError("timed_out", { detail: `${timeoutMs} ms` }));
  clock.sleep(timeoutMs, done.signal).then(expire, () => undefined);
  const stopped = new Promise<never>((_, reject) => {
    ended.addEventListener("abort", () => reject(ended.reason), { once: true });
  });
  try {
    return await Promise.race([work(ended), stopped]);
  } finally {
    done.abort();
  }
}

import { type Clock, monotonicOf } from "./clock.ts";

/** A timer that is later than this fired behind a blocked event loop, or a process that was stopped. */
const lateMs = 50;
/** What arrived meanwhile is read within this. */
const graceMs = 1_000;
/** An event loop that is always late must not put the end off for ever. */
const mostGraces = 5;

/**
 * Sleeps until something is given up. Timers run before the sockets are read: an answer that arrived while the event loop
 * was blocked would be thrown away, and with it perhaps a refresh token. So a timer that is late is not believed at once,
 * and none before the sockets were read.
 * @throws the signal's reason.
 */
export async function sleepPatiently(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  let waitMs = ms;
  for (let graces = 0; graces <= mostGraces; graces++) {
    const dueAt = monotonicOf(clock) + waitMs;
    await clock.sleep(waitMs, signal);
    if (monotonicOf(clock) - dueAt <= lateMs) break;
    waitMs = Math.min(ms, graceMs);
  }
  await clock.sleep(0, signal);
}

import { createHash } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/**
 * A clock that moves only when told to.
 *
 * @example
 * ```ts
 * import { FakeClock } from "@countersign/protocol/testing";
 * const clock = new FakeClock();
 * const slept = clock.sleep(60_000);
 * await clock.advance(60_000);
 * await slept;
 * ```
 */
export class FakeClock implements Clock {
  #now: number;
  #monotonic = 0;
  #sleepers: Sleeper[] = [];

  constructor(startAt = Date.UTC(2030, 0, 1)) {
    this.#now = startAt;
  }

  /** The instant it stands at, in milliseconds since the epoch. */
  now(): number {
    return this.#now;
  }

  /** What has passed since it was made, in milliseconds; no jump of the clock changes it. */
  monotonic(): number {
    return this.#monotonic;
  }

  /** Resolves once the clock was advanced by so many milliseconds. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const sleeper: Sleeper = { wakeAt: this.#monotonic + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Moves both clocks on, waking sleepers in order of their time; what they start is awaited for a few turns. */
  async advance(ms: number): Promise<void> {
    const target = this.#monotonic + ms;
    for (;;) {
      const next = this.#sleepers.filter((s) => s.wakeAt <= target).sort((a, b) => a.wakeAt - b.wakeAt)[0];
      if (next === undefined) break;
      this.#moveTo(next.wakeAt);
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      next.wake();
      await settle();
    }
    this.#moveTo(target);
    await settle();
  }

  /** Moves the wall clock alone, as an administrator or NTP would. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #moveTo(monotonic: number): void {
    this.#now += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Repeatable bytes for tests: SHA-256 in counter mode over the seed. */
export function seededRandom(seed: number | string): Random {
  let counter = 0;
  let pool = Buffer.alloc(0);
  return {
    bytes(length) {
      while (pool.length < length) {
        const block = createHash("sha256").update(`${seed}:${counter++}`).digest();
        pool = Buffer.concat([pool, block]);
      }
      const bytes = new Uint8Array(pool.subarray(0, length));
      pool = pool.subarray(length);
      return bytes;
    },
  };
}

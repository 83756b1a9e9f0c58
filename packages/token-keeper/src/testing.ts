import type { Clock, Random } from "./ports.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A clock that moves only when told: a day of refreshes takes milliseconds.
 *
 * @example
 * ```ts run
 * import { FakeClock } from "@countersign/token-keeper/testing";
 * const clock = new FakeClock();
 * const nap = clock.sleep(60_000);
 * await clock.advance(60_000);
 * await nap;
 * ```
 */
export class FakeClock implements Required<Clock> {
  #wall: number;
  #monotonic = 0;
  readonly #sleepers = new Set<Sleeper>();

  /** Starts at `now`. @default 1700000000000 */
  constructor(now = 1_700_000_000_000) {
    this.#wall = now;
  }

  /** How many sleep. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** The wall clock, milliseconds since 1970. */
  now(): number {
    return this.#wall;
  }

  /** Milliseconds that have passed since the clock was made. */
  monotonic(): number {
    return this.#monotonic;
  }

  /** Resolves when the clock was advanced by `ms`; rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper = {
        at: this.#monotonic + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Lets time pass, waking sleepers in order; what they do at once is done before this resolves. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#move(Math.max(0, next.at - this.#monotonic));
      next.wake();
      await settle();
    }
    this.#move(end - this.#monotonic);
    await settle();
  }

  /** Sets the wall clock forth or back, as an operator does; or forth, as a machine that was suspended finds it. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  #next(end: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers)
      if (sleeper.at <= end && (first === undefined || sleeper.at < first.at)) first = sleeper;
    return first;
  }

  #move(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }
}

/** The quickest nextTurn of the event loop: browsers have timers only. */
const nextTurn: (done: () => void) => unknown = "setImmediate" in globalThis ? setImmediate : setTimeout;

/** Lets everything run that waits for nothing outside, a few times over. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => nextTurn(resolve));
}

/**
 * The same sequence for the same seed (mulberry32): for tests that can be repeated, never for secrets.
 *
 * @example
 * ```ts run
 * import { seededRandom } from "@countersign/token-keeper/testing";
 * console.log(seededRandom(42).fraction() === seededRandom(42).fraction()); // true
 * ```
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { fraction, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(fraction() * 256)) };
}

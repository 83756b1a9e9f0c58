import { type Clock, CountersignError } from "@countersign/protocol";

/** What bounds the work. */
export interface SlotsOptions {
  readonly clock: Clock;
  /** How many tasks run at once. */
  readonly parallel: number;
  /** The longest a task waits for its turn. */
  readonly waitMs: number;
}

/** Waiting costs little, but not nothing: past so many the answer would come too late anyway. */
const mostWaiting = 1000;
const retryAfterMs = 1000;

/** Runs tasks a bounded number at once, in the order they came; who waits too long is refused. */
export class Slots {
  readonly #clock: Clock;
  readonly #waitMs: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor({ clock, parallel, waitMs }: SlotsOptions) {
    this.#clock = clock;
    this.#free = parallel;
    this.#waitMs = waitMs;
  }

  /** How many tasks wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Runs the task when a slot is free.
   *
   * @throws {CountersignError} `temporarily_unavailable` when none became free in time.
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    if (this.#waiting.size >= mostWaiting || !(await this.#turn())) {
      throw new CountersignError("temporarily_unavailable", { retryAfterMs, detail: "no slot for a password hash" });
    }
  }

  #turn(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const patience = new AbortController();
    const admit = () => {
      patience.abort();
      resolve(true);
    };
    this.#waiting.add(admit);
    this.#clock.sleep(this.#waitMs, patience.signal).then(
      () => resolve(!this.#waiting.delete(admit)),
      () => {},
    );
    return promise;
  }

  /** Hands the slot on to whoever has waited longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

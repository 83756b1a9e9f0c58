import { type Clock, CountersignError } from "@countersign/protocol";

/** What bounds the work. */
export interface SlotsOptions {
  readonly clock: Clock;
  /** How many tasks run at once. */
  readonly parallel: number;
  /** The longest a task waits for its turn. */
  readonly waitMs: number;
}

/** The most tasks that wait: those behind them would be refused for their time-out anyway. */
const MAX_WAITING = 1000;
const RETRY_AFTER_MS = 1000;

/** Called with true when the slot is free, with false when the task is refused. */
type Waiter = (admitted: boolean) => void;

/**
 * Runs tasks a bounded number at once. Whoever waits stands in the queue of where they come from, and the queues have
 * their turns one after the other: so many tasks from one place do not keep those from another waiting. Who waits too
 * long is refused.
 */
export class Slots {
  readonly #clock: Clock;
  readonly #waitMs: number;
  /** In the order of their turns; none is empty. */
  readonly #queues = new Map<string, Set<Waiter>>();
  #waiting = 0;
  #free: number;

  constructor({ clock, parallel, waitMs }: SlotsOptions) {
    this.#clock = clock;
    this.#free = parallel;
    this.#waitMs = waitMs;
  }

  /** How many tasks wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Runs the task when a slot is free.
   *
   * @throws {CountersignError} `temporarily_unavailable` when none became free in time.
   */
  async run<T>(task: () => Promise<T>, from = ""): Promise<T> {
    await this.#enter(from);
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  async #enter(from: string): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    if (!this.#makeRoom(from) || !(await this.#turn(from))) {
      throw new CountersignError("temporarily_unavailable", {
        retryAfterMs: RETRY_AFTER_MS,
        detail: "no slot for a password hash",
      });
    }
  }

  /** When too many wait, the last of the longest queue gives way to whoever has a shorter one. */
  #makeRoom(from: string): boolean {
    if (this.#waiting < MAX_WAITING) return true;
    const [place = "", longest] = [...this.#queues].reduce((most, other) =>
      other[1].size > most[1].size ? other : most,
    );
    const last = [...longest].at(-1);
    if (last === undefined || (this.#queues.get(from)?.size ?? 0) + 1 >= longest.size) return false;
    this.#remove(place, last);
    last(false);
    return true;
  }

  #turn(from: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const patience = new AbortController();
    const waiter: Waiter = (admitted) => {
      patience.abort();
      resolve(admitted);
    };
    this.#add(from, waiter);
    this.#clock.sleep(this.#waitMs, patience.signal).then(
      () => {
        if (this.#remove(from, waiter)) resolve(false);
      },
      () => {},
    );
    return promise;
  }

  /** Hands the slot on to whoever has waited longest in the next queue. */
  #leave(): void {
    const [next] = this.#queues;
    const [waiter] = next?.[1] ?? [];
    if (next === undefined || waiter === undefined) {
      this.#free += 1;
      return;
    }
    const [place, queue] = next;
    this.#remove(place, waiter);
    if (this.#queues.delete(place)) this.#queues.set(place, queue);
    waiter(true);
  }

  #add(from: string, waiter: Waiter): void {
    const queue = this.#queues.get(from) ?? new Set();
    this.#queues.set(from, queue.add(waiter));
    this.#waiting += 1;
  }

  #remove(from: string, waiter: Waiter): boolean {
    const queue = this.#queues.get(from);
    if (!queue?.delete(waiter)) return false;
    if (queue.size === 0) this.#queues.delete(from);
    this.#waiting -= 1;
    return true;
  }
}

import type { Clock } from "@countersign/protocol";

const MINUTE_MS = 60_000;

/** So many a minute, and as many at once where nobody asked for a while. */
export class Pace {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #perMinute: number;
  #left: number;
  #at: number;

  constructor(clock: Pick<Clock, "monotonic">, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
    this.#left = perMinute;
    this.#at = clock.monotonic();
  }

  /** Takes one: 0, or how long to wait for the next in milliseconds. */
  take(): number {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#perMinute, this.#left + ((now - this.#at) * this.#perMinute) / MINUTE_MS);
    this.#at = now;
    if (this.#left < 1) return Math.ceil(((1 - this.#left) * MINUTE_MS) / this.#perMinute);
    this.#left -= 1;
    return 0;
  }
}

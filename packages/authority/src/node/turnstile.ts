import type { Clock } from "@countersign/protocol";
import type { ConnectionState } from "./connection-state.ts";

/** How long pipelined requests are begun before the event loop goes on. */
const TURN_MS = 5;

/**
 * Begins what connections have pipelined, one request of each after the other, for a few milliseconds in each round of the
 * event loop: a client that waits for its response before it asks again never stands behind those.
 */
export class Turnstile {
  readonly #clock: Clock;
  /** Begins one request of a connection; `false` where it has none that may be begun. */
  readonly #begin: (connection: ConnectionState) => boolean;
  /** In the order in which they came. */
  readonly #waiting = new Set<ConnectionState>();
  #isScheduled = false;

  constructor(clock: Clock, begin: (connection: ConnectionState) => boolean) {
    this.#clock = clock;
    this.#begin = begin;
  }

  enter(connection: ConnectionState): void {
    this.#waiting.add(connection);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
      this.#schedule();
    });
  }

  #turn(): void {
    const until = this.#clock.monotonic() + TURN_MS;
    for (const connection of this.#waiting) {
      this.#waiting.delete(connection);
      // To the end: the loop comes to it again after the others.
      if (this.#begin(connection)) this.#waiting.add(connection);
      if (this.#clock.monotonic() >= until) return;
    }
  }
}

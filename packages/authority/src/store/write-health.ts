import type { Clock } from "@countersign/protocol";

/** A disk that hangs fails nothing: for so long writes may wait without one being finished. */
const STALL_MS = 5000;
const PROBE_EVERY_MS = 2000;
/**
 * The outcome of writes shows the state of the disk. A store without any is tried after so long, as it may have filled meanwhile,
 * and one that was opened only now at once.
 */
const REST_MS = 30_000;

/** What a store knows of its writes at the moment. */
export interface WritesNow {
  readonly isWaiting: boolean;
  /** Writes something, to see how it goes. */
  probe(): Promise<unknown>;
}

/** Whether a store takes writes, by how its last commits went, or a write of its own where there are none. */
export class WriteHealth {
  readonly #clock: Clock;
  #failure: string | undefined;
  #progressAt = 0;
  #wroteAt = Number.NEGATIVE_INFINITY;
  #probing: Promise<unknown> = Promise.resolve();
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called when writes wait that did not before, and when a commit had nothing to write. */
  progress(): void {
    this.#progressAt = this.#clock.monotonic();
  }

  /** To be called when a commit wrote something. */
  wrote(): void {
    this.progress();
    this.#wroteAt = this.#progressAt;
    this.#failure = undefined;
  }

  /** To be called when a commit failed. */
  failed(why: string): void {
    this.progress();
    this.#failure = why;
  }

  /**
   * Why no writes are taken, or `undefined` when they are. After a commit that failed it has one more tried, at most
   * every two seconds, and one where nothing was written for half a minute, however often it is asked.
   */
  async failure({ isWaiting, probe }: WritesNow): Promise<string | undefined> {
    const now = this.#clock.monotonic();
    const stalledMs = isWaiting ? now - this.#progressAt : 0;
    if (stalledMs >= STALL_MS) return `No write was finished for ${Math.round(stalledMs / 1000)} seconds`;
    const isResting = !isWaiting && now - this.#wroteAt >= REST_MS;
    if (this.#failure === undefined && !isResting) return undefined;
    if (now - this.#probedAt >= PROBE_EVERY_MS) {
      this.#probedAt = now;
      this.#probing = probe().catch(() => undefined);
    }
    await this.#probing;
    return this.#failure;
  }
}

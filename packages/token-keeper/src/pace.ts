import { type Backoff, pauseAfter } from "./backoff.ts";
import type { TokenError } from "./errors.ts";
import { type Clock, monotonicOf, type Random } from "./ports.ts";

/** What a {@link Pace} works with. */
export interface PaceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly backoff: Backoff;
  readonly minIntervalMs: number;
}

/** After a terminal error the background asks again after this, doubling up to {@link MAX_TERMINAL_PAUSE_MS}. */
const FIRST_TERMINAL_PAUSE_MS = 60_000;
const MAX_TERMINAL_PAUSE_MS = 900_000;

/** When the next attempt may start, and what the last ones came to. Instants are monotonic. */
export class Pace {
  readonly #options: PaceOptions;
  #failures = 0;
  /** Steps of the backoff: failures that a living token made urgent are none. */
  #steps = 0;
  #terminals = 0;
  #lastError: TokenError | undefined;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  /** No attempt starts before this. */
  #blockedUntil = Number.NEGATIVE_INFINITY;
  /** After a terminal error the background makes no attempt before this. */
  #hopelessUntil = Number.NEGATIVE_INFINITY;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Errors in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** Steps of the backoff that were taken. */
  get steps(): number {
    return this.#steps;
  }

  get lastError(): TokenError | undefined {
    return this.#lastError;
  }

  /** The last attempt's error, when it was one that retries seldom mend. */
  get terminalError(): TokenError | undefined {
    return this.#lastError?.retryable === false ? this.#lastError : undefined;
  }

  get attemptedAt(): number {
    return this.#attemptedAt;
  }

  /** Milliseconds until a caller's attempt may start. */
  blockedMs(): number {
    return Math.max(0, this.#blockedUntil - this.#now());
  }

  /** Milliseconds until an attempt in the background may start. */
  backgroundMs(): number {
    return this.terminalError === undefined
      ? this.blockedMs()
      : Math.max(this.blockedMs(), this.#hopelessUntil - this.#now());
  }

  postpone(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.#now() + ms);
  }

  /** Lets the next attempt start at once, after a terminal error too. */
  unblock(): void {
    this.#blockedUntil = Number.NEGATIVE_INFINITY;
    this.#lastError = undefined;
  }

  /** There are new credentials: forgets the terminal error of the old ones. */
  renew(): void {
    if (this.terminalError === undefined) return;
    this.#lastError = undefined;
    // A source made anew for each call must not lift the pause each time.
    this.#blockedUntil = this.#attemptedAt + this.#options.minIntervalMs;
  }

  begin(): void {
    this.#attemptedAt = this.#now();
  }

  /**
   * A token came. One that is due at once counts as a failure here, so that refreshes do not follow each other
   * without a pause.
   */
  succeed(stillborn: boolean): void {
    const { minIntervalMs, backoff, random } = this.#options;
    this.#lastError = undefined;
    this.#terminals = 0;
    this.#failures = stillborn ? this.#failures + 1 : 0;
    this.#steps = stillborn ? this.#steps + 1 : 0;
    this.postpone(Math.max(minIntervalMs, stillborn ? backoff({ failures: this.#steps, random }) : 0));
  }

  /** @returns the pause until the next attempt; undefined after a terminal error. */
  fail(error: TokenError, leftMs: number | undefined): number | undefined {
    this.#failures++;
    this.#lastError = error;
    if (!error.retryable) return this.#failHopelessly();
    this.#terminals = 0;
    // That others met an error is no error of this process.
    const ownMs = error.code === "cooling_down" ? 0 : this.#pauseAfter(error, leftMs);
    const pauseMs = error.pauseMs ?? ownMs;
    this.postpone(pauseMs);
    return pauseMs;
  }

  #pauseAfter(error: TokenError, leftMs: number | undefined): number {
    const { backoff, random } = this.#options;
    const pause = pauseAfter(error, { backoff, failures: this.#steps + 1, random, leftMs });
    if (!pause.urgent) this.#steps++;
    // Many may have been told the same instant.
    return error.retryAfterMs === undefined ? pause.ms : pause.ms * (1 + random.fraction() / 10);
  }

  #failHopelessly(): undefined {
    const { random } = this.#options;
    // Every caller gets the error for a few seconds, so that a loop of calls does not reach the server.
    this.postpone(1_000 + 4_000 * random.fraction());
    const rarelyMs = Math.min(MAX_TERMINAL_PAUSE_MS, FIRST_TERMINAL_PAUSE_MS * 2 ** this.#terminals++);
    this.#hopelessUntil = this.#now() + rarelyMs * (0.5 + random.fraction() / 2);
  }

  #now(): number {
    return monotonicOf(this.#options.clock);
  }
}

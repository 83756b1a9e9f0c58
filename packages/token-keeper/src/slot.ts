import type { Backoff } from "./backoff.ts";
import { type Clock, monotonicOf } from "./clock.ts";
import { TokenError, toTokenError } from "./errors.ts";
import type { TokenEvent } from "./events.ts";
import type { Jitter } from "./jitter.ts";
import { tokenKey } from "./key.ts";
import { pauseAfter } from "./pause.ts";
import type { Random } from "./random.ts";
import type { Secret } from "./secret.ts";
import type { SkewEstimate } from "./skew.ts";
import type { TokenSource } from "./source.ts";
import type { Token, TokenStatus } from "./token.ts";

/** What all slots of a keeper share. */
export interface SlotPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly skew: SkewEstimate;
  readonly jitter: Jitter;
  readonly backoff: Backoff;
  readonly emit: (event: TokenEvent) => void;
  readonly mandatoryWindowMs: number;
  readonly minIntervalMs: number;
  /** Told after every attempt. */
  readonly changed: (slot: TokenSlot) => void;
}

/** A slot as health sees it. */
export interface SlotHealth {
  readonly key: string;
  readonly status: TokenStatus | "none";
  readonly ageMs: number | undefined;
  readonly expiresInMs: number | undefined;
  readonly refreshInMs: number | undefined;
  readonly refreshing: boolean;
  readonly failures: number;
  readonly lastError: TokenError | undefined;
  /** The server's clock minus ours, where known. */
  readonly skewMs: number | undefined;
}

interface Held {
  readonly token: Token;
  readonly wallAt: number;
  readonly monotonicAt: number;
  /** When to refresh: staleness less jitter. */
  readonly refreshAt: number;
}

/** One token: what is held, the one refresh in flight, and what was learnt from errors. */
export class TokenSlot {
  readonly key: string;
  /** Set by the owner on use: what nobody uses is not refreshed in the background, and leaves first. */
  usedAt = 0;
  /** How many callers wait for a token to come. */
  waiters = 0;
  #source: TokenSource;
  readonly #ports: SlotPorts;
  readonly #closed = new AbortController();
  #held: Held | undefined;
  #settled: Promise<Token> | undefined;
  #inFlight: Promise<Token> | undefined;
  #rejected: Secret | undefined;
  #failures = 0;
  #lastError: TokenError | undefined;
  #jitterMs = 0;
  /** Monotonic instant before which no attempt starts. */
  #blockedUntil = Number.NEGATIVE_INFINITY;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  #announced: TokenStatus = "fresh";

  constructor(source: TokenSource, ports: SlotPorts) {
    this.#source = source;
    this.#ports = ports;
    this.key = tokenKey(source.identity);
  }

  /** A source with the same identity and perhaps newer credentials: used from the next attempt on. */
  set source(source: TokenSource) {
    if (source === this.#source) return;
    this.#source = source;
    if (this.terminalError === undefined) return;
    this.#lastError = undefined;
    // A source made anew for each call must not lift the pause each time.
    this.#blockedUntil = this.#attemptedAt + this.#ports.minIntervalMs;
  }

  /** The token held, whatever its status. */
  get token(): Token | undefined {
    return this.#held?.token;
  }

  get refreshing(): boolean {
    return this.#inFlight !== undefined;
  }

  /** The last attempt's error, when no further attempt can help. */
  get terminalError(): TokenError | undefined {
    return this.#lastError?.retryable === false ? this.#lastError : undefined;
  }

  /** Aborted when the slot is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get lastError(): TokenError | undefined {
    return this.#lastError;
  }

  /**
   * The later of what the wall clock says and what it said when the token came plus the time that really passed. So a
   * clock set back cannot keep an expired token alive, and time spent suspended counts.
   */
  now(): number {
    const wall = this.#ports.clock.now();
    if (this.#held === undefined) return wall;
    return Math.max(wall, this.#held.wallAt + monotonicOf(this.#ports.clock) - this.#held.monotonicAt);
  }

  /** The held token as a settled promise, as long as it needs no refresh: the path of every hit. */
  hit(): Promise<Token> | undefined {
    return this.#held !== undefined && this.now() < this.#held.refreshAt ? this.#settled : undefined;
  }

  status(): TokenStatus | "none" {
    const status = this.#held === undefined ? "none" : this.#held.token.statusAt(this.now());
    if ((status === "stale" || status === "expired") && status !== this.#announced) {
      this.#announced = status;
      this.#ports.emit({ type: status, key: this.key });
    }
    return status;
  }

  /** Whether callers wait for the refresh: in the last moments of a token's life. */
  isMandatory(): boolean {
    if (this.#held === undefined) return true;
    const { expiresAt, staleAt } = this.#held.token;
    return this.now() >= expiresAt - Math.min(this.#ports.mandatoryWindowMs, (expiresAt - staleAt) / 2);
  }

  /** Milliseconds until an attempt may start. */
  blockedMs(): number {
    return Math.max(0, this.#blockedUntil - monotonicOf(this.#ports.clock));
  }

  /** Milliseconds until the refresh is due: 0 when it is, infinite while one is in flight or none can help. */
  dueInMs(): number {
    if (this.refreshing || this.#closed.signal.aborted || this.terminalError !== undefined)
      return Number.POSITIVE_INFINITY;
    return Math.max(this.blockedMs(), this.#held === undefined ? 0 : this.#held.refreshAt - this.now());
  }

  /** Puts the next attempt off: used to spread what a clock jump makes due at once. */
  postpone(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, monotonicOf(this.#ports.clock) + ms);
  }

  /** Lets the next attempt start at once, after a terminal error too. */
  unblock(): void {
    this.#blockedUntil = Number.NEGATIVE_INFINITY;
    this.#lastError = undefined;
  }

  /** The refresh in flight, or a new one. */
  refresh(): Promise<Token> {
    this.#inFlight ??= this.#attempt().finally(() => {
      this.#inFlight = undefined;
      this.#ports.changed(this);
    });
    return this.#inFlight;
  }

  /** {@link refresh} whose failure is told by event and state only. */
  async refreshQuietly(): Promise<void> {
    await this.refresh().catch(() => undefined);
  }

  /** Forgets the token if it is still this one (compare and invalidate); true when it was. */
  invalidate(token: Token): boolean {
    if (this.#held === undefined || !this.#held.token.accessToken.equals(token.accessToken)) return false;
    this.#rejected = token.accessToken;
    this.#held = undefined;
    this.#settled = undefined;
    this.#ports.emit({ type: "invalidated", key: this.key });
    this.#ports.changed(this);
    return true;
  }

  close(): void {
    this.#closed.abort(new TokenError("closed", "The keeper of this token was closed"));
  }

  health(): SlotHealth {
    const now = this.now();
    const token = this.#held?.token;
    return {
      key: this.key,
      status: this.status(),
      ageMs: token && now - token.issuedAt,
      expiresInMs: token?.untilExpired(now),
      refreshInMs: this.#held && Math.max(0, this.#held.refreshAt - now),
      refreshing: this.refreshing,
      failures: this.#failures,
      lastError: this.#lastError,
      skewMs: this.#ports.skew.get(this.#source.identity.issuer),
    };
  }

  async #attempt(): Promise<Token> {
    const { clock, random, skew, emit } = this.#ports;
    this.#attemptedAt = monotonicOf(clock);
    try {
      this.#closed.signal.throwIfAborted();
      const context = {
        signal: this.#closed.signal,
        clock,
        random,
        skew,
        emit,
        current: this.token,
        rejected: this.#rejected,
      };
      const token = await this.#source.request(context);
      this.#closed.signal.throwIfAborted();
      this.#accept(token);
      return token;
    } catch (error) {
      throw this.#fail(toTokenError(error));
    }
  }

  #accept(token: Token): void {
    const { clock, random, jitter, emit, backoff, minIntervalMs } = this.#ports;
    const wallAt = clock.now();
    if (this.#rejected?.equals(token.accessToken))
      throw new TokenError("token_rejected", "The source answered with the token that was refused");
    if (token.statusAt(wallAt) === "expired")
      throw new TokenError("token_expired", "The source answered with an expired token");
    const freshMs = token.staleAt - token.issuedAt;
    const earlyMs = jitter({ freshMs, previousMs: this.#jitterMs, random });
    this.#jitterMs = earlyMs > 0 ? Math.min(freshMs / 2, earlyMs) : 0;
    const refreshAt = token.staleAt - this.#jitterMs;
    this.#held = { token, wallAt, monotonicAt: monotonicOf(clock), refreshAt };
    this.#settled = Promise.resolve(token);
    this.#announced = "fresh";
    this.#lastError = undefined;
    // A token that is due from birth must not make a hot loop: it counts as an error for the pace, and for nothing else.
    const stillborn = wallAt >= refreshAt;
    this.#failures = stillborn ? this.#failures + 1 : 0;
    this.postpone(Math.max(minIntervalMs, stillborn ? backoff({ failures: this.#failures, random }) : 0));
    emit({ type: "refreshed", key: this.key, staleAt: token.staleAt, expiresAt: token.expiresAt });
  }

  #fail(error: TokenError): TokenError {
    if (this.#closed.signal.aborted) return error;
    const { random, backoff, emit } = this.#ports;
    const { key } = this;
    this.#failures++;
    this.#lastError = error;
    const failures = this.#failures;
    if (!error.retryable) {
      // Told to every caller for a moment, so that a loop around a hopeless call does not reach the server.
      this.postpone(1_000 + 4_000 * random.fraction());
      emit({ type: "refresh_failed", key, error, failures });
      return error;
    }
    const leftMs = this.#held?.token.untilExpired(this.now());
    // Many may have been told the same instant.
    const spread = error.retryAfterMs === undefined ? 1 : 1 + random.fraction() / 10;
    const retryInMs = pauseAfter(error, { backoff, failures, random, leftMs }) * spread;
    this.postpone(retryInMs);
    emit({ type: "refresh_failed", key, error, failures, retryInMs });
    return error;
  }
}

import type { Backoff } from "./backoff.ts";
import { TokenError, toTokenError } from "./errors.ts";
import type { TokenEvent } from "./events.ts";
import type { Jitter } from "./jitter.ts";
import { Pace } from "./pace.ts";
import { type Clock, monotonicOf, type Random } from "./ports.ts";
import type { Secret } from "./secret.ts";
import type { SkewEstimate } from "./skew.ts";
import { type SourceContext, type TokenSource, tokenKey } from "./source.ts";
import type { Token, TokenStatus } from "./token.ts";

/** What all tokens of a keeper share. */
export interface KeeperPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly skew: SkewEstimate;
  readonly jitter: Jitter;
  readonly backoff: Backoff;
  readonly emit: (event: TokenEvent) => void;
  readonly mandatoryWindowMs: number;
  readonly minIntervalMs: number;
  /** Told after every attempt. */
  readonly changed: (managed: ManagedToken) => void;
}

/** The state of one token, as `health()` shows it. */
export interface TokenHealth {
  /** The token's key, see `tokenKey`: no secret. */
  readonly key: string;
  /** The status of the token that is held; `none` when there is none. */
  readonly status: TokenStatus | "none";
  /** Milliseconds since issue; undefined when no token is held. */
  readonly ageMs: number | undefined;
  /** Milliseconds until expiry, 0 when past; undefined when no token is held. */
  readonly expiresInMs: number | undefined;
  /** Milliseconds until the next refresh, 0 when due; undefined when no token is held. */
  readonly refreshInMs: number | undefined;
  /** Whether a refresh is under way. */
  readonly refreshing: boolean;
  /** Failed attempts in a row. */
  readonly failures: number;
  /** What the last attempt failed with; undefined when it succeeded. */
  readonly lastError: TokenError | undefined;
  /** The server's clock minus ours, where known. */
  readonly skewMs: number | undefined;
}

/** While no attempt may start, tokens of other processes are looked for this often. */
export const LOOK_INTERVAL_MS = 5_000;
/** Callers make it look no more often than this. */
const MIN_LOOK_INTERVAL_MS = 1_000;
/** A refused token that its source gave again is not invalidated for a while: longer each time, up to this. */
const MAX_TRUST_MS = 60_000;

interface Held {
  readonly token: Token;
  readonly wallAt: number;
  readonly monotonicAt: number;
  /** When to refresh: staleness less jitter. */
  readonly refreshAt: number;
}

/** One token: what is held, the one refresh in flight, and what was learnt from errors. */
export class ManagedToken {
  readonly key: string;
  /**
   * When it was last used, as the manager counts: what is not used is not refreshed in the background, and is evicted
   * first.
   */
  usedAt = 0;
  /** How many callers wait for a token to come. */
  waiters = 0;
  #source: TokenSource;
  readonly #ports: KeeperPorts;
  readonly #closed = new AbortController();
  #held: Held | undefined;
  #settled: Promise<Token> | undefined;
  #inFlight: Promise<Token> | undefined;
  #rejected: Secret | undefined;
  /** How often the source gave the refused token again, and until when it is believed. */
  #confirmed = { times: 0, until: Number.NEGATIVE_INFINITY };
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #jitterMs = 0;
  readonly #pace: Pace;
  #announced: TokenStatus = "fresh";

  constructor(source: TokenSource, ports: KeeperPorts) {
    this.#source = source;
    this.#ports = ports;
    this.#pace = new Pace(ports);
    this.key = tokenKey(source.identity);
  }

  /** A source with the same identity and perhaps newer credentials: used from the next attempt on. */
  set source(source: TokenSource) {
    if (source === this.#source) return;
    this.#source = source;
    this.#pace.renew();
  }

  /** The token held, whatever its status. */
  get token(): Token | undefined {
    return this.#held?.token;
  }

  get refreshing(): boolean {
    return this.#inFlight !== undefined;
  }

  /** The last attempt's error, when it was one that retries seldom mend. */
  get terminalError(): TokenError | undefined {
    return this.#pace.terminalError;
  }

  /** Aborted when its keeper is closed. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get lastError(): TokenError | undefined {
    return this.#pace.lastError;
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
    return this.#pace.blockedMs();
  }

  /** Milliseconds until the refresh is due: 0 when it is, infinite while one is in flight. */
  dueInMs(): number {
    if (this.refreshing || this.#closed.signal.aborted) return Number.POSITIVE_INFINITY;
    return Math.max(this.#pace.backgroundMs(), this.#refreshInMs());
  }

  /**
   * Milliseconds until tokens of other processes are looked for; infinite where the source cannot look, or an attempt
   * may start.
   */
  lookInMs(): number {
    if (!this.canLook || this.#looking !== undefined || this.dueInMs() <= 0) return Number.POSITIVE_INFINITY;
    if (this.refreshing || this.#closed.signal.aborted) return Number.POSITIVE_INFINITY;
    return Math.max(this.#refreshInMs(), LOOK_INTERVAL_MS - this.#sinceLookMs());
  }

  /** Whether the source can look for tokens that others got. */
  get canLook(): boolean {
    return this.#source.look !== undefined;
  }

  /** Puts the next attempt off: used to spread what a clock jump makes due at once. */
  postpone(ms: number): void {
    this.#pace.postpone(ms);
  }

  /** Lets the next attempt start at once, after a terminal error too. */
  unblock(): void {
    this.#pace.unblock();
  }

  /** Takes a token that another process got, where there is one; looks at most once a second. */
  look(): Promise<void> {
    if (this.#looking === undefined && (!this.canLook || this.#sinceLookMs() < MIN_LOOK_INTERVAL_MS))
      return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      this.#ports.changed(this);
    });
    return this.#looking;
  }

  /** The refresh in flight, or a new one. */
  refresh(): Promise<Token> {
    this.#inFlight ??= this.#attempt().finally(() => {
      this.#inFlight = undefined;
      this.#ports.changed(this);
    });
    return this.#inFlight;
  }

  /** As {@link refresh}; a failure shows in the events and the state only. */
  async refreshQuietly(): Promise<void> {
    await this.refresh().catch(() => undefined);
  }

  /**
   * Forgets the token if it is still this one (compare and invalidate); true when it was. A token that its source has just
   * given again is kept for a moment: the refusal was wrong, or no request mends it.
   */
  invalidate(token: Token): boolean {
    if (this.#held === undefined || !this.#held.token.accessToken.equals(token.accessToken)) return false;
    if (monotonicOf(this.#ports.clock) < this.#confirmed.until) return false;
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

  health(): TokenHealth {
    const now = this.now();
    const token = this.#held?.token;
    return {
      key: this.key,
      status: this.status(),
      ageMs: token && now - token.issuedAt,
      expiresInMs: token?.untilExpired(now),
      refreshInMs: this.#held && Math.max(0, this.#held.refreshAt - now),
      refreshing: this.refreshing,
      failures: this.#pace.failures,
      lastError: this.#pace.lastError,
      skewMs: this.#ports.skew.get(this.#source.identity.issuer),
    };
  }

  #refreshInMs(): number {
    return this.#held === undefined ? 0 : Math.max(0, this.#held.refreshAt - this.now());
  }

  #sinceLookMs(): number {
    return monotonicOf(this.#ports.clock) - Math.max(this.#lookedAt, this.#pace.attemptedAt);
  }

  #context(): SourceContext {
    const { clock, random, skew, emit } = this.#ports;
    const { signal } = this.#closed;
    const { lastError, steps: failures } = this.#pace;
    return { signal, clock, random, skew, emit, current: this.token, rejected: this.#rejected, lastError, failures };
  }

  async #attempt(): Promise<Token> {
    const context = this.#context();
    this.#pace.begin();
    try {
      context.signal.throwIfAborted();
      const token = await this.#source.request(context);
      context.signal.throwIfAborted();
      this.#accept(token);
      return token;
    } catch (error) {
      throw this.#fail(toTokenError(error));
    }
  }

  /** Looks for a token. Errors are ignored: they come again, and are reported, when a request is made. */
  async #look(): Promise<void> {
    this.#lookedAt = monotonicOf(this.#ports.clock);
    const { signal } = this.#closed;
    const token = await this.#source.look?.(this.#context()).catch(() => undefined);
    if (token === undefined || signal.aborted || token.statusAt(this.#ports.clock.now()) === "expired") return;
    this.#accept(token);
  }

  #accept(token: Token): void {
    const { clock, random, jitter, emit } = this.#ports;
    const wallAt = clock.now();
    if (token.statusAt(wallAt) === "expired")
      throw new TokenError("token_expired", "The source answered with an expired token");
    this.#compareWithRefused(token);
    const freshMs = token.staleAt - token.issuedAt;
    const earlyMs = jitter({ freshMs, previousMs: this.#jitterMs, random });
    this.#jitterMs = earlyMs > 0 ? Math.min(freshMs / 2, earlyMs) : 0;
    const refreshAt = token.staleAt - this.#jitterMs;
    this.#held = { token, wallAt, monotonicAt: monotonicOf(clock), refreshAt };
    this.#settled = Promise.resolve(token);
    this.#announced = "fresh";
    this.#pace.succeed(wallAt >= refreshAt);
    emit({ type: "refreshed", key: this.key, staleAt: token.staleAt, expiresAt: token.expiresAt });
  }

  /** A refused token that the issuer gives again is held again: the issuer decides, not one resource server. */
  #compareWithRefused(token: Token): void {
    if (!this.#rejected?.equals(token.accessToken)) {
      this.#confirmed = { times: 0, until: Number.NEGATIVE_INFINITY };
      return;
    }
    const times = this.#confirmed.times + 1;
    const trustMs = Math.min(MAX_TRUST_MS, 1_000 * 2 ** times);
    this.#confirmed = { times, until: monotonicOf(this.#ports.clock) + trustMs };
  }

  #fail(error: TokenError): TokenError {
    if (this.#closed.signal.aborted) return error;
    const retryInMs = this.#pace.fail(error, this.#held?.token.untilExpired(this.now()));
    const event = { type: "refresh_failed", key: this.key, error, failures: this.#pace.failures } as const;
    this.#ports.emit(retryInMs === undefined ? event : { ...event, retryInMs });
    return error;
  }
}

import { acquire, type GetTokenOptions, type TokenProvider } from "./acquire.ts";
import { keepingProcessAlive } from "./deadline.ts";
import { TokenError } from "./errors.ts";
import { type TokenEventListener, type TokenEventSource, TokenEvents, type TokenEventType } from "./events.ts";
import { type KeeperOptions, keeperPorts } from "./keeper-options.ts";
import { type KeeperPorts, ManagedToken, type TokenHealth } from "./managed-token.ts";
import { Scheduler } from "./scheduler.ts";
import { type TokenSource, tokenKey } from "./source.ts";
import type { Token } from "./token.ts";

/** Options of {@link TokenWatcher.start}: how long to wait for the first token. */
export interface WatcherStartOptions extends KeeperOptions, GetTokenOptions {}

/**
 * Keeps one token fresh in the background.
 *
 * @example
 * ```ts run
 * import { constantSource, TokenWatcher } from "@countersign/token-keeper";
 * await using watcher = await TokenWatcher.start(constantSource({ accessToken: "abc" }));
 * console.log(watcher.token().authorization()); // Bearer abc
 * ```
 */
export class TokenWatcher implements TokenProvider, TokenEventSource, AsyncDisposable {
  readonly #events = new TokenEvents();
  readonly #ports: KeeperPorts;
  readonly #managed: ManagedToken;
  readonly #scheduler: Scheduler;
  #closed = false;
  #seen: Token | undefined;
  #next = deferred();

  /**
   * Starts at once and in the background; {@link TokenWatcher.start} also waits for the first token.
   * @throws RangeError when a span is negative or no number.
   */
  constructor(source: TokenSource, options: KeeperOptions = {}) {
    this.#ports = keeperPorts(options, this.#events, () => this.#changed());
    this.#managed = new ManagedToken(source, this.#ports);
    this.#scheduler = new Scheduler({ ...this.#ports, wanted: () => true });
    this.#scheduler.add(this.#managed);
  }

  /**
   * A watcher that has its first token. Errors that a retry can mend are retried until the deadline.
   * @throws TokenError the terminal error, or the last one at the deadline; the watcher is closed then.
   */
  static async start(source: TokenSource, options: WatcherStartOptions = {}): Promise<TokenWatcher> {
    const watcher = new TokenWatcher(source, options);
    try {
      await watcher.getToken(options);
      return watcher;
    } catch (error) {
      watcher.close();
      throw error;
    }
  }

  /**
   * The token held, without waiting.
   * @throws TokenError the last error (or `deadline_exceeded` before the first attempt ended) when there is none, or it
   * has expired; with `allowExpired` the expired token is returned.
   */
  token(options: { readonly allowExpired?: boolean } = {}): Token {
    const { token } = this.#managed;
    if (token !== undefined && (this.#managed.status() !== "expired" || options.allowExpired)) return token;
    throw this.#managed.lastError ?? new TokenError("deadline_exceeded", "No usable token is held yet");
  }

  /** A usable token, as {@link TokenProvider.getToken} has it. @throws TokenError `closed` after {@link close}. */
  getToken(options: GetTokenOptions = {}): Promise<Token> {
    if (this.#closed) return Promise.reject(closedError());
    return this.#managed.hit() ?? acquire(this.#managed, this.#ports.clock, options);
  }

  /** As {@link TokenProvider.invalidate}: another token is asked for at the next call. */
  invalidate(token: Token): boolean {
    return this.#managed.invalidate(token);
  }

  /**
   * Newer credentials for the same token: used from the next attempt on, which is made at once after a terminal error.
   * @throws TypeError when the source is of another token.
   */
  set source(source: TokenSource) {
    if (tokenKey(source.identity) !== this.#managed.key)
      throw new TypeError("Cannot use a source of another token: give one of the same identity, or make a new watcher");
    this.#managed.source = source;
    this.#scheduler.wake(this.#managed);
  }

  /** Asks the source now, after a terminal error too. Calls share the request under way. */
  refresh(): Promise<Token> {
    if (this.#closed) return Promise.reject(closedError());
    this.#managed.unblock();
    return this.#managed.refresh();
  }

  /**
   * The next token after `since`, or after the one held now. Who waits here keeps the process alive.
   * @throws TokenError the terminal error, or `closed`. @throws the signal's reason.
   */
  async changed(options: { readonly since?: Token | undefined; readonly signal?: AbortSignal } = {}): Promise<Token> {
    const since = "since" in options ? options.since : this.#managed.token;
    for (;;) {
      options.signal?.throwIfAborted();
      if (this.#closed) throw closedError();
      const { token, terminalError } = this.#managed;
      if (token !== undefined && token !== since) return token;
      if (terminalError !== undefined) throw terminalError;
      await keepingProcessAlive(this.#ports.clock, unlessAborted(this.#next.promise, options.signal));
    }
  }

  /** The token held and every later one; tokens missed meanwhile are skipped. Ends on close, throws on a terminal error. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Token, void, undefined> {
    let since: Token | undefined;
    while (!this.#closed) {
      try {
        since = await this.changed({ since });
      } catch (error) {
        if (this.#closed) return;
        throw error;
      }
      yield since;
    }
  }

  /** Calls a listener for each event of a type, or for all with `"*"`. @returns what takes it off again. */
  on<T extends TokenEventType>(type: T, listener: TokenEventListener<T>): () => void;
  on(type: "*", listener: TokenEventListener): () => void;
  on(type: TokenEventType | "*", listener: TokenEventListener): () => void {
    return this.#events.on(type, listener);
  }

  /** The state of the token, for a health endpoint: holds no secret. */
  health(): TokenHealth {
    return this.#managed.health();
  }

  /** Stops the refreshing; what waits is told `closed`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#scheduler.close();
    this.#managed.close();
    this.#next.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Wakes the timer, and the callers of `changed` when there is a new token or a terminal error. */
  #changed(): void {
    this.#scheduler.wake(this.#managed);
    const { token, terminalError } = this.#managed;
    if (token === this.#seen && terminalError === undefined) return;
    this.#seen = token;
    const waiting = this.#next;
    this.#next = deferred();
    waiting.resolve();
  }
}

function closedError(): TokenError {
  return new TokenError("closed", "The watcher is closed");
}

/** Node 20 has no `Promise.withResolvers`. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    void work.then(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
  });
}

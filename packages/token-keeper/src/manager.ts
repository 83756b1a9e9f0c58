import { acquire, type GetTokenOptions, type TokenProvider } from "./acquire.ts";
import { TokenError } from "./errors.ts";
import { type TokenEventListener, type TokenEventSource, TokenEvents, type TokenEventType } from "./events.ts";
import { type KeeperOptions, keeperPorts } from "./keeper-options.ts";
import { type KeeperPorts, ManagedToken, type TokenHealth } from "./managed-token.ts";
import { Scheduler } from "./scheduler.ts";
import { type TokenSource, tokenKey } from "./source.ts";
import { type CachedSourceOptions, cachedSource } from "./sources/cached.ts";
import type { Token } from "./token.ts";

/** Options of {@link TokenManager}. */
export interface TokenManagerOptions extends KeeperOptions, Partial<CachedSourceOptions> {
  /** How many tokens are kept; the one used longest ago leaves first. @default 1000 */
  readonly maxTokens?: number;
  /**
   * Refresh in the background by a timer what was used since its last refresh. Without timers, for serverless functions,
   * refreshes start only behind calls: give `waitUntil` with each. @default true
   */
  readonly timers?: boolean;
}

/** What a manager tells about itself. */
export interface ManagerHealth {
  /** No token is expired, and none has met a terminal error. */
  readonly healthy: boolean;
  /** The state of each token that is kept. */
  readonly tokens: readonly TokenHealth[];
}

/**
 * Hands out many tokens, each with one refresh at a time: in the process, and with a leasing cache in the whole fleet.
 *
 * @example
 * ```ts run
 * import { constantSource, TokenManager } from "@countersign/token-keeper";
 * await using manager = new TokenManager();
 * const source = constantSource({ accessToken: "abc" });
 * const token = await manager.getToken(source);
 * console.log(token.authorization()); // Bearer abc
 * ```
 */
export class TokenManager implements TokenEventSource, AsyncDisposable {
  readonly #events = new TokenEvents();
  readonly #options: TokenManagerOptions;
  readonly #ports: KeeperPorts;
  readonly #tokens = new Map<string, ManagedToken>();
  /** Evicted while callers waited for them. */
  readonly #evicted = new Set<ManagedToken>();
  readonly #bySource = new WeakMap<TokenSource, ManagedToken>();
  readonly #scheduler: Scheduler | undefined;
  readonly #refreshedAt = new WeakMap<ManagedToken, number>();
  #uses = 0;
  #closed = false;

  /** @throws RangeError when `maxTokens` is below 1, or a span is negative or no number. */
  constructor(options: TokenManagerOptions = {}) {
    if (!((options.maxTokens ?? 1000) >= 1))
      throw new RangeError(`Cannot keep fewer than one token: ${options.maxTokens}; give a maxTokens of 1 or more`);
    this.#options = options;
    this.#ports = keeperPorts(options, this.#events, (managed) => this.#changed(managed));
    if (options.timers ?? true)
      this.#scheduler = new Scheduler({ ...this.#ports, wanted: (managed) => this.#usedSinceRefresh(managed) });
  }

  /**
   * A usable token of a source. Sources with equal identities share one token; the newest source's credentials serve
   * from the next refresh on.
   * @throws TokenError as {@link TokenProvider.getToken}.
   */
  getToken(source: TokenSource, options: GetTokenOptions = {}): Promise<Token> {
    if (this.#closed) return Promise.reject(new TokenError("closed", "The manager is closed"));
    const known = this.#bySource.get(source);
    const managed = known !== undefined && this.#tokens.get(known.key) === known ? known : this.#managedFor(source);
    managed.usedAt = ++this.#uses;
    return managed.hit() ?? acquire(managed, this.#ports.clock, options);
  }

  /** Tells that a resource server refused this token of a source; true when it was the one held. */
  invalidate(source: TokenSource, token: Token): boolean {
    return this.#tokens.get(tokenKey(source.identity))?.invalidate(token) ?? false;
  }

  /** One token of this manager, as `authorizedFetch` takes it. */
  provider(source: TokenSource): TokenProvider {
    return {
      getToken: (options) => this.getToken(source, options),
      invalidate: (token) => this.invalidate(source, token),
    };
  }

  /** Calls a listener for each event of a type, or for all with `"*"`. @returns what takes it off again. */
  on<T extends TokenEventType>(type: T, listener: TokenEventListener<T>): () => void;
  on(type: "*", listener: TokenEventListener): () => void;
  on(type: TokenEventType | "*", listener: TokenEventListener): () => void {
    return this.#events.on(type, listener);
  }

  /** The state of every token, for a health endpoint: holds no secret. */
  health(): ManagerHealth {
    const tokens = [...this.#tokens.values()].map((managed) => managed.health());
    const healthy = tokens.every(({ status, lastError }) => status !== "expired" && lastError?.retryable !== false);
    return { healthy, tokens };
  }

  /** Stops the refreshing; what waits is told `closed`. */
  close(): void {
    this.#closed = true;
    this.#scheduler?.close();
    for (const managed of [...this.#tokens.values(), ...this.#evicted]) managed.close();
    this.#tokens.clear();
    this.#evicted.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #managedFor(source: TokenSource): ManagedToken {
    const layered = this.#layered(source);
    const managed = this.#tokens.get(tokenKey(source.identity)) ?? new ManagedToken(layered, this.#ports);
    managed.source = layered;
    this.#bySource.set(source, managed);
    if (!this.#tokens.has(managed.key)) {
      this.#tokens.set(managed.key, managed);
      this.#evict(managed);
    }
    return managed;
  }

  #layered(source: TokenSource): TokenSource {
    const { caches = [] } = this.#options;
    return caches.length === 0 ? source : cachedSource(source, { ...this.#options, caches });
  }

  /** The token used longest ago leaves; callers that wait on it get their token still. */
  #evict(newest: ManagedToken): void {
    if (this.#tokens.size <= (this.#options.maxTokens ?? 1000)) return;
    let oldest: ManagedToken | undefined;
    for (const managed of this.#tokens.values())
      if (managed !== newest && (oldest === undefined || managed.usedAt < oldest.usedAt)) oldest = managed;
    if (oldest === undefined) return;
    this.#tokens.delete(oldest.key);
    this.#scheduler?.delete(oldest);
    for (const managed of this.#evicted) if (managed.waiters === 0) this.#evicted.delete(managed);
    if (oldest.waiters > 0) this.#evicted.add(oldest);
    this.#ports.emit({ type: "evicted", key: oldest.key });
  }

  #changed(managed: ManagedToken): void {
    if (managed.token !== undefined) this.#refreshedAt.set(managed, this.#uses);
    if (this.#scheduler === undefined || this.#tokens.get(managed.key) !== managed) return;
    this.#scheduler.add(managed);
  }

  #usedSinceRefresh(managed: ManagedToken): boolean {
    return managed.usedAt > (this.#refreshedAt.get(managed) ?? 0);
  }
}

import { acquire, type GetTokenOptions } from "./acquire.ts";
import { TokenError } from "./errors.ts";
import { type TokenEventListener, type TokenEventSource, TokenEvents, type TokenEventType } from "./events.ts";
import { type KeeperOptions, slotPorts } from "./keeper-options.ts";
import { tokenKey } from "./key.ts";
import type { TokenProvider } from "./provider.ts";
import { Scheduler } from "./scheduler.ts";
import { type SlotHealth, type SlotPorts, TokenSlot } from "./slot.ts";
import type { TokenSource } from "./source.ts";
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
  readonly tokens: readonly SlotHealth[];
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
  readonly #ports: SlotPorts;
  readonly #slots = new Map<string, TokenSlot>();
  /** Evicted while somebody waited for them. */
  readonly #leaving = new Set<TokenSlot>();
  readonly #bySource = new WeakMap<TokenSource, TokenSlot>();
  readonly #scheduler: Scheduler | undefined;
  readonly #refreshedAt = new WeakMap<TokenSlot, number>();
  #uses = 0;
  #closed = false;

  /** @throws RangeError when `maxTokens` is below 1, or a span is negative or no number. */
  constructor(options: TokenManagerOptions = {}) {
    if (!((options.maxTokens ?? 1000) >= 1))
      throw new RangeError(`Cannot keep fewer than one token: ${options.maxTokens}`);
    this.#options = options;
    this.#ports = slotPorts(options, this.#events, (slot) => this.#changed(slot));
    if (options.timers ?? true)
      this.#scheduler = new Scheduler({ ...this.#ports, wanted: (slot) => this.#usedSinceRefresh(slot) });
  }

  /**
   * A usable token of a source. Sources with equal identities share one token; the newest source's credentials serve
   * from the next refresh on.
   * @throws TokenError as {@link TokenProvider.getToken}.
   */
  getToken(source: TokenSource, options: GetTokenOptions = {}): Promise<Token> {
    if (this.#closed) return Promise.reject(new TokenError("closed", "The manager is closed"));
    const known = this.#bySource.get(source);
    const slot = known !== undefined && this.#slots.get(known.key) === known ? known : this.#slotOf(source);
    slot.usedAt = ++this.#uses;
    return slot.hit() ?? acquire(slot, this.#ports.clock, options);
  }

  /** Tells that a resource server refused this token of a source; true when it was the one held. */
  invalidate(source: TokenSource, token: Token): boolean {
    return this.#slots.get(tokenKey(source.identity))?.invalidate(token) ?? false;
  }

  /** One token of this manager, as `authorizedFetch` takes it. */
  provider(source: TokenSource): TokenProvider {
    return {
      getToken: (options) => this.getToken(source, options),
      invalidate: (token) => this.invalidate(source, token),
    };
  }

  on<T extends TokenEventType>(type: T, listener: TokenEventListener<T>): () => void;
  on(type: "*", listener: TokenEventListener): () => void;
  on(type: TokenEventType | "*", listener: TokenEventListener): () => void {
    return this.#events.on(type, listener);
  }

  health(): ManagerHealth {
    const tokens = [...this.#slots.values()].map((slot) => slot.health());
    const healthy = tokens.every(({ status, lastError }) => status !== "expired" && lastError?.retryable !== false);
    return { healthy, tokens };
  }

  /** Stops the refreshing; what waits is told `closed`. */
  close(): void {
    this.#closed = true;
    this.#scheduler?.close();
    for (const slot of [...this.#slots.values(), ...this.#leaving]) slot.close();
    this.#slots.clear();
    this.#leaving.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #slotOf(source: TokenSource): TokenSlot {
    const layered = this.#layered(source);
    const slot = this.#slots.get(tokenKey(source.identity)) ?? new TokenSlot(layered, this.#ports);
    slot.source = layered;
    this.#bySource.set(source, slot);
    if (!this.#slots.has(slot.key)) {
      this.#slots.set(slot.key, slot);
      this.#evict(slot);
    }
    return slot;
  }

  #layered(source: TokenSource): TokenSource {
    const { caches = [] } = this.#options;
    return caches.length === 0 ? source : cachedSource(source, { ...this.#options, caches });
  }

  /** The slot used longest ago leaves; callers that wait on it get their token still. */
  #evict(newest: TokenSlot): void {
    if (this.#slots.size <= (this.#options.maxTokens ?? 1000)) return;
    let oldest: TokenSlot | undefined;
    for (const slot of this.#slots.values())
      if (slot !== newest && (oldest === undefined || slot.usedAt < oldest.usedAt)) oldest = slot;
    if (oldest === undefined) return;
    this.#slots.delete(oldest.key);
    this.#scheduler?.delete(oldest);
    for (const slot of this.#leaving) if (slot.waiters === 0) this.#leaving.delete(slot);
    if (oldest.waiters > 0) this.#leaving.add(oldest);
    this.#ports.emit({ type: "evicted", key: oldest.key });
  }

  #changed(slot: TokenSlot): void {
    if (slot.token !== undefined) this.#refreshedAt.set(slot, this.#uses);
    if (this.#scheduler === undefined || this.#slots.get(slot.key) !== slot) return;
    this.#scheduler.add(slot);
  }

  #usedSinceRefresh(slot: TokenSlot): boolean {
    return slot.usedAt > (this.#refreshedAt.get(slot) ?? 0);
  }
}

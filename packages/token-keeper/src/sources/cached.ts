import { type Backoff, exponentialBackoff } from "../backoff.ts";
import type { TokenCache } from "../cache.ts";
import { CoolDown } from "../cool-down.ts";
import { toTokenError } from "../errors.ts";
import { GuardedCache } from "../guarded-cache.ts";
import { waitForLease } from "../lease.ts";
import { readRecord, type TokenRecord, writeRecord } from "../record.ts";
import { type SourceContext, type TokenSource, tokenKey } from "../source.ts";
import { Token } from "../token.ts";

/** One layer of caches. */
export interface CacheLayer {
  /** The cache of this layer. */
  readonly cache: TokenCache;
  /** A token from here has at least this much left. @default 60000, or half of the lifetime where that is less */
  readonly minimumValidityMs?: number;
}

/** Options of {@link cachedSource}. */
export interface CachedSourceOptions {
  /** Nearest first. The last one that grants leases keeps the fleet down to one request. */
  readonly caches: readonly (TokenCache | CacheLayer)[];
  /** How long a lease lasts that is not released, in milliseconds. @default 30000 */
  readonly leaseMs?: number;
  /** For one operation of a cache. @default 1000 */
  readonly cacheTimeoutMs?: number;
  /** How long the fleet leaves the server proceedWithout after an error. @default exponentialBackoff() */
  readonly backoff?: Backoff;
}

/** An entry written by a clock further ahead than this is not believed. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Looks into caches before it asks a source. A miss takes a lease, looks again, asks, and publishes to every layer before
 * it answers; who does not get the lease waits for the winner's token. A hit fills the nearer layers. Errors of caches are
 * events and never fatal.
 *
 * @example
 * ```ts run
 * import { cachedSource, constantSource, memoryCache, tokenKey, TokenWatcher } from "@countersign/token-keeper";
 * const cache = memoryCache();
 * const source = cachedSource(constantSource({ accessToken: "abc" }), { caches: [cache] });
 * await using watcher = await TokenWatcher.start(source);
 * console.log((await cache.get(tokenKey(source.identity)))?.includes("abc")); // true
 * ```
 */
export function cachedSource(source: TokenSource, options: CachedSourceOptions): TokenSource {
  const layered = new LayeredSource(source, options);
  return {
    identity: source.identity,
    request: (context) => layered.request(context),
    look: (context) => layered.look(context),
  };
}

interface Layer {
  readonly cache: GuardedCache;
  readonly minimumValidityMs: number | undefined;
}

class LayeredSource {
  readonly #source: TokenSource;
  readonly #key: string;
  readonly #layers: readonly Layer[];
  /** The last layer that grants leases: the one most widely shared. */
  readonly #leasing: GuardedCache | undefined;
  readonly #coolDown: CoolDown | undefined;
  readonly #leaseMs: number;

  constructor(source: TokenSource, options: CachedSourceOptions) {
    const { cacheTimeoutMs = 1_000, backoff = exponentialBackoff(), leaseMs = 30_000 } = options;
    this.#source = source;
    this.#key = tokenKey(source.identity);
    this.#layers = options.caches.map((given) => {
      const { cache, minimumValidityMs }: CacheLayer = "cache" in given ? given : { cache: given };
      return { cache: new GuardedCache(cache, cacheTimeoutMs), minimumValidityMs };
    });
    this.#leasing = this.#layers.findLast(({ cache }) => cache.leases)?.cache;
    this.#coolDown = this.#leasing && new CoolDown(this.#leasing, this.#key, backoff);
    this.#leaseMs = leaseMs;
  }

  async request(context: SourceContext): Promise<Token> {
    const hit = await this.#look(context);
    if (hit !== undefined) return hit;
    const cache = this.#leasing;
    if (cache === undefined) return this.#ask(context);
    const alternative = () => this.#look(context);
    // A holder that cannot reach the server must not hold up the processes that can.
    const proceedWithout = async () => (await this.#coolDown?.isOthersNetwork(context)) ?? false;
    const wanted = { cache, key: this.#key, ttlMs: this.#leaseMs, alternative, proceedWithout };
    const { lease, instead } = await waitForLease(context, wanted);
    if (instead !== undefined) return instead;
    try {
      // Whoever had the lease before us has published since we looked.
      return (await this.#look(context)) ?? (await this.#ask(context));
    } finally {
      if (lease !== undefined) await cache.release(context, lease);
    }
  }

  /** A token that other processes got, or one that the source itself found. */
  async look(context: SourceContext): Promise<Token | undefined> {
    const hit = await this.#look(context);
    if (hit !== undefined) return hit;
    const token = await this.#source.look?.(context);
    if (token !== undefined) await this.#publishAll(token, context);
    return token;
  }

  async #ask(context: SourceContext): Promise<Token> {
    const wasPaused = (await this.#coolDown?.check(context)) ?? false;
    let token: Token;
    try {
      token = await this.#source.request(context);
    } catch (error) {
      const known = toTokenError(error);
      const paused = (await this.#coolDown?.begin(known, context)) ?? known;
      throw paused === known ? error : paused;
    }
    await this.#publishAll(token, context);
    if (wasPaused) await this.#coolDown?.end(context);
    return token;
  }

  async #publishAll(token: Token, context: SourceContext): Promise<void> {
    const skewMs = context.skew.get(this.#source.identity.issuer);
    await this.#publish({ token, skewMs }, context, this.#layers.length);
  }

  /** The first layer's acceptable token; the layers before it get a copy. */
  async #look(context: SourceContext): Promise<Token | undefined> {
    for (const [index, layer] of this.#layers.entries()) {
      const { value } = await layer.cache.get(context, this.#key);
      const record = value === undefined ? undefined : readRecord(this.#key, value);
      const token = record && this.#anchor(record, context);
      if (record === undefined || token === undefined || !acceptable(token, layer, context)) continue;
      context.emit({ type: "adopted", key: this.#key, cache: layer.cache.name });
      await this.#publish(record, context, index);
      return token;
    }
    return undefined;
  }

  /** Writes to the layers before `end`, the most widely shared first, as most processes look there. */
  async #publish(record: TokenRecord, context: SourceContext, end: number): Promise<void> {
    const text = writeRecord(this.#key, record);
    for (const { cache } of this.#layers.slice(0, end).reverse())
      await cache.set(context, this.#key, text, record.token.expiresAt);
  }

  /** An entry in terms of our own clock, where both the writer and we know how far ours is off the server's. */
  #anchor({ token, skewMs }: TokenRecord, { skew, clock }: SourceContext): Token | undefined {
    const ours = skew.get(this.#source.identity.issuer);
    const shiftMs = ours === undefined || skewMs === undefined ? 0 : skewMs - ours;
    const now = clock.now();
    const issuedAt = token.issuedAt + shiftMs;
    if (issuedAt > now + CLOCK_TOLERANCE_MS) return undefined;
    // Never more left than a new token would have.
    const backMs = shiftMs - Math.max(0, issuedAt - now);
    if (backMs === 0) return token;
    return new Token({
      accessToken: token.accessToken.reveal(),
      idToken: token.idToken?.reveal(),
      tokenType: token.tokenType,
      scope: token.scope,
      extra: token.extra,
      issuedAt: token.issuedAt + backMs,
      staleAt: token.staleAt + backMs,
      expiresAt: token.expiresAt + backMs,
    });
  }
}

function acceptable(token: Token, layer: Layer, { current, rejected, clock }: SourceContext): boolean {
  if (rejected?.equals(token.accessToken)) return false;
  const now = clock.now();
  const minimumMs = layer.minimumValidityMs ?? Math.min(60_000, token.lifetimeMs / 2);
  if (token.untilExpired(now) < minimumMs || token.statusAt(now) === "expired") return false;
  // At start a stale token will do, and is refreshed at once; to replace one, only a better one will.
  if (current === undefined || current.statusAt(now) === "expired") return true;
  return token.expiresAt > current.expiresAt && token.statusAt(now) === "fresh";
}

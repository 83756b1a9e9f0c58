import { type Backoff, exponentialBackoff } from "../backoff.ts";
import type { Lease, LeasingCache, TokenCache } from "../cache.ts";
import { CoolDown } from "../cool-down.ts";
import { toTokenError } from "../errors.ts";
import { guarded } from "../guarded.ts";
import { tokenKey } from "../key.ts";
import { leasingLayer, waitForLease } from "../lease.ts";
import { readRecord, type TokenRecord, writeRecord } from "../record.ts";
import type { SourceContext, TokenSource } from "../source.ts";
import { Token } from "../token.ts";

/** One layer of caches. */
export interface CacheLayer {
  readonly cache: TokenCache;
  /** A token from here has at least this much left. @default 60000, or half of the lifetime where that is less */
  readonly minimumValidityMs?: number;
}

/** Options of {@link cachedSource}. */
export interface CachedSourceOptions {
  /** Nearest first. The last one that grants leases keeps the fleet down to one request. */
  readonly caches: readonly (TokenCache | CacheLayer)[];
  /** After this a lease whose holder says nothing is taken over. @default 30000 */
  readonly leaseMs?: number;
  /** For one operation of a cache. @default 1000 */
  readonly cacheTimeoutMs?: number;
  /** How long the fleet leaves the server alone after an error. @default exponentialBackoff() */
  readonly backoff?: Backoff;
}

/** An entry written by a clock further ahead than this is not believed. */
const clockToleranceMs = 60_000;

/**
 * Looks into caches before it asks a source. A miss takes a lease, looks again, asks, and publishes to every layer before
 * it answers; who does not get the lease waits for the winner's token. A hit fills the nearer layers. Errors of caches are
 * events and never fatal.
 */
export function cachedSource(source: TokenSource, options: CachedSourceOptions): TokenSource {
  const layered = new LayeredSource(source, options);
  return { identity: source.identity, request: (context) => layered.request(context) };
}

class LayeredSource {
  readonly #source: TokenSource;
  readonly #key: string;
  readonly #layers: readonly CacheLayer[];
  readonly #leasing: LeasingCache | undefined;
  readonly #coolDown: CoolDown | undefined;
  readonly #leaseMs: number;
  readonly #timeoutMs: number;

  constructor(source: TokenSource, options: CachedSourceOptions) {
    this.#source = source;
    this.#key = tokenKey(source.identity);
    this.#layers = options.caches.map((layer) => ("cache" in layer ? layer : { cache: layer }));
    this.#leasing = leasingLayer(this.#layers.map(({ cache }) => cache));
    this.#leaseMs = options.leaseMs ?? 30_000;
    this.#timeoutMs = options.cacheTimeoutMs ?? 1_000;
    const backoff = options.backoff ?? exponentialBackoff();
    this.#coolDown = this.#leasing && new CoolDown(this.#leasing, this.#key, { backoff, timeoutMs: this.#timeoutMs });
  }

  async request(context: SourceContext): Promise<Token> {
    const hit = await this.#look(context);
    if (hit !== undefined) return hit;
    if (this.#leasing === undefined) return this.#ask(context);
    const limits = { ttlMs: this.#leaseMs, timeoutMs: this.#timeoutMs };
    const { lease, answer } = await waitForLease(this.#leasing, this.#key, context, limits, () => this.#look(context));
    return answer ?? this.#askUnder(lease, this.#leasing, context);
  }

  async #askUnder(lease: Lease | undefined, leasing: LeasingCache, context: SourceContext): Promise<Token> {
    try {
      // Whoever had the lease before us has published since we looked.
      return (await this.#look(context)) ?? (await this.#ask(context));
    } finally {
      if (lease !== undefined) await guarded(leasing, "lease", context, this.#timeoutMs, () => lease.release());
    }
  }

  async #ask(context: SourceContext): Promise<Token> {
    const failures = (await this.#coolDown?.check(context)) ?? 0;
    try {
      const token = await this.#source.request(context);
      await this.#publish(
        { token, skewMs: context.skew.get(this.#source.identity.issuer) },
        context,
        this.#layers.length,
      );
      if (failures > 0) await this.#coolDown?.end(context);
      return token;
    } catch (error) {
      await this.#coolDown?.start(toTokenError(error), failures + 1, context);
      throw error;
    }
  }

  /** The first layer's acceptable token; the layers before it get a copy. */
  async #look(context: SourceContext): Promise<Token | undefined> {
    for (const [index, layer] of this.#layers.entries()) {
      const { cache } = layer;
      const { value } = await guarded(cache, "get", context, this.#timeoutMs, () => cache.get(this.#key));
      const record = value === undefined ? undefined : readRecord(this.#key, value);
      const token = record && this.#anchor(record, context);
      if (record === undefined || token === undefined || !acceptable(token, layer, context)) continue;
      context.emit({ type: "adopted", key: this.#key, cache: cache.name });
      await this.#publish(record, context, index);
      return token;
    }
    return undefined;
  }

  /** Writes to the layers before `end`, farthest first: who looks there finds it soonest. */
  async #publish(record: TokenRecord, context: SourceContext, end: number): Promise<void> {
    const text = writeRecord(this.#key, record);
    for (const { cache } of this.#layers.slice(0, end).reverse())
      await guarded(cache, "set", context, this.#timeoutMs, () => cache.set(this.#key, text, record.token.expiresAt));
  }

  /** An entry in terms of our own clock, where both the writer and we know how far ours is off the server's. */
  #anchor({ token, skewMs }: TokenRecord, { skew, clock }: SourceContext): Token | undefined {
    const ours = skew.get(this.#source.identity.issuer);
    const shiftMs = ours === undefined || skewMs === undefined ? 0 : skewMs - ours;
    const now = clock.now();
    const issuedAt = token.issuedAt + shiftMs;
    if (issuedAt > now + clockToleranceMs) return undefined;
    // Never more left than a new token would have.
    const backMs = shiftMs - Math.max(0, issuedAt - now);
    if (backMs === 0) return token;
    return new Token({
      accessToken: token.accessToken.reveal(),
      idToken: token.idToken?.reveal(),
      tokenType: token.tokenType,
      scope: token.scope,
      issuedAt: token.issuedAt + backMs,
      staleAt: token.staleAt + backMs,
      expiresAt: token.expiresAt + backMs,
    });
  }
}

function acceptable(token: Token, layer: CacheLayer, { current, rejected, clock }: SourceContext): boolean {
  if (rejected?.equals(token.accessToken)) return false;
  const now = clock.now();
  const minimumMs = layer.minimumValidityMs ?? Math.min(60_000, token.lifetimeMs / 2);
  if (token.untilExpired(now) < minimumMs || token.statusAt(now) === "expired") return false;
  // At start a stale token will do, and is refreshed at once; to replace one, only a better one will.
  if (current === undefined || current.statusAt(now) === "expired") return true;
  return token.expiresAt > current.expiresAt && token.statusAt(now) === "fresh";
}

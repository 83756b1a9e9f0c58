import type { Collateral } from "../dcap/collateral.ts";
import type { CollateralSource } from "../evidence/appraise.ts";
import { requestOf } from "./pcs.ts";

/** How collateral is kept. */
export interface CollateralCacheOptions {
  /** The time, in milliseconds since 1970. */
  readonly clock: { now(): number };
  /** How old collateral may be before it is fetched anew, in milliseconds. @default 14400000, four hours */
  readonly maxAgeMs?: number | undefined;
  /** How long after a failure nothing is fetched, in milliseconds. @default 30000 */
  readonly coolDownMs?: number | undefined;
  /** How many families of platforms are kept. @default 64 */
  readonly maxEntries?: number | undefined;
}

interface Entry {
  collateral: Collateral | undefined;
  fetchedAt: number;
  failedAt: number | undefined;
  failure: unknown;
  pending: Promise<Collateral> | undefined;
}

/** Clocks step both ways: what lies in the future was not a moment ago. */
const isWithin = (now: number, at: number, span: number): boolean => now >= at && now - at < span;

class CollateralCache implements CollateralSource {
  readonly #source: CollateralSource;
  readonly #options: CollateralCacheOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(source: CollateralSource, options: CollateralCacheOptions) {
    this.#source = source;
    this.#options = options;
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size >= (this.#options.maxEntries ?? 64)) this.#entries.delete(oldest);
    const entry = { collateral: undefined, fetchedAt: 0, failedAt: undefined, failure: undefined, pending: undefined };
    this.#entries.set(key, entry);
    return entry;
  }

  async #fetch(entry: Entry, quote: Uint8Array): Promise<Collateral> {
    try {
      entry.collateral = await this.#source.collateralFor(quote);
      entry.fetchedAt = this.#options.clock.now();
      entry.failedAt = undefined;
      return entry.collateral;
    } catch (error) {
      entry.failedAt = this.#options.clock.now();
      entry.failure = error;
      // What was fetched before is signed with its own end: the verifier refuses it from then on.
      if (entry.collateral !== undefined) return entry.collateral;
      throw error;
    } finally {
      entry.pending = undefined;
    }
  }

  async collateralFor(quote: Uint8Array): Promise<Collateral> {
    const { tee, fmspc, ca } = requestOf(quote);
    const entry = this.#entry(`${tee}/${fmspc}/${ca}`);
    const { clock, maxAgeMs = 14_400_000, coolDownMs = 30_000 } = this.#options;
    const now = clock.now();
    const { collateral, fetchedAt, failedAt, failure } = entry;
    if (collateral !== undefined && isWithin(now, fetchedAt, maxAgeMs)) return collateral;
    if (failedAt !== undefined && isWithin(now, failedAt, coolDownMs)) {
      if (collateral !== undefined) return collateral;
      throw failure;
    }
    entry.pending ??= this.#fetch(entry, quote);
    return entry.pending;
  }
}

/** Keeps what a source gives: one fetch at a time, none after a failure for a while, and the old as long as it is good. */
export const cacheCollateral = (source: CollateralSource, options: CollateralCacheOptions): CollateralSource =>
  new CollateralCache(source, options);

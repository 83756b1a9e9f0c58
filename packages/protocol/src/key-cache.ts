import type { Clock } from "./clock.ts";
import { defined } from "./defined.ts";
import { type Fetch, type FetchedKeys, fetchKeys } from "./fetch-keys.ts";
import type { KeyImportOptions, VerificationKey } from "./jwk.ts";
import { type KeyHint, type KeySet, type KeySource, lookUp, type RefusedKey } from "./jwks.ts";
import { TokenRefused } from "./refusal.ts";

/** What a key cache tells of. */
export type KeyCacheEvent =
  | { readonly type: "fetched"; readonly keys: number; readonly refused: readonly RefusedKey[] }
  | { readonly type: "failed"; readonly error: unknown };

/** How a {@link KeyCache} fetches and for how long it believes. */
export interface KeyCacheOptions extends KeyImportOptions {
  /** By which sets grow old, and by which it waits. */
  readonly clock: Clock;
  /** @default the platform's fetch */
  readonly fetch?: Fetch;
  /**
   * With keys at hand no two fetches are closer than this, `refresh` excepted; without any, the pause between them begins
   * at a second and doubles up to this. @default 30000
   */
  readonly coolDownMs?: number;
  /** How long a set is fresh when the response does not say (Cache-Control), and at most. @default 600000 */
  readonly maxAgeMs?: number;
  /** How long a set is still used when it cannot be fetched anew. @default 86400000 */
  readonly maxStaleMs?: number;
  /** How long a kid that a fresh set did not have causes no other fetch. @default 300000 */
  readonly missingKeyMs?: number;
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** @default 262144 */
  readonly maxBytes?: number;
  /** Let the keys come over plain HTTP from another machine, where anybody on the way can replace them. @default false */
  readonly allowPlainHttp?: boolean;
  /** What it throws is not heard. */
  readonly observe?: (event: KeyCacheEvent) => void;
}

interface Held {
  readonly set: KeySet;
  readonly etag: string | undefined;
  readonly fetchedAt: number;
  readonly fetchedMonotonic: number;
  readonly freshForMs: number;
}

const MAX_MISSING = 1000;
const FIRST_RETRY_MS = 1000;

/**
 * The keys of one issuer, fetched from one URL when they are needed and kept while they are fresh.
 *
 * Concurrent callers share one fetch. A kid that the set does not have causes a fetch, but never two within the
 * cool-down, however many tokens name however many kids. A failed fetch leaves the old keys in use until `maxStaleMs`;
 * a successful one replaces them all, so that a key that was withdrawn is gone.
 *
 * @example
 * ```ts
 * import { KeyCache, systemClock } from "@countersign/protocol";
 * const keys = new KeyCache("https://id.example.com/.well-known/jwks.json", { clock: systemClock });
 * keys.close();
 * ```
 */
export class KeyCache implements KeySource {
  readonly #url: string;
  readonly #options: Required<Omit<KeyCacheOptions, "allowPlainHttp" | "algorithms" | "rsaAlgorithm" | "uses">>;
  readonly #importing: KeyImportOptions;
  readonly #closing = new AbortController();
  readonly #missing = new Map<string, number>();
  #held: Held | undefined;
  #flight: Promise<void> | undefined;
  #attemptedMonotonic = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #lastError: unknown;

  /**
   * @throws {TypeError} when `url` is no https URL, http on a loopback host excepted.
   * @throws {RangeError} when a span or size is negative or not a number.
   */
  constructor(url: string, options: KeyCacheOptions) {
    const { allowPlainHttp = false, algorithms, rsaAlgorithm, uses } = options;
    checkUrl(url, allowPlainHttp);
    this.#url = url;
    this.#importing = {
      ...defined({ algorithms, rsaAlgorithm, uses }),
    };
    const { clock, fetch = globalThis.fetch, observe = () => {}, coolDownMs = 30_000, maxAgeMs = 600_000 } = options;
    const { maxStaleMs = 86_400_000, missingKeyMs = 300_000, timeoutMs = 5_000, maxBytes = 262_144 } = options;
    const amounts = { coolDownMs, maxAgeMs, maxStaleMs, missingKeyMs, timeoutMs, maxBytes };
    for (const [name, amount] of Object.entries(amounts)) {
      // Compared with NaN, no pause would be too short and no key too old.
      if (!(amount >= 0)) throw new RangeError(`Cannot cache keys with a ${name} that is not 0 or more: ${amount}`);
    }
    this.#options = { clock, fetch, observe, ...amounts };
  }

  /** The keys that may have made a signature with this header, fetched where none is known. */
  find(hint: KeyHint): readonly VerificationKey[] | Promise<readonly VerificationKey[]> {
    const held = this.#held;
    if (held !== undefined && this.#ageOf(held) < held.freshForMs) {
      const found = lookUp(held.set.keys, hint);
      if (typeof found !== "string") return found;
    }
    return this.#findSlowly(hint);
  }

  /**
   * Fetches the keys now, cool-down or not; for a start that wants to fail early.
   *
   * @throws {TokenRefused} `keys_unavailable`
   */
  async refresh(): Promise<void> {
    await this.#fetchOnce();
    if (this.#failures > 0) throw this.#unavailable();
  }

  /** Ends a fetch that is under way; from here on no key is found. */
  close(): void {
    this.#closing.abort(new Error("The key cache is closed"));
    this.#held = undefined;
  }

  async #findSlowly(hint: KeyHint): Promise<readonly VerificationKey[]> {
    await this.#renew();
    const found = this.#lookUp(hint);
    if (typeof found !== "string") return found;
    if (found !== "unknown_key" || !this.#mayFetchFor(hint.kid)) throw new TokenRefused(found);
    await this.#fetchOnce();
    const again = this.#lookUp(hint);
    if (typeof again !== "string") return again;
    if (this.#failures === 0) this.#rememberMissing(hint.kid);
    throw new TokenRefused(again);
  }

  #lookUp(hint: KeyHint) {
    const held = this.#held;
    if (held === undefined || this.#ageOf(held) >= this.#options.maxStaleMs) throw this.#unavailable();
    return lookUp(held.set.keys, hint);
  }

  /** Sees to it that the set is fresh. Waits for that, unless fetching failed last time and old keys are at hand. */
  async #renew(): Promise<void> {
    const held = this.#held;
    const age = held === undefined ? Number.POSITIVE_INFINITY : this.#ageOf(held);
    if (age < (held?.freshForMs ?? 0)) return;
    if (this.#flight === undefined && this.#isCoolingDown()) return;
    const fetched = this.#fetchOnce();
    if (this.#failures === 0 || age >= this.#options.maxStaleMs) await fetched;
  }

  /** One fetch for everybody who asks while it is under way. Does not reject: a failure is remembered instead. */
  #fetchOnce(): Promise<void> {
    this.#flight ??= this.#fetch().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #fetch(): Promise<void> {
    const { clock } = this.#options;
    this.#attemptedMonotonic = clock.monotonic();
    try {
      // Not every fetch looks at a signal that is aborted already.
      this.#closing.signal.throwIfAborted();
      const { keys, etag, cacheControl } = await this.#fetchInTime();
      const set = keys ?? this.#held?.set;
      if (set === undefined || this.#closing.signal.aborted) throw this.#closing.signal.reason;
      this.#held = {
        set,
        etag,
        fetchedAt: clock.now(),
        fetchedMonotonic: clock.monotonic(),
        freshForMs: this.#freshness(cacheControl),
      };
      this.#failures = 0;
      this.#tell({ type: "fetched", keys: set.keys.length, refused: set.refused });
    } catch (error) {
      this.#failures += 1;
      this.#lastError = error;
      this.#tell({ type: "failed", error });
    }
  }

  /** Who watches cannot turn a fetch into a failed one, nor end the process by a promise that nobody waits for. */
  #tell(event: KeyCacheEvent): void {
    const { observe } = this.#options;
    // What it answers is a promise where it is an async function, and its rejection would be nobody's.
    void (async () => observe(event))().catch(() => undefined);
  }

  /** The winner of a race with the clock; whatever the loser answers later is not looked at. */
  async #fetchInTime(): Promise<FetchedKeys> {
    const { clock, fetch, maxBytes, timeoutMs } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#closing.signal]);
    const late = clock.sleep(timeoutMs, signal).then(() => {
      throw new Error(`Cannot wait for the keys longer than ${timeoutMs} ms`);
    });
    const request = { url: this.#url, fetch, signal, maxBytes, etag: this.#held?.etag, importing: this.#importing };
    try {
      return await Promise.race([fetchKeys(request), late]);
    } finally {
      ended.abort(new Error("The fetch has ended"));
    }
  }

  /** RFC 9111 section 5.2.2: `max-age` is followed between the cool-down and our own limit. */
  #freshness(cacheControl: string): number {
    const { coolDownMs, maxAgeMs } = this.#options;
    if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return coolDownMs;
    const seconds = /\bmax-age\s*=\s*"?([0-9]{1,9})/i.exec(cacheControl)?.[1];
    if (seconds === undefined) return maxAgeMs;
    return Math.min(maxAgeMs, Math.max(coolDownMs, Number(seconds) * 1000));
  }

  /** By the clock that says more: the monotonic one stands still while a machine sleeps, the other can be set back. */
  #ageOf(held: Held): number {
    const { clock } = this.#options;
    return Math.max(clock.monotonic() - held.fetchedMonotonic, clock.now() - held.fetchedAt);
  }

  /** With keys at hand the pause is the whole cool-down; without any it begins at a second and doubles. */
  #isCoolingDown(): boolean {
    const { clock, coolDownMs } = this.#options;
    const pauseMs =
      this.#held === undefined ? Math.min(coolDownMs, FIRST_RETRY_MS * 2 ** (this.#failures - 1)) : coolDownMs;
    return clock.monotonic() - this.#attemptedMonotonic < pauseMs;
  }

  #mayFetchFor(kid: string | undefined): boolean {
    if (this.#flight !== undefined) return true;
    if (this.#isCoolingDown()) return false;
    const missingSince = kid === undefined ? undefined : this.#missing.get(kid);
    return missingSince === undefined || this.#options.clock.monotonic() - missingSince >= this.#options.missingKeyMs;
  }

  #rememberMissing(kid: string | undefined): void {
    if (kid === undefined) return;
    this.#missing.delete(kid);
    this.#missing.set(kid, this.#options.clock.monotonic());
    const [oldest] = this.#missing.keys();
    if (this.#missing.size > MAX_MISSING && oldest !== undefined) this.#missing.delete(oldest);
  }

  #unavailable(): TokenRefused {
    return new TokenRefused("keys_unavailable", { cause: this.#lastError });
  }
}

function checkUrl(url: string, allowPlainHttp: boolean): void {
  const { protocol, hostname } = new URL(url);
  const isLoopback = /^(?:localhost|127(?:\.[0-9]+){3}|\[::1\])$/.test(hostname);
  if (protocol === "https:" || (protocol === "http:" && (isLoopback || allowPlainHttp))) return;
  throw new TypeError(`Cannot fetch keys from a URL that is not https: ${protocol}//${hostname}`);
}

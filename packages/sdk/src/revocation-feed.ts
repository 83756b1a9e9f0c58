import {
  type Clock,
  CountersignError,
  type Fetch,
  importKeys,
  isJsonObject,
  type JsonValue,
  KeyCache,
  type KeySource,
  REVOCATION_FEED_TYPE,
  systemClock,
  verifyJwt,
} from "@countersign/protocol";
import type { RevokedIds } from "@countersign/protocol/capability";
import { fetchText } from "./fetch-text.ts";

/** What a reader of a feed of revocations knows. */
export interface RevocationFeedOptions {
  /** Where the authority publishes it: its issuer and `/.well-known/revocations`. */
  readonly url: string;
  /** Whose feed it is, compared byte for byte. */
  readonly issuer: string;
  /** The keys of the authority: the address of its JWK set, the set itself, or a source. */
  readonly keys: string | KeySource | { readonly keys: readonly object[] };
  /** How old what is known may be before it is read anew, in milliseconds. @default 30000 */
  readonly refreshAfterMs?: number | undefined;
  /** How old what is known may be to judge by it, in milliseconds. @default 300000 */
  readonly maxStaleMs?: number | undefined;
  /**
   * What becomes of tokens when what is known is older: `refuse` all with 503, or `accept` those that were not revoked as far as
   * is known. @default "refuse"
   */
  readonly whenStale?: "refuse" | "accept" | undefined;
  /** @default the clock of this machine */
  readonly clock?: Clock | undefined;
  /** @default the platform's */
  readonly fetch?: Fetch | undefined;
  /** Bytes of one answer at most. @default 1048576 */
  readonly maxBytes?: number | undefined;
  /** @default 5000 */
  readonly timeoutMs?: number | undefined;
}

/** What an authority has revoked, followed by whoever verifies its tokens offline. */
export interface RevocationFeed extends RevokedIds {
  /**
   * Whether a block was revoked.
   *
   * @throws {CountersignError} `temporarily_unavailable` where what is known is too old, and tokens are to be refused then.
   */
  has(revocationId: string): boolean;
  /**
   * Whether an access token was revoked, by its `jti`.
   *
   * @throws {CountersignError} as `has`.
   */
  hasToken(jti: string): boolean;
  /** Sees to it that what is known is young enough, as far as that can be had: to be awaited before a token is judged. */
  current(): Promise<void>;
  /**
   * Reads the feed now; for a start that wants to fail early.
   *
   * @throws {CountersignError} `temporarily_unavailable` when it cannot be read, with the cause.
   */
  refresh(): Promise<void>;
  /** When what is known was true, in milliseconds since the epoch; `undefined` before the first reading. */
  readonly knownAt: number | undefined;
  /** Ends a reading that is under way, and the use of the keys that were fetched. */
  close(): void;
}

/**
 * Follows the revocations of an authority: what was revoked since is read when it is needed, checked by its signature, type and
 * issuer, and added to what is known. What fails leaves what is known in use until it is too old.
 *
 * @throws {TypeError} when the URL is no https URL, http on a loopback host excepted; {RangeError} for spans that are none.
 * @example
 * ```ts
 * import { createRevocationFeed } from "@countersign/sdk";
 * const issuer = "https://id.example.com";
 * const revocations = createRevocationFeed({
 *   issuer,
 *   url: `${issuer}/.well-known/revocations`,
 *   keys: `${issuer}/.well-known/jwks.json`,
 * });
 * export const isRevoked = async (jti: string) => {
 *   await revocations.current();
 *   return revocations.hasToken(jti);
 * };
 * revocations.close();
 * ```
 */
export function createRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  return new Reader(options);
}

/** A part of the feed that was verified. */
interface FeedPart {
  readonly list: string;
  readonly since: number;
  readonly position: number;
  readonly more: boolean;
  readonly readAt: number;
  readonly entries: readonly (readonly [string, number])[];
}

interface Known {
  readonly list: string;
  readonly position: number;
  /** By kind and id, the seconds at which the tokens have expired. */
  readonly entries: ReadonlyMap<string, number>;
  readonly readAt: number;
  readonly fetchedMonotonic: number;
}

/** After a failure it is not tried again for so long. */
const RETRY_AFTER_MS = 5000;
/** A verifier whose clock is behind takes tokens for so long after they have expired. */
const MAX_SKEW = 300;
const MAX_PARTS = 10_000;

class Reader implements RevocationFeed {
  readonly #options: RevocationFeedOptions;
  readonly #clock: Clock;
  readonly #keys: KeySource;
  readonly #closing = new AbortController();
  #known: Known | undefined;
  #flight: Promise<void> | undefined;
  #failedMonotonic: number | undefined;
  #lastError: unknown;

  constructor(options: RevocationFeedOptions) {
    const { url, issuer, keys, clock = systemClock, fetch, refreshAfterMs = 30_000, maxStaleMs = 300_000 } = options;
    checkUrl(url);
    if (issuer === "") throw new TypeError("Cannot follow revocations without an issuer");
    for (const [name, span] of Object.entries({ refreshAfterMs, maxStaleMs })) {
      if (!(span >= 0)) throw new RangeError(`Cannot follow revocations with a ${name} that is not 0 or more: ${span}`);
    }
    this.#options = options;
    this.#clock = clock;
    this.#keys = sourceOf(keys, clock, fetch);
  }

  get knownAt(): number | undefined {
    return this.#known?.readAt;
  }

  has(revocationId: string): boolean {
    return this.#isRevoked(`block ${revocationId}`);
  }

  hasToken(jti: string): boolean {
    return this.#isRevoked(`jti ${jti}`);
  }

  async current(): Promise<void> {
    const { refreshAfterMs = 30_000 } = this.#options;
    const age = this.#age();
    if (age < refreshAfterMs || this.#isCoolingDown()) return;
    const reading = this.#readOnce();
    // What is known is good enough meanwhile, or nothing is.
    if (age >= this.#maxStaleMs()) await reading;
  }

  async refresh(): Promise<void> {
    await this.#readOnce();
    if (this.#failedMonotonic !== undefined) throw this.#unavailable();
  }

  close(): void {
    this.#closing.abort(new Error("The feed is closed"));
    if (typeof this.#options.keys === "string" && this.#keys instanceof KeyCache) this.#keys.close();
  }

  #isRevoked(key: string): boolean {
    const { whenStale = "refuse" } = this.#options;
    if (whenStale === "refuse" && this.#age() >= this.#maxStaleMs()) throw this.#unavailable();
    return this.#known?.entries.has(key) ?? false;
  }

  #maxStaleMs(): number {
    return this.#options.maxStaleMs ?? 300_000;
  }

  /** The longer of what both clocks say: that of the day may have been put back since, that which counts stood still asleep. */
  #age(): number {
    const known = this.#known;
    if (known === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(this.#clock.now() - known.readAt, this.#clock.monotonic() - known.fetchedMonotonic);
  }

  #isCoolingDown(): boolean {
    const failed = this.#failedMonotonic;
    return failed !== undefined && this.#clock.monotonic() - failed < RETRY_AFTER_MS;
  }

  /** One reading for everybody who asks while it is under way. Does not reject: a failure is remembered instead. */
  #readOnce(): Promise<void> {
    this.#flight ??= this.#read()
      .then(() => {
        this.#failedMonotonic = undefined;
      })
      .catch((error: unknown) => {
        this.#failedMonotonic = this.#clock.monotonic();
        this.#lastError = error;
      })
      .finally(() => {
        this.#flight = undefined;
      });
    return this.#flight;
  }

  async #read(): Promise<void> {
    let known = this.#known;
    for (let part = 0; part < MAX_PARTS; part++) {
      const fetchedMonotonic = this.#clock.monotonic();
      const read = await this.#part(known);
      known = joined(known, read, { fetchedMonotonic, now: this.#clock.now() });
      if (!read.more) {
        this.#known = known;
        return;
      }
    }
    throw new Error("Cannot read a feed that does not end");
  }

  async #part(known: Known | undefined): Promise<FeedPart> {
    const { url, issuer, fetch = globalThis.fetch, maxBytes = 1_048_576, timeoutMs = 5000 } = this.#options;
    const from = new URL(url);
    // A list has a name once there is anything in it.
    if (known !== undefined && known.list !== "") {
      from.searchParams.set("list", known.list);
      from.searchParams.set("since", String(known.position));
    }
    const mediaType = `application/${REVOCATION_FEED_TYPE}`;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]);
    const text = await fetchText({ url: from.href, fetch, signal, maxBytes, mediaType });
    const rules = { profile: "revocation_feed", issuer, clock: this.#clock, maxLength: maxBytes } as const;
    return partOf((await verifyJwt(text, this.#keys, rules)).claims);
  }

  #unavailable(): CountersignError {
    const detail = "what was revoked is not known, or no longer";
    return new CountersignError("temporarily_unavailable", { detail, retryAfterMs: 1000, cause: this.#lastError });
  }
}

function joined(known: Known | undefined, part: FeedPart, at: { fetchedMonotonic: number; now: number }): Known {
  const isNext = known?.list === part.list && part.since === known.position;
  // Another list, or the same from its beginning: what was known before is in it, or is no more.
  if (!isNext && part.since !== 0) throw new Error("Cannot go on in a feed from a position that was not asked for");
  if (!isNext && known?.list === part.list && part.position < known.position) {
    throw new Error("Cannot take a feed that is older than what is known");
  }
  const entries = new Map(isNext ? known.entries : []);
  for (const [key, expires] of part.entries) entries.set(key, expires);
  for (const [key, expires] of entries) if ((expires + MAX_SKEW) * 1000 < at.now) entries.delete(key);
  const { list, position, readAt } = part;
  return { list, position, entries, readAt, fetchedMonotonic: at.fetchedMonotonic };
}

function partOf(claims: Readonly<Record<string, JsonValue>>): FeedPart {
  const { list, since, position, more, iat, entries } = claims;
  const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
  if (typeof list !== "string" || !isNumber(since) || !isNumber(position) || typeof iat !== "number") throw malformed();
  if (typeof more !== "boolean" || !Array.isArray(entries)) throw malformed();
  return { list, since, position, more, readAt: iat * 1000, entries: entries.map(entryOf) };
}

function entryOf(entry: JsonValue): readonly [string, number] {
  if (!isJsonObject(entry) || typeof entry.exp !== "number") throw malformed();
  if (typeof entry.jti === "string") return [`jti ${entry.jti}`, entry.exp];
  if (typeof entry.block === "string") return [`block ${entry.block}`, entry.exp];
  // Of a kind that comes later: to leave it out could let a token live.
  throw malformed();
}

function malformed(): Error {
  return new Error("Cannot read the feed: it is not of the form that is known here");
}

function sourceOf(keys: RevocationFeedOptions["keys"], clock: Clock, fetch: Fetch | undefined): KeySource {
  if (typeof keys === "string") return new KeyCache(keys, { clock, ...(fetch === undefined ? {} : { fetch }) });
  return "find" in keys ? keys : importKeys(keys);
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

function checkUrl(text: string): void {
  const url = URL.parse(text);
  const isPrivate = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (!isPrivate) throw new TypeError("Cannot follow revocations but from an https URL, or http on a loopback host");
}

import {
  type Clock,
  type Fetch,
  fetchJson,
  isJsonObject,
  type JsonValue,
  type KeyHint,
  type KeySource,
  TokenRefused,
} from "@countersign/protocol";

/** A source of keys that holds a fetch. */
export interface ClosableKeySource extends KeySource {
  close(): void;
}

/** What the keys of an issuer are discovered with. */
export interface DiscoveryOptions {
  readonly issuer: string;
  /** Where the metadata are. */
  readonly url: string;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** The cache of the keys at the place that the metadata name. */
  readonly cacheAt: (jwksUrl: string) => ClosableKeySource;
  readonly observe: (error: unknown) => void;
}

const MAX_AGE_MS = 86_400_000;
const COOL_DOWN_MS = 30_000;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 65_536;

interface Found {
  readonly url: string;
  readonly keys: ClosableKeySource;
  readonly foundAt: number;
}

/**
 * The keys of an issuer at the place that its metadata name (OpenID Connect Discovery section 4, RFC 8414 section 3). The
 * metadata are fetched once a day, by one request for everybody, and not twice within the cool-down; while they cannot be
 * had, the place that was found last goes on counting.
 */
export class DiscoveredKeys implements ClosableKeySource {
  readonly #options: DiscoveryOptions;
  readonly #closing = new AbortController();
  #found: Found | undefined;
  #flight: Promise<void> | undefined;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  async find(hint: KeyHint) {
    const age = this.#options.clock.monotonic() - (this.#found?.foundAt ?? Number.NEGATIVE_INFINITY);
    if (age >= MAX_AGE_MS) await this.#discoverOnce();
    if (this.#found === undefined) throw new TokenRefused("keys_unavailable", { cause: this.#failure });
    return this.#found.keys.find(hint);
  }

  close(): void {
    this.#closing.abort(new Error("The issuer is trusted no longer"));
    this.#found?.keys.close();
    this.#found = undefined;
  }

  async #discoverOnce(): Promise<void> {
    const { clock } = this.#options;
    if (this.#flight === undefined && clock.monotonic() - this.#attemptedAt < COOL_DOWN_MS) return;
    this.#flight ??= this.#discover().finally(() => {
      this.#flight = undefined;
    });
    await this.#flight;
  }

  async #discover(): Promise<void> {
    const { clock, cacheAt, observe } = this.#options;
    this.#attemptedAt = clock.monotonic();
    try {
      const url = this.#placeIn(await this.#fetchInTime());
      const isSame = this.#found?.url === url;
      if (!isSame) this.#found?.keys.close();
      const keys = isSame && this.#found !== undefined ? this.#found.keys : cacheAt(url);
      this.#found = { url, keys, foundAt: clock.monotonic() };
    } catch (error) {
      this.#failure = error;
      observe(error);
    }
  }

  async #fetchInTime(): Promise<JsonValue | undefined> {
    const { clock, fetch, url } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#closing.signal]);
    signal.throwIfAborted();
    const late = clock.sleep(TIMEOUT_MS, signal).then(() => {
      throw new Error(`Cannot wait for the metadata longer than ${TIMEOUT_MS} ms`);
    });
    try {
      return (await Promise.race([fetchJson({ url, fetch, signal, maxBytes: MAX_BYTES }), late])).json;
    } finally {
      ended.abort(new Error("The fetch has ended"));
    }
  }

  /** RFC 8414 section 3.3: metadata that name another issuer are another's, and their keys, too. */
  #placeIn(metadata: JsonValue | undefined): string {
    const { issuer, jwks_uri: place } = isJsonObject(metadata) ? metadata : {};
    if (issuer !== this.#options.issuer) throw new Error("Cannot use metadata that name another issuer");
    if (typeof place !== "string") throw new Error("Cannot use metadata without jwks_uri");
    return place;
  }
}

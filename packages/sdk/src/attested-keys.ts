import {
  type AttestationPolicy,
  appraiseAttestedJwk,
  type Collateral,
  type CollateralSource,
  type CompiledPolicy,
  compilePolicy,
  type KeyAppraisal,
  type SnpEndorsements,
  type TrustedRoot,
  VerificationCache,
} from "@countersign/attestation";
import {
  type Clock,
  defined,
  type Fetch,
  jwkThumbprint,
  KeyCache,
  type KeyHint,
  type KeySource,
  TokenRefused,
  type VerificationKey,
} from "@countersign/protocol";

/** Under which conditions the keys of an issuer are believed to live where its evidence says. */
export interface AttestationRequirement {
  /** What is accepted. */
  readonly policy: AttestationPolicy;
  /** Intel's collateral, or where it comes from. @default what the issuer gives with its evidence */
  readonly collateral?: Collateral | CollateralSource | undefined;
  /** AMD's certificates. @default what the issuer gives with its evidence */
  readonly snpEndorsements?: SnpEndorsements | undefined;
  /** The roots that are trusted. @default those of Intel, AMD and AWS */
  readonly roots?: readonly TrustedRoot[] | undefined;
  /** SHA-256 of the policy that the issuer must run under, as its claims have it. @default any */
  readonly policyHash?: string | undefined;
  /** Whether keys of confidential-token-broker are taken, whose evidence binds neither issuer nor time. @default false */
  readonly legacySeed?: boolean | undefined;
  /** Hears of every key what was found out, for logs; what it throws is not heard. @default nobody */
  readonly observe?: ((appraisal: KeyAppraisal) => void) | undefined;
}

/** What attested keys are made of. */
export interface AttestedKeysOptions {
  readonly keys: string | { readonly keys: readonly object[] };
  readonly issuer: string;
  readonly attestation: AttestationRequirement;
  readonly clock: Clock;
  readonly fetch: Fetch | undefined;
}

/** An address for a set that is at hand already: nothing is fetched there. */
const AT_HAND = "https://set.invalid/jwks.json";

/** Sets with evidence are larger than plain ones. */
const MAX_SET = 1_048_576;
/** A key is judged anew at least so often, so that collateral that has expired is noticed. */
const MAX_AGE_MS = 600_000;

/**
 * The keys of an issuer that come with evidence the policy accepts; the others are as if they were not there. Fetching, cool-down
 * and staleness are those of a key cache: each set that it fetches is judged before it gets it.
 */
export class AttestedKeySource implements KeySource {
  readonly #options: AttestedKeysOptions;
  readonly #policy: CompiledPolicy;
  readonly #cache: KeyCache;
  readonly #validUntil = new Map<string, number>();
  readonly #verified = new VerificationCache();

  constructor(options: AttestedKeysOptions) {
    const { keys, clock } = options;
    this.#options = options;
    this.#policy = compilePolicy(options.attestation.policy);
    const url = typeof keys === "string" ? keys : AT_HAND;
    const fetch: Fetch = (address, init) => this.#fetch(address, init);
    this.#cache = new KeyCache(url, { clock, fetch, maxBytes: MAX_SET, maxAgeMs: MAX_AGE_MS });
  }

  /** The keys that may have made a signature, as far as their evidence still holds. */
  async find(hint: KeyHint): Promise<readonly VerificationKey[]> {
    const now = this.#options.clock.now();
    const found = await this.#cache.find(hint);
    const valid = found.filter(({ thumbprint }) => now < (this.#validUntil.get(thumbprint) ?? 0));
    if (valid.length === 0) throw new TokenRefused("unknown_key");
    return valid;
  }

  /** Ends a fetch that is under way; from here on no key is found. */
  close(): void {
    this.#cache.close();
    this.#validUntil.clear();
  }

  async #set(address: string, init: RequestInit): Promise<Response> {
    const { keys, fetch = globalThis.fetch } = this.#options;
    if (typeof keys !== "string") return Response.json(keys);
    // Not with its tag: a set that has not changed is judged anew all the same.
    return fetch(address, { ...init, headers: { accept: "application/jwk-set+json, application/json" } });
  }

  async #fetch(address: string, init: RequestInit): Promise<Response> {
    const response = await this.#set(address, init);
    if (response.status !== 200 || response.redirected) return response;
    const { keys } = readSet(await readBounded(response));
    const appraisals = await Promise.all(keys.map((key) => this.#judge(key)));
    this.#validUntil.clear();
    const accepted = appraisals.filter((appraisal) => appraisal.accepted);
    for (const { jwk, validUntil } of accepted) this.#validUntil.set(jwkThumbprint(plain(jwk)), validUntil);
    const headers = { "content-type": "application/json" };
    return new Response(JSON.stringify({ keys: accepted.map(({ jwk }) => plain(jwk)) }), { headers });
  }

  async #judge(jwk: Record<string, unknown>): Promise<KeyAppraisal> {
    const { attestation, issuer, clock } = this.#options;
    const { policy: _, observe, ...given } = attestation;
    const appraisal = await appraiseAttestedJwk(jwk, {
      ...defined(given),
      issuer,
      at: clock.now(),
      cache: this.#verified,
      policy: this.#policy,
    });
    try {
      observe?.(appraisal);
    } catch {
      // Who listens must not decide what is trusted.
    }
    return appraisal;
  }
}

type Member = Record<string, unknown>;

const isObject = (value: unknown): value is Member =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The keys of a set. What is no set has none, and is then refused as such. */
function readSet(text: string): { readonly keys: readonly Member[] } {
  const set: unknown = JSON.parse(text);
  const keys = isObject(set) && Array.isArray(set.keys) ? set.keys : [];
  return { keys: keys.filter(isObject) };
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_SET) throw new Error(`Cannot take a key set larger than ${MAX_SET} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What of a key verifies signatures: its evidence was judged. */
const PUBLIC = ["kty", "n", "e", "crv", "x", "y", "kid", "alg", "use"];
const plain = (jwk: Readonly<Member>): Member =>
  Object.fromEntries(PUBLIC.filter((name) => jwk[name] !== undefined).map((name) => [name, jwk[name]]));

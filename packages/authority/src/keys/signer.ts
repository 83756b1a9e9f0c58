import type { JWK } from "jose";
import type { SigningAlgorithm } from "../store/records.ts";

/** A key that signs JWTs now. */
export interface Signer {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** The encoded JWS signature of `input` (the signing input of RFC 7515 section 5.1), base64url. */
  sign(input: string): Promise<string>;
}

/** A set of public keys as it is published, with what HTTP caches need. */
export interface PublishedKeys {
  /** The serialised JWK set. */
  readonly body: string;
  /** A strong ETag, quotes included. */
  readonly etag: string;
  readonly keys: readonly JWK[];
}

/** What the rest of the authority needs of the key ring. */
export interface KeyRing {
  /**
   * The active signer of an algorithm. Where there is no key yet, one is published, and as long as it does not sign the
   * answer is `temporarily_unavailable` with the time to wait.
   */
  signer(algorithm: SigningAlgorithm): Promise<Signer>;
  /** Publishes a key for an algorithm that has none, so that verifiers know it before it signs. */
  announce(algorithm: SigningAlgorithm): Promise<void>;
  /** When the first key of an algorithm begins to sign; `undefined` when it did, or there is none. Milliseconds. */
  signsFrom(algorithm: SigningAlgorithm): number | undefined;
  /** What verifiers read: `jwks` holds what every JOSE library can parse, `pqc` the ML-DSA keys. */
  published(set: "jwks" | "pqc"): PublishedKeys;
  /** HMAC-SHA-256 under the ring's own sealed secret, base64url: the successor of a refresh token, and a token's mark. */
  derive(purpose: "refresh" | "refresh mark", input: string): string;
}

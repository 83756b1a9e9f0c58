import { constants } from "node:crypto";

/** What a JWS algorithm needs of a key, and how its signatures are checked. */
export interface Algorithm {
  /** The key type (RFC 7517 section 4.1) and, where the type has several, the curve or parameter set. */
  readonly kty: "EC" | "OKP" | "RSA" | "AKP";
  readonly crv?: string;
  /** Name of the hash for the runtime; `null` where the signature scheme hashes by itself. */
  readonly hash: string | null;
  /** Length of each base64url member of the key; absent for RSA. */
  readonly partBytes?: number;
  /** How the runtime is to check: raw r and s for ECDSA (RFC 7518 section 3.4), padding for RSA. */
  readonly check: {
    readonly dsaEncoding?: "ieee-p1363";
    readonly padding?: number;
    readonly saltLength?: number;
  };
}

const ecdsa = { dsaEncoding: "ieee-p1363" } as const;
const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
// RFC 7518 section 3.5: the salt is as long as the hash.
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

/**
 * The signature algorithms that are verified: RFC 7518 section 3, RFC 8037 section 3.1, RFC 9964 section 5. There is
 * no symmetric one, so that no public key can be taken for a secret (RFC 8725 section 2.1), and no "none".
 */
export const algorithms = {
  ES256: { kty: "EC", crv: "P-256", hash: "sha256", partBytes: 32, check: ecdsa },
  ES384: { kty: "EC", crv: "P-384", hash: "sha384", partBytes: 48, check: ecdsa },
  ES512: { kty: "EC", crv: "P-521", hash: "sha512", partBytes: 66, check: ecdsa },
  EdDSA: { kty: "OKP", crv: "Ed25519", hash: null, partBytes: 32, check: {} },
  RS256: { kty: "RSA", hash: "sha256", check: pkcs1 },
  RS384: { kty: "RSA", hash: "sha384", check: pkcs1 },
  RS512: { kty: "RSA", hash: "sha512", check: pkcs1 },
  PS256: { kty: "RSA", hash: "sha256", check: pss },
  PS384: { kty: "RSA", hash: "sha384", check: pss },
  PS512: { kty: "RSA", hash: "sha512", check: pss },
  "ML-DSA-65": { kty: "AKP", hash: null, partBytes: 1952, check: {} },
} as const satisfies Record<string, Algorithm>;

/** The `alg` of a signature that is verified here. */
export type JwsAlgorithm = keyof typeof algorithms;

const byName: ReadonlyMap<string, JwsAlgorithm> = new Map([
  ...(Object.keys(algorithms) as JwsAlgorithm[]).map((name) => [name, name] as const),
  // RFC 9864 section 2.2: the fully specified name of the one EdDSA variant we take.
  ["Ed25519", "EdDSA"],
]);

/** The algorithm that a header or key names, or `undefined`. "Ed25519" is another name of "EdDSA" here. */
export function algorithmNamed(name: string): JwsAlgorithm | undefined {
  return byName.get(name);
}

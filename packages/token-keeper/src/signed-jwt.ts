import { base64url, utf8 } from "./encoding.ts";

const ALGORITHMS = {
  ES256: { name: "ECDSA", hash: "SHA-256" },
  ES384: { name: "ECDSA", hash: "SHA-384" },
  RS256: { name: "RSASSA-PKCS1-v1_5" },
  PS256: { name: "RSA-PSS", saltLength: 32 },
  EdDSA: { name: "Ed25519" },
} as const;

/** A private key that signs JWTs. */
export interface JwtSigningKey {
  /** A private key whose algorithm fits `algorithm`. */
  readonly key: CryptoKey;
  /** The JWS algorithm (RFC 7518 section 3.1). */
  readonly algorithm: keyof typeof ALGORITHMS;
  /** The header's `kid`. @default none */
  readonly keyId?: string;
}

/** Signs claims as a JWT in compact form (RFC 7515 section 3.1). */
export async function signJwt({ key, algorithm, keyId }: JwtSigningKey, claims: object): Promise<string> {
  const header = { alg: algorithm, typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) };
  const signed = `${encode(header)}.${encode(claims)}`;
  const signature = await crypto.subtle.sign(ALGORITHMS[algorithm], key, utf8(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

function encode(part: object): string {
  return base64url(utf8(JSON.stringify(part)));
}

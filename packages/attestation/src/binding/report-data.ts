import { concatBytes, equalBytes, utf8 } from "../encoding/bytes.ts";
import { ensure } from "../errors.ts";
import { digest } from "../webcrypto.ts";
import { formatClaims, type KeyClaims } from "./claims.ts";
import { type PublicJwk, spkiOfJwk } from "./jwk.ts";

/**
 * What the first half of the report data is the digest of: for RSA the text that clients of confidential-token-broker
 * compare with, for other keys their SubjectPublicKeyInfo, as Gramine's RA-TLS has it.
 */
const namedBytes = (jwk: PublicJwk): Uint8Array =>
  jwk.kty === "RSA" ? utf8(`{n: ${jwk.n ?? ""}, e: ${jwk.e ?? ""}}`) : spkiOfJwk(jwk);

/** The half of the report data that names a key, 32 bytes. */
export const keyHalf = (jwk: PublicJwk): Promise<Uint8Array<ArrayBuffer>> => digest("SHA-256", namedBytes(jwk));

/** The half of the report data that names the claims, 32 bytes. */
const claimsHalf = (claims: string): Promise<Uint8Array<ArrayBuffer>> => digest("SHA-256", utf8(claims));

/**
 * The 64 bytes that an environment is asked to put into its report, so that it vouches for a key and the claims about it.
 *
 * @example
 * const reportData = await reportDataFor(jwk, claims);
 */
export async function reportDataFor(jwk: PublicJwk, claims: KeyClaims): Promise<Uint8Array<ArrayBuffer>> {
  return concatBytes(await keyHalf(jwk), await claimsHalf(formatClaims(claims)));
}

/** Refuses evidence whose first half does not name the key. */
export async function ensureKeyHalf(reportData: Uint8Array, jwk: PublicJwk): Promise<true> {
  const isNamed = equalBytes(reportData.subarray(0, 32), await keyHalf(jwk));
  ensure(isNamed, "key_binding", "Cannot trust the key: the evidence names another one, or none");
  return true;
}

/** Refuses evidence whose second half does not name the claims. */
export async function ensureClaimsHalf(reportData: Uint8Array, claims: string): Promise<true> {
  const isNamed = equalBytes(reportData.subarray(32), await claimsHalf(claims));
  ensure(isNamed, "claims_binding", "Cannot trust the claims: the evidence names others, or none");
  return true;
}

import { createPublicKey, type KeyObject } from "node:crypto";
import { sha256 } from "@countersign/protocol";
import type { JWK } from "jose";
import type { SigningAlgorithm } from "../store/records.ts";

/** The members that make a public key, by `kty`, in the order of their names (RFC 7638 section 3.2, RFC 9964). */
const requiredMembers: ReadonlyMap<string | undefined, readonly (keyof JWK)[]> = new Map([
  ["AKP", ["alg", "kty", "pub"]],
  ["EC", ["crv", "kty", "x", "y"]],
  ["OKP", ["crv", "kty", "x"]],
  ["RSA", ["e", "kty", "n"]],
]);

/** A public key as it is published: nothing but what RFC 7517 calls public. */
export type PublicJwk = JWK & { readonly kid: string; readonly alg: SigningAlgorithm; readonly use: "sig" };

/**
 * The SHA-256 thumbprint of a key, base64url (RFC 7638). Private and descriptive members do not count.
 *
 * @throws {TypeError} for a `kty` without a public key.
 */
export function thumbprint(jwk: JWK): string {
  return sha256(JSON.stringify(bare(jwk)));
}

/** The public half of a private key, with `kid`, `alg` and `use`, as a new object that holds nothing else. */
export function publicJwk(privateKey: KeyObject, algorithm: SigningAlgorithm): PublicJwk {
  const { kty = "", ...members } = bare(createPublicKey(privateKey).export({ format: "jwk" }));
  return { kty, ...members, kid: thumbprint({ kty, ...members }), alg: algorithm, use: "sig" };
}

/** The required members alone: an allow-list, so that a private member cannot come along. */
function bare(jwk: JWK): JWK {
  const members = requiredMembers.get(jwk.kty);
  if (members === undefined) throw new TypeError(`Cannot name the public members of a key with kty: ${jwk.kty}`);
  return Object.fromEntries(members.map((member) => [member, jwk[member]]));
}

import { createPublicKey, type KeyObject } from "node:crypto";
import { jwkThumbprint } from "@countersign/protocol";
import type { JWK } from "jose";
import type { SigningAlgorithm } from "../store/records.ts";

/** The members that make a public key, by `kty` (RFC 7638 section 3.2, RFC 9964 section 6). */
const requiredMembers: ReadonlyMap<string | undefined, readonly (keyof JWK)[]> = new Map([
  ["AKP", ["kty", "alg", "pub"]],
  ["EC", ["kty", "crv", "x", "y"]],
  ["OKP", ["kty", "crv", "x"]],
  ["RSA", ["kty", "n", "e"]],
]);

/** A public key as it is published: nothing but what RFC 7517 calls public. */
export type PublicJwk = JWK & { readonly kid: string; readonly alg: SigningAlgorithm; readonly use: "sig" };

/** The members of a JWK that make its public key: an allow-list, so that a private member cannot come along. */
export function publicMembers(jwk: JWK): JWK {
  return Object.fromEntries((requiredMembers.get(jwk.kty) ?? ["kty"]).map((member) => [member, jwk[member]]));
}

/** The public half of a private key, with `kid` (RFC 7638), `alg` and `use`, as a new object that holds nothing else. */
export function publicJwk(privateKey: KeyObject, algorithm: SigningAlgorithm): PublicJwk {
  const members = publicMembers(createPublicKey(privateKey).export({ format: "jwk" }));
  return { ...members, kid: jwkThumbprint(members), alg: algorithm, use: "sig" };
}

import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { CountersignError, importKeys, jwkThumbprint, keyRefusals } from "@countersign/protocol";
import type { JWK } from "jose";
import { type RingAlgorithm, ringAlgorithms } from "../store/records.ts";
import { algorithms } from "./algorithms.ts";

/** A private key that was read and found fit to sign. */
export interface PrivateSigningKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: RingAlgorithm;
  readonly privateKey: KeyObject;
}

/** A refusal of a key, in words for whoever offered it. */
export function unusable(why: string, cause?: unknown): CountersignError {
  return new CountersignError("invalid_request", { hint: `Cannot use this key: ${why}`, cause });
}

/**
 * Judges a private key: its type, its strength, and whether its private and public halves belong together.
 *
 * @throws {CountersignError} `invalid_request` saying why the key cannot sign.
 */
export function acceptPrivateKey(key: KeyObject, wanted?: RingAlgorithm): PrivateSigningKey {
  const algorithm = algorithmOf(key, wanted);
  const jwk: JWK = key.export({ format: "jwk" });
  return { kid: jwkThumbprint(jwk), algorithm, privateKey: importPrivateJwk(jwk) };
}

/**
 * A private JWK as a key whose halves belong together, as Node checks. The public half is judged as verifiers judge it
 * (sizes, exponents, points off the curve or of small order), so that nothing is signed that they refuse.
 */
export function importPrivateJwk(jwk: JWK): KeyObject {
  const [refused] = importKeys({ keys: [publicMembers(jwk)] }).refused;
  if (refused !== undefined) throw unusable(keyRefusals[refused.reason].replace(/^./, (first) => first.toLowerCase()));
  try {
    return createPrivateKey({ key: { ...jwk }, format: "jwk" });
  } catch (cause) {
    throw unusable("its members are not those of one valid private key", cause);
  }
}

function algorithmOf(key: KeyObject, wanted: RingAlgorithm | undefined): RingAlgorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const fitting = ringAlgorithms.filter((name) => algorithms[name].keyType === type);
  if (type === "ec" && details?.namedCurve !== "prime256v1") {
    throw unusable(`its curve is ${details?.namedCurve}; of the EC curves only P-256 is supported`);
  }
  const first = fitting[0];
  if (first === undefined) throw unusable(`its type is ${type}; use EC P-256, Ed25519, RSA or ML-DSA-65`);
  if (wanted === undefined) return first;
  if (!fitting.includes(wanted)) throw unusable(`it is for ${fitting.join(" or ")}, not for ${wanted}`);
  return wanted;
}

/** The members that make a public key, by `kty` (RFC 7638 section 3.2, RFC 9964 section 6). */
const requiredMembers: ReadonlyMap<string | undefined, readonly (keyof JWK)[]> = new Map([
  ["AKP", ["kty", "alg", "pub"]],
  ["EC", ["kty", "crv", "x", "y"]],
  ["OKP", ["kty", "crv", "x"]],
  ["RSA", ["kty", "n", "e"]],
]);

/** A public key as it is published: nothing but what RFC 7517 calls public. */
export type PublicJwk = JWK & { readonly kid: string; readonly alg: RingAlgorithm; readonly use: "sig" };

/** The members of a JWK that make its public key: an allow-list, so that a private member cannot come along. */
export function publicMembers(jwk: JWK): JWK {
  return Object.fromEntries((requiredMembers.get(jwk.kty) ?? ["kty"]).map((member) => [member, jwk[member]]));
}

/** The public half of a private key, with `kid` (RFC 7638), `alg` and `use`, as a new object that holds nothing else. */
export function publicJwk(privateKey: KeyObject, algorithm: RingAlgorithm): PublicJwk {
  const members = publicMembers(createPublicKey(privateKey).export({ format: "jwk" }));
  return { ...members, kid: jwkThumbprint(members), alg: algorithm, use: "sig" };
}

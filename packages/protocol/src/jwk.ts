import { createPublicKey, type KeyObject, type VerifyKeyObjectInput, verify } from "node:crypto";
import { type Algorithm, algorithmNamed, algorithms, type JwsAlgorithm } from "./algorithms.ts";
import { isEd25519Point } from "./ed25519-point.ts";
import { fromBase64url, sha256 } from "./encoding.ts";
import { isSoundRsaKey } from "./rsa-modulus.ts";

/** Why a member of a JWK set was left out. */
export const keyRefusals = {
  not_an_object: "The key is not an object",
  unknown_key_type: "The key type (kty) or curve (crv) is not one that verifies JWTs here",
  private_key: "The key has private members, so whoever read the set can sign with it",
  wrong_use: "The key is not for verifying signatures (use, key_ops)",
  wrong_algorithm: "The algorithm (alg) is missing, unknown, not allowed, or does not fit the key",
  malformed_key_id: "The kid is not a string of 1 to 256 characters",
  malformed_key: "A member is missing, is not canonical base64url, or has the wrong length",
  weak_key: "The key is too small, too large, of small order, not on its curve, or of a broken generator",
  duplicate_key_id: "Another key of the set has the same kid, alg and kty",
} as const;

/** The stable code of one reason for leaving a key out. */
export type KeyRefusal = keyof typeof keyRefusals;

/** A public key with the one algorithm it verifies. */
export interface VerificationKey {
  /** Its id in the set (RFC 7517 section 4.5). */
  readonly kid: string | undefined;
  /** The one algorithm that it verifies. */
  readonly algorithm: JwsAlgorithm;
  /** RFC 7638 thumbprint with SHA-256, base64url. */
  readonly thumbprint: string;
  /** Whether `signature` is this key's over `input`. Computed in the runtime's thread pool. */
  verify(input: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** Which algorithms keys are pinned to. */
export interface KeyImportOptions {
  /** The algorithms that are taken. @default all of `algorithms` */
  readonly algorithms?: readonly JwsAlgorithm[];
  /** What an RSA key without `alg` is pinned to; each other key type has one algorithm. @default "RS256" */
  readonly rsaAlgorithm?: JwsAlgorithm;
  /** The values of `use` that stand for verifying; a trust bundle of SPIFFE says `jwt-svid`. @default ["sig"] */
  readonly uses?: readonly string[];
}

/** The members of an untrusted object that are its own, so that a polluted prototype adds none. */
export type Members = Readonly<Record<string, unknown>>;

interface KeyType {
  /** Members of the public key, in the order of RFC 7638 section 3.2. */
  readonly required: readonly string[];
  /** Those that hold base64url. */
  readonly encoded: readonly string[];
  isSound(part: (name: string) => Uint8Array): boolean;
}

/** Members that hold a secret, in keys of any type (RFC 7518 section 6, RFC 9964 section 3). */
const secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] as const;

const keyTypes: ReadonlyMap<unknown, KeyType> = new Map<unknown, KeyType>([
  ["EC", { required: ["crv", "kty", "x", "y"], encoded: ["x", "y"], isSound: () => true }],
  ["OKP", { required: ["crv", "kty", "x"], encoded: ["x"], isSound: (part) => isEd25519Point(part("x")) }],
  [
    "RSA",
    {
      required: ["e", "kty", "n"],
      encoded: ["e", "n"],
      isSound: (part) => isSoundRsaKey(part("n"), part("e")),
    },
  ],
  ["AKP", { required: ["alg", "kty", "pub"], encoded: ["pub"], isSound: () => true }],
]);

/** An untrusted value's own members, or `undefined` when it is no object. */
export function ownMembers(value: unknown): Members | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.assign(Object.create(null), value);
}

/** One JWK (RFC 7517 section 4) as a key pinned to an algorithm, or why it is not one. */
export function importKey(value: unknown, options: KeyImportOptions = {}): VerificationKey | KeyRefusal {
  const jwk = ownMembers(value);
  if (jwk === undefined) return "not_an_object";
  // Of whatever type: a secret that is published is one that its owner must hear of.
  if (jwk.kty === "oct" || secretMembers.some((name) => name in jwk)) return "private_key";
  const type = keyTypes.get(jwk.kty);
  if (type === undefined) return "unknown_key_type";
  const fitting = algorithmsFor(jwk);
  if (fitting.length === 0) return "unknown_key_type";
  if (!isForVerifying(jwk, options)) return "wrong_use";
  const algorithm = pin(jwk, fitting, options);
  if (algorithm === undefined) return "wrong_algorithm";
  const kid = jwk.kid;
  if (kid !== undefined && !isKeyId(kid)) return "malformed_key_id";
  const parts = decodeParts(jwk, type, algorithms[algorithm]);
  if (parts === undefined) return "malformed_key";
  if (!type.isSound((name) => parts.get(name) ?? new Uint8Array())) return "weak_key";
  const key = publicKey(jwk, type);
  if (key === undefined) return "weak_key";
  return { kid, algorithm, thumbprint: thumbprintOf(jwk, type), verify: verifier(key, algorithm) };
}

/**
 * The RFC 7638 thumbprint of a JWK with SHA-256, base64url; RFC 9964 section 6 for `AKP` keys.
 *
 * @throws {TypeError} when the key type is unknown or a required member is no string.
 * @example
 * ```ts
 * import { jwkThumbprint } from "@countersign/protocol";
 * const kid = jwkThumbprint({ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
 * ```
 */
export function jwkThumbprint(value: object): string {
  const jwk = ownMembers(value);
  const type = keyTypes.get(jwk?.kty);
  if (jwk === undefined || type === undefined) throw new TypeError("Cannot take the thumbprint of a key of this type");
  if (!hasRequired(jwk, type)) throw new TypeError(`Cannot take the thumbprint without: ${type.required.join(", ")}`);
  return thumbprintOf(jwk, type);
}

/** RFC 7517 section 4.5, with a bound so that a set cannot grow by names. */
export function isKeyId(kid: unknown): kid is string {
  return typeof kid === "string" && kid.length > 0 && kid.length <= 256;
}

function algorithmsFor(jwk: Members): JwsAlgorithm[] {
  const all = Object.entries<Algorithm>(algorithms) as [JwsAlgorithm, Algorithm][];
  return all
    .filter(([, row]) => row.kty === jwk.kty && (row.crv === undefined || row.crv === jwk.crv))
    .map(([name]) => name);
}

/** RFC 7517 sections 4.2 and 4.3. */
function isForVerifying(jwk: Members, { uses = ["sig"] }: KeyImportOptions): boolean {
  const { use, key_ops: operations } = jwk;
  if (use !== undefined && !(typeof use === "string" && uses.includes(use))) return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes("verify"));
}

/** RFC 8725 section 3.1: the key has one algorithm, and no header changes it. */
function pin(jwk: Members, fitting: readonly JwsAlgorithm[], options: KeyImportOptions): JwsAlgorithm | undefined {
  const { algorithms: allowed = fitting, rsaAlgorithm = "RS256" } = options;
  const fallback = jwk.kty === "RSA" ? rsaAlgorithm : jwk.kty === "AKP" ? undefined : fitting[0];
  const named = typeof jwk.alg === "string" ? algorithmNamed(jwk.alg) : undefined;
  const algorithm = jwk.alg === undefined ? fallback : named;
  if (algorithm === undefined || !fitting.includes(algorithm) || !allowed.includes(algorithm)) return undefined;
  return algorithm;
}

function hasRequired(jwk: Members, type: KeyType): boolean {
  return type.required.every((name) => typeof jwk[name] === "string");
}

function decodeParts(jwk: Members, type: KeyType, algorithm: Algorithm): ReadonlyMap<string, Uint8Array> | undefined {
  const parts = new Map<string, Uint8Array>();
  for (const name of type.encoded) {
    const text = jwk[name];
    const bytes = typeof text === "string" ? fromBase64url(text) : undefined;
    if (bytes === undefined || bytes.length === 0) return undefined;
    // RFC 7518 section 6.2.1.2: coordinates have their full length; section 6.3.1.1: integers the least.
    if (algorithm.partBytes === undefined ? bytes[0] === 0 : bytes.length !== algorithm.partBytes) return undefined;
    parts.set(name, bytes);
  }
  return parts;
}

/** The runtime's key; it checks that a point is on its curve (RFC 8725 section 3.4). */
function publicKey(jwk: Members, type: KeyType): KeyObject | undefined {
  try {
    return createPublicKey({ key: pick(jwk, type.required), format: "jwk" });
  } catch {
    return undefined;
  }
}

function thumbprintOf(jwk: Members, type: KeyType): string {
  return sha256(JSON.stringify(pick(jwk, type.required)));
}

function pick(jwk: Members, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = Object.create(null);
  for (const name of names) picked[name] = String(jwk[name]);
  return picked;
}

function verifier(key: KeyObject, name: JwsAlgorithm): VerificationKey["verify"] {
  const { hash, check }: Algorithm = algorithms[name];
  // Without a prototype, from which the runtime would read options that nobody set.
  const input: VerifyKeyObjectInput = Object.assign(Object.create(null), check, { key });
  return (data, signature) =>
    new Promise((resolve) => {
      verify(hash, data, input, signature, (error, valid) => resolve(error === null && valid));
    });
}

import { KeyError } from "../errors.ts";
import { fromBase64Url, toBase64Url } from "./bytes.ts";
import type { DecodedPrivateKey } from "./key-encoding.ts";
import { compressP256, decompressP256 } from "./p256.ts";
import type { KeyAlgorithm } from "./provider.ts";

/** The members of a JSON Web Key that this package reads and writes (RFC 7517, RFC 7518 section 6.2, RFC 8037). */
export interface PublicJwk {
  readonly kty: "OKP" | "EC";
  readonly crv: "Ed25519" | "P-256";
  readonly x: string;
  readonly y?: string;
}

/** A {@link PublicJwk} with its private member. */
export interface PrivateJwk extends PublicJwk {
  readonly d: string;
}

const CURVES: Readonly<Record<string, KeyAlgorithm>> = { "OKP/Ed25519": "ed25519", "EC/P-256": "secp256r1" };

/** An own member of an object from outside. */
export function member(jwk: object, name: string): unknown {
  return Object.hasOwn(jwk, name) ? Reflect.get(jwk, name) : undefined;
}

function bytes(jwk: object, name: string): Uint8Array {
  const text = member(jwk, name);
  const value = typeof text === "string" ? fromBase64Url(text) : undefined;
  if (value?.length === 32) return value;
  throw new KeyError("invalid_key_size", `Cannot read the JWK: member ${name} is not 32 bytes in base64url`);
}

function readJwk(jwk: unknown): { jwk: object; algorithm: KeyAlgorithm; publicKey: Uint8Array } {
  if (typeof jwk !== "object" || jwk === null) throw new KeyError("invalid_key", "Cannot read the JWK: not an object");
  const curve = `${member(jwk, "kty")}/${member(jwk, "crv")}`;
  const algorithm = Object.hasOwn(CURVES, curve) ? CURVES[curve] : undefined;
  if (algorithm === undefined) {
    throw new KeyError("unsupported_algorithm", "Cannot read the JWK: neither OKP/Ed25519 nor EC/P-256");
  }
  const use = member(jwk, "use");
  if (use !== undefined && use !== "sig") throw new KeyError("invalid_key", "Cannot use the JWK: not for signatures");
  return { jwk, algorithm, publicKey: readPublicBytes(jwk, algorithm) };
}

function readPublicBytes(jwk: object, algorithm: KeyAlgorithm): Uint8Array {
  if (algorithm === "ed25519") return bytes(jwk, "x");
  const publicKey = compressP256({ x: bytes(jwk, "x"), y: bytes(jwk, "y") });
  if (publicKey === undefined) throw new KeyError("invalid_key", "Cannot read the JWK: the point is not on P-256");
  return publicKey;
}

/** Reads a public JWK; one that carries its private member is refused, as it went to the wrong place. */
export function decodePublicJwk(jwk: unknown): { algorithm: KeyAlgorithm; publicKey: Uint8Array } {
  const { jwk: members, algorithm, publicKey } = readJwk(jwk);
  if (member(members, "d") === undefined) return { algorithm, publicKey };
  throw new KeyError("invalid_key", "Cannot read the JWK as a public key: it holds a private key");
}

/** Reads a private JWK. */
export function decodePrivateJwk(jwk: unknown): DecodedPrivateKey {
  const { jwk: members, algorithm, publicKey } = readJwk(jwk);
  return { algorithm, publicKey, privateKey: bytes(members, "d") };
}

/** The JWK of valid public key bytes. */
export function encodePublicJwk(algorithm: KeyAlgorithm, publicKey: Uint8Array): PublicJwk {
  const point = algorithm === "secp256r1" ? decompressP256(publicKey) : undefined;
  if (point === undefined) return { kty: "OKP", crv: "Ed25519", x: toBase64Url(publicKey) };
  return { kty: "EC", crv: "P-256", x: toBase64Url(point.x), y: toBase64Url(point.y) };
}

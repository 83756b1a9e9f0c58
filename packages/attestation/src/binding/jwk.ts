import { bits, integer, objectId, sequence } from "../der/writer.ts";
import { concatBytes, utf8 } from "../encoding/bytes.ts";
import { type JsonObject, Members } from "../encoding/json.ts";
import { fromBase64Url, fromHex, toBase64Url } from "../encoding/text.ts";
import { AttestationError } from "../errors.ts";
import { digest } from "../webcrypto.ts";

/** The members of a public JWK that evidence is bound to (RFC 7517, RFC 7638). */
export interface PublicJwk {
  /** The kind of key. */
  readonly kty: string;
  /** The modulus of an RSA key. */
  readonly n?: string | undefined;
  /** The exponent of an RSA key. */
  readonly e?: string | undefined;
  /** The curve of an EC or OKP key. */
  readonly crv?: string | undefined;
  /** The point of an EC or OKP key. */
  readonly x?: string | undefined;
  /** The point of an EC key. */
  readonly y?: string | undefined;
}

const RSA_ENCRYPTION = concatBytes(objectId("1.2.840.113549.1.1.1"), Uint8Array.of(5, 0));

/** What comes before the point in a SubjectPublicKeyInfo, and how long each coordinate is. */
const CURVES: Readonly<Record<string, readonly [prefix: string, size: number, members: readonly ("x" | "y")[]]>> = {
  "EC/P-256": ["3059301306072a8648ce3d020106082a8648ce3d03010703420004", 32, ["x", "y"]],
  "EC/P-384": ["3076301006072a8648ce3d020106052b8104002203620004", 48, ["x", "y"]],
  "OKP/Ed25519": ["302a300506032b6570032100", 32, ["x"]],
};

const members = (jwk: PublicJwk) => new Members(jwk, "the key", "key_binding");
const read = (jwk: PublicJwk, name: "n" | "e" | "x" | "y") =>
  fromBase64Url(members(jwk).text(name), `the key, ${name}`);

/** The SubjectPublicKeyInfo of a JWK in DER. */
export function spkiOfJwk(jwk: PublicJwk): Uint8Array<ArrayBuffer> {
  if (jwk.kty === "RSA") {
    const key = sequence(integer(read(jwk, "n")), integer(read(jwk, "e")));
    return sequence(sequence(RSA_ENCRYPTION), bits(key));
  }
  const [prefix, size, names] = CURVES[`${jwk.kty}/${jwk.crv}`] ?? [];
  if (prefix === undefined || names === undefined) {
    throw new AttestationError("key_binding", `Cannot bind the key: ${jwk.kty} ${jwk.crv ?? ""} is not known`);
  }
  const point = names.map((name) => read(jwk, name));
  if (point.some(({ length }) => length !== size))
    throw new AttestationError("key_binding", "Cannot bind the key: its point is cut");
  return concatBytes(fromHex(prefix, "a constant"), ...point);
}

/** The members of each kind of key that its thumbprint is of, in their order (RFC 7638 section 3.2, RFC 8037 section 2). */
const THUMBPRINT: ReadonlyMap<string, readonly (keyof PublicJwk)[]> = new Map([
  ["RSA", ["e", "kty", "n"]],
  ["EC", ["crv", "kty", "x", "y"]],
  ["OKP", ["crv", "kty", "x"]],
]);

/** The thumbprint of a key (RFC 7638), base64url. */
export async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  const names = THUMBPRINT.get(jwk.kty);
  if (names === undefined) throw new AttestationError("key_binding", `Cannot bind the key: ${jwk.kty} is not known`);
  const of = members(jwk);
  const text = JSON.stringify(Object.fromEntries(names.map((name) => [name, of.text(name)])));
  return toBase64Url(await digest("SHA-256", utf8(text)));
}

const NAMES = ["n", "e", "crv", "x", "y"] as const;

/** Takes the public members out of a JWK that is not judged yet. */
export function publicJwkOf(value: JsonObject): PublicJwk {
  const of = new Members(value, "the key", "key_binding");
  const present = NAMES.filter((name) => of.has(name)).map((name) => [name, of.text(name)] as const);
  return { kty: of.text("kty"), ...Object.fromEntries(present) };
}

import { bits, boolean, der, integer, objectId, octets, sequence, small, time } from "../der/writer.ts";
import { concatBytes } from "../encoding/bytes.ts";
import { identifierOf, type SignatureAlgorithm } from "./algorithms.ts";
import { ecdsaToDer } from "./ecdsa.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Signs bytes; ECDSA gives r and s of fixed length. */
export interface Signer {
  /** The algorithm of its key. */
  readonly algorithm: SignatureAlgorithm;
  /** Signs. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/** What a certificate says. */
export interface CertificateFields {
  readonly serial: Uint8Array;
  /** Names in DER. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  /** The public key, a SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** Extensions in DER, in their order. */
  readonly extensions: readonly Uint8Array[];
}

/** Writes an extension (RFC 5280 section 4.1). */
export function extension(id: string, value: Uint8Array, critical = false): Bytes {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octets(value));
}

/** The extension that says whether a certificate is an authority. */
export const basicConstraints = (isAuthority: boolean, pathLength?: number): Bytes =>
  extension(
    "2.5.29.19",
    sequence(...(isAuthority ? [boolean(true)] : []), ...(pathLength === undefined ? [] : [small(pathLength)])),
    true,
  );

const USAGES = { digitalSignature: [7, 0x80], certificates: [1, 0x06] } as const;

/** The extension that says what the key of a certificate is for. */
export const keyUsage = (use: keyof typeof USAGES): Bytes =>
  extension("2.5.29.15", der(0x03, Uint8Array.of(...USAGES[use])), true);

async function frame(signed: Uint8Array, { algorithm, sign }: Signer): Promise<Bytes> {
  const raw = await sign(signed);
  const signature = algorithm === "ES256" || algorithm === "ES384" ? ecdsaToDer(raw) : raw;
  return sequence(signed, identifierOf(algorithm), bits(signature));
}

/** Writes a certificate (RFC 5280 section 4.1). */
export function writeCertificate(fields: CertificateFields, signer: Signer): Promise<Bytes> {
  const { serial, issuer, subject, notBefore, notAfter, spki, extensions } = fields;
  const validity = sequence(time(notBefore), time(notAfter));
  const version = der(0xa0, small(2));
  const list = der(0xa3, sequence(...extensions));
  const head = concatBytes(version, integer(serial), identifierOf(signer.algorithm), issuer);
  return frame(sequence(head, validity, subject, spki, list), signer);
}

/** What a revocation list says. */
export interface CrlFields {
  readonly issuer: Uint8Array;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly revoked: readonly Uint8Array[];
}

/** Writes a revocation list (RFC 5280 section 5.1). */
export function writeCrl({ issuer, thisUpdate, nextUpdate, revoked }: CrlFields, signer: Signer): Promise<Bytes> {
  const entries = revoked.map((serial) => sequence(integer(serial), time(thisUpdate)));
  const list = entries.length === 0 ? [] : [sequence(...entries)];
  const times = [time(thisUpdate), time(nextUpdate)];
  return frame(sequence(small(1), identifierOf(signer.algorithm), issuer, ...times, ...list), signer);
}

import { DerReader, readOne, TAG } from "../der/reader.ts";
import { readBitString, readDefaultFalse, readInteger, readObjectId, readTime, unsigned } from "../der/values.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { toHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";
import { commonNameOf } from "./name.ts";

/** An extension of a certificate or a revocation list. */
export interface Extension {
  /** Its object identifier, in dotted form. */
  readonly id: string;
  /** Whether who does not understand it must refuse. */
  readonly critical: boolean;
  /** What is inside its OCTET STRING. */
  readonly value: Uint8Array;
}

/** A certificate, read and not judged (RFC 5280 section 4.1). */
export interface Certificate {
  /** The whole of it. */
  readonly der: Uint8Array;
  /** What is signed. */
  readonly signed: Uint8Array;
  /** The serial number in hexadecimal, without leading zeros. */
  readonly serial: string;
  /** The AlgorithmIdentifier of the signature, in DER. */
  readonly algorithm: Uint8Array;
  /** The name of the issuer, in DER. */
  readonly issuer: Uint8Array;
  /** The name of the subject, in DER. */
  readonly subject: Uint8Array;
  /** The common name of the subject; absent where there is none, or more than one. */
  readonly commonName: string | undefined;
  /** From when on it is valid, in milliseconds since 1970. */
  readonly notBefore: number;
  /** Until when it is valid, in milliseconds since 1970. */
  readonly notAfter: number;
  /** The public key, a SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** The extensions in their order. */
  readonly extensions: readonly Extension[];
  /** The signature, as it is in the certificate. */
  readonly signature: Uint8Array;
}

/** Larger certificates are not read: the largest that exist hold a quote. */
const MAX_CERTIFICATE = 65_536;

/** Reads a list of extensions; none may come twice (RFC 5280 section 4.2). */
export function readExtensions(der: Uint8Array, what: string): Extension[] {
  const extensions: Extension[] = [];
  const list = new DerReader(readOne(der, `${what}, the extensions`).content);
  while (!list.done) {
    const one = list.inside(`${what}, an extension`);
    const id = readObjectId(one, `${what}, the id of an extension`);
    const critical = readDefaultFalse(one, `${what}, ${id}`);
    const { content: value } = one.next(`${what}, ${id}`, TAG.octetString);
    one.end(`${what}, ${id}`);
    ensure(
      !extensions.some((other) => other.id === id),
      "certificate",
      `Cannot read ${what}: extension ${id} comes twice`,
    );
    extensions.push({ id, critical, value });
  }
  return extensions;
}

/** The frame around what is signed, the same for certificates and revocation lists. */
interface SignedFrame {
  readonly signed: DerReader;
  readonly raw: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** Reads the frame around what is signed. */
export function readSigned(der: Uint8Array, what: string): SignedFrame {
  ensure(
    der.length <= MAX_CERTIFICATE,
    "size",
    `Cannot read ${what}: ${der.length} bytes, more than ${MAX_CERTIFICATE}`,
  );
  const outer = new DerReader(readOne(der, what).content);
  const { raw, content } = outer.next(what, TAG.sequence);
  const algorithm = outer.next(`${what}, the algorithm`, TAG.sequence).raw;
  const signature = readBitString(outer, `${what}, the signature`);
  outer.end(what);
  return { signed: new DerReader(content), raw, algorithm, signature };
}

/** The algorithm is written twice, and must be the same (RFC 5280 section 4.1.1.2). */
export function ensureSameAlgorithm(inner: Uint8Array, outer: Uint8Array, what: string): void {
  ensure(equalBytes(inner, outer), "certificate", `Cannot read ${what}: it names two algorithms`);
}

function readVersion(reader: DerReader, what: string): void {
  const version = reader.inside(`${what}, the version`, TAG.context0);
  const number = readInteger(version, `${what}, the version`);
  version.end(`${what}, the version`);
  ensure(number === 2, "certificate", `Cannot read ${what}: it is not of version 3`);
}

function readValidity(reader: DerReader, what: string): { notBefore: number; notAfter: number } {
  const validity = reader.inside(`${what}, the validity`);
  const notBefore = readTime(validity, `${what}, notBefore`);
  const notAfter = readTime(validity, `${what}, notAfter`);
  validity.end(`${what}, the validity`);
  return { notBefore, notAfter };
}

/**
 * Reads a certificate in DER. It is read as DER and as nothing else: text in PEM somewhere inside, as in a quote, is content.
 *
 * @throws {AttestationError} when it is not exactly a certificate of version 3.
 */
export function parseCertificate(der: Uint8Array, what = "the certificate"): Certificate {
  const { signed, raw, algorithm, signature } = readSigned(der, what);
  readVersion(signed, what);
  const serial = toHex(unsigned(signed.next(`${what}, the serial number`, TAG.integer), `${what}, the serial number`));
  ensureSameAlgorithm(signed.next(`${what}, the algorithm`, TAG.sequence).raw, algorithm, what);
  const issuer = signed.next(`${what}, the issuer`, TAG.sequence).raw;
  const validity = readValidity(signed, what);
  const subject = signed.next(`${what}, the subject`, TAG.sequence).raw;
  const spki = signed.next(`${what}, the public key`, TAG.sequence).raw;
  signed.optional(TAG.context1Primitive, `${what}, the issuer's unique id`);
  signed.optional(TAG.context2Primitive, `${what}, the subject's unique id`);
  const list = signed.optional(TAG.context3, `${what}, the extensions`);
  const extensions = list === undefined ? [] : readExtensions(list.content, what);
  signed.end(what);
  const commonName = commonNameOf(subject, what);
  return { der, signed: raw, serial, algorithm, issuer, subject, commonName, ...validity, spki, extensions, signature };
}

/** The value of an extension, or `undefined`. */
export const extensionOf = (certificate: Certificate, id: string): Uint8Array | undefined =>
  certificate.extensions.find((extension) => extension.id === id)?.value;

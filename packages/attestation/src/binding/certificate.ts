import { commonName, der } from "../der/writer.ts";
import { equalBytes, utf8 } from "../encoding/bytes.ts";
import { fromBase64, toBase64 } from "../encoding/text.ts";
import { ensure } from "../errors.ts";
import { parseQuote } from "../quote/quote.ts";
import { algorithmUnder } from "../x509/algorithms.ts";
import { type Certificate, extensionOf, parseCertificate } from "../x509/certificate.ts";
import { SGX_EXTENSION } from "../x509/sgx-extension.ts";
import { ensureIssuedBy } from "../x509/signature.ts";
import { basicConstraints, extension, keyUsage, type Signer, writeCertificate } from "../x509/write.ts";
import { type PublicJwk, spkiOfJwk } from "./jwk.ts";

/** The extension for conceptual messages in certificates (RFC 9999). */
const CMW_EXTENSION = "1.3.6.1.5.5.7.1.35";

/** What a certificate of a key is made of. */
export interface KeyCertificateOptions {
  /** The key. */
  readonly jwk: PublicJwk;
  /** The common name of subject and issuer. */
  readonly name: string;
  /** Up to 20 bytes of serial number, positive and unique for the issuer. */
  readonly serial: Uint8Array;
  /** From when on the key is valid, in milliseconds since 1970. */
  readonly notBefore: number;
  /** Until when the key is valid, in milliseconds since 1970. */
  readonly notAfter: number;
  /** A DCAP quote: it becomes the first extension, where older clients look for it. @default none */
  readonly quote?: Uint8Array | undefined;
  /** Other evidence, the JSON text of a conceptual message. @default none */
  readonly message?: string | undefined;
  /** Signs with the key itself. */
  readonly signer: Signer;
}

/** Makes the self-signed certificate of a key with its evidence, for `x5c`: base64 of DER (RFC 7517 section 4.7). */
export async function writeKeyCertificate(options: KeyCertificateOptions): Promise<string> {
  const { jwk, name, serial, notBefore, notAfter, quote, message, signer } = options;
  const subject = commonName(name);
  const extensions = [
    ...(quote === undefined ? [] : [extension(SGX_EXTENSION, quote)]),
    keyUsage("digitalSignature"),
    basicConstraints(false),
    // A UTF8String holds the JSON form (RFC 9999 section 4).
    ...(message === undefined ? [] : [extension(CMW_EXTENSION, der(0x0c, utf8(message)))]),
  ];
  const fields = { serial, issuer: subject, subject, notBefore, notAfter, spki: spkiOfJwk(jwk), extensions };
  return toBase64(await writeCertificate(fields, signer));
}

/** Reads the certificate of a key: the one of `x5c`, which must hold the key. */
export function readKeyCertificate(text: string, jwk: PublicJwk): Certificate {
  const certificate = parseCertificate(fromBase64(text, "the certificate of the key"), "the certificate of the key");
  const isSame = equalBytes(certificate.spki, spkiOfJwk(jwk));
  ensure(isSame, "certificate_key", "Cannot use the certificate of the key: it holds another key");
  return certificate;
}

/** Refuses a certificate that its own key did not sign as RFC 5280 asks. */
export async function ensureSelfSigned(certificate: Certificate): Promise<true> {
  const what = "the certificate of the key";
  const algorithm = algorithmUnder(certificate.algorithm, certificate.spki);
  ensure(algorithm !== undefined, "certificate_algorithm", `Cannot use ${what}: its algorithm is not known`);
  await ensureIssuedBy(certificate, certificate, algorithm, "certificate_signature", what);
  return true;
}

/** The quote in a certificate. Intel's own certificates have another value under the same identifier, which is no quote. */
export function quoteIn(certificate: Certificate): Uint8Array | undefined {
  const value = extensionOf(certificate, SGX_EXTENSION);
  if (value !== undefined) parseQuote(value);
  return value;
}

import { asBytes, asList, asMap, CborTag, readCbor } from "../cbor/reader.ts";
import { equalBytes, isZero } from "../encoding/bytes.ts";
import { ensure } from "../errors.ts";
import { parseQuote } from "../quote/quote.ts";
import { digest } from "../webcrypto.ts";
import { type Certificate, extensionOf } from "../x509/certificate.ts";

/** The extension for tagged evidence (TCG DICE, as the interoperable RA-TLS of the CCC uses it). */
const TAGGED_EVIDENCE = "2.23.133.5.4.9";
/** The CBOR tag of a DCAP quote with its claims. */
const QUOTE_TAG = 60_000;
/** SHA-256 in the registry of named information (RFC 6920). */
const SHA_256 = 1;

/** What a certificate with tagged evidence says, read and not judged. */
export interface TaggedEvidence {
  /** The DCAP quote. */
  readonly quote: Uint8Array;
  /** The claims as the quote's report data is the digest of. */
  readonly claims: Uint8Array;
  /** The digest of the certificate's SubjectPublicKeyInfo, as the claims say. */
  readonly publicKeyHash: Uint8Array;
  /** What a verifier asked the evidence to be for. */
  readonly nonce: Uint8Array | undefined;
}

/** Whether a certificate has tagged evidence. */
export const hasTaggedEvidence = (certificate: Certificate): boolean =>
  extensionOf(certificate, TAGGED_EVIDENCE) !== undefined;

/**
 * Reads the tagged evidence in a certificate.
 *
 * @throws {AttestationError} with `evidence_missing` when it has none, others when that cannot be read.
 */
export function readTaggedEvidence(certificate: Certificate): TaggedEvidence {
  const value = extensionOf(certificate, TAGGED_EVIDENCE);
  ensure(value !== undefined, "evidence_missing", "Cannot use the certificate: it has no tagged evidence");
  const tagged = readCbor(value, "the tagged evidence");
  const isQuote = tagged instanceof CborTag && tagged.tag === QUOTE_TAG;
  ensure(isQuote, "cbor", "Cannot read the tagged evidence: it is of another kind");
  const [quote, buffer, ...rest] = asList(tagged.value, "the tagged evidence");
  ensure(rest.length === 0, "cbor", "Cannot read the tagged evidence: it has more than quote and claims");
  const claims = asBytes(buffer, "the claims of the evidence");
  const members = asMap(readCbor(claims, "the claims of the evidence"), "the claims of the evidence");
  const hash = readCbor(asBytes(members.get("pubkey-hash"), "the hash of the key"), "the hash of the key");
  const [algorithm, publicKeyHash] = asList(hash, "the hash of the key");
  ensure(algorithm === SHA_256, "cbor", "Cannot read the tagged evidence: the hash of the key is not SHA-256");
  const nonce = members.has("nonce") ? asBytes(members.get("nonce"), "the nonce of the evidence") : undefined;
  return {
    quote: asBytes(quote, "the quote"),
    claims,
    publicKeyHash: asBytes(publicKeyHash, "the hash of the key"),
    nonce,
  };
}

/**
 * Verifies that tagged evidence names the key of its certificate. The quote itself is judged apart.
 *
 * @throws {AttestationError} with `key_binding` or `claims_binding`.
 */
export async function ensureTaggedBinding(certificate: Certificate, evidence: TaggedEvidence): Promise<true> {
  const { reportData } = parseQuote(evidence.quote).report;
  const named = await digest("SHA-256", evidence.claims);
  const isNamed = equalBytes(reportData.subarray(0, 32), named) && isZero(reportData.subarray(32));
  ensure(isNamed, "claims_binding", "Cannot trust the claims: the quote names others");
  const isKey = equalBytes(evidence.publicKeyHash, await digest("SHA-256", certificate.spki));
  ensure(isKey, "key_binding", "Cannot trust the key: the claims name another one");
  return true;
}

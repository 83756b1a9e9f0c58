import { Checklist, ensureAccepted, type Verdict } from "../appraisal/checklist.ts";
import { DerReader, readOne, TAG } from "../der/reader.ts";
import { readBitString, unsigned } from "../der/values.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { toBase64Url, toHex } from "../encoding/text.ts";
import { ensure } from "../errors.ts";
import { appraiseEvidence, type EvidenceAppraisal, type EvidenceOptions, MEDIA_TYPE } from "../evidence/appraise.ts";
import { digest } from "../webcrypto.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { ensureCurrent } from "../x509/chain.ts";
import { ensureSelfSigned, quoteIn } from "./certificate.ts";
import { keyHalf } from "./report-data.ts";
import { ensureTaggedBinding, hasTaggedEvidence, readTaggedEvidence, type TaggedEvidence } from "./tagged-evidence.ts";

/** What an attested certificate is judged with. */
export interface AttestedCertificateOptions extends EvidenceOptions {
  /** The nonce that tagged evidence must be for. @default none is asked for */
  readonly nonce?: Uint8Array | undefined;
}

/** A certificate and its evidence, judged. */
export interface CertificateAppraisal extends Verdict {
  /** The certificate, where it can be read. */
  readonly certificate: Certificate | undefined;
  /** The evidence, where there is any. */
  readonly evidence: EvidenceAppraisal | undefined;
}

interface Given {
  readonly quote: Uint8Array;
  readonly tagged: TaggedEvidence | undefined;
}

/** Tagged evidence goes first: a quote beside it is for those who do not know it. */
function evidenceIn(certificate: Certificate): Given {
  if (hasTaggedEvidence(certificate)) {
    const tagged = readTaggedEvidence(certificate);
    return { quote: tagged.quote, tagged };
  }
  const quote = quoteIn(certificate);
  ensure(quote !== undefined, "evidence_missing", "Cannot trust the certificate: it comes without evidence");
  return { quote, tagged: undefined };
}

const RSA_KEY = "300d06092a864886f70d0101010500";

/** Modulus and exponent of an RSA key; `undefined` for other keys. */
function rsaMembers(spki: Uint8Array): { readonly n: string; readonly e: string } | undefined {
  const outer = new DerReader(readOne(spki, "the public key").content);
  const algorithm = outer.next("the public key", TAG.sequence).raw;
  if (toHex(algorithm) !== RSA_KEY) return undefined;
  const key = new DerReader(readOne(readBitString(outer, "the public key"), "the public key").content);
  const [n, e] = ["n", "e"].map((name) => unsigned(key.next(name, TAG.integer), name));
  return n === undefined || e === undefined ? undefined : { n: toBase64Url(n), e: toBase64Url(e) };
}

/** The first half of the report data names the key: by its SubjectPublicKeyInfo, or for RSA by the text of its members. */
async function ensureNamed(reportData: Uint8Array, { spki }: Certificate): Promise<true> {
  const half = reportData.subarray(0, 32);
  const rsa = rsaMembers(spki);
  const names = [await digest("SHA-256", spki), ...(rsa === undefined ? [] : [await keyHalf({ kty: "RSA", ...rsa })])];
  const isNamed = names.some((name) => equalBytes(name, half));
  ensure(isNamed, "key_binding", "Cannot trust the key: the evidence names another one, or none");
  return true;
}

function checkNonce({ tagged }: Given, nonce: Uint8Array): true {
  const isSame = tagged?.nonce !== undefined && equalBytes(tagged.nonce, nonce);
  ensure(isSame, "nonce", "Cannot use the evidence: it is not for the nonce");
  return true;
}

/**
 * Judges a certificate of RA-TLS and its evidence: a quote under Intel's identifier, or the tagged evidence of the CCC. It throws
 * nothing for a certificate that is bad, whatever it is.
 */
export async function appraiseAttestedCertificate(
  der: Uint8Array,
  options: AttestedCertificateOptions,
): Promise<CertificateAppraisal> {
  const list = new Checklist();
  const certificate = list.run("certificate", [], () => parseCertificate(der));
  list.check("certificate_time", [certificate], (known) => ensureCurrent(known, options.at, "the certificate"));
  list.check("certificate_signature", [certificate], ensureSelfSigned);
  const given = list.run("evidence_given", [certificate], evidenceIn);
  const evidence = given.then(async (known) => {
    if (known === undefined) return undefined;
    const judged = await appraiseEvidence({ evidence: { mediaType: MEDIA_TYPE.quote, bytes: known.quote } }, options);
    list.add(judged.steps);
    return judged;
  });
  list.check("key_binding", [certificate, given, evidence], (known, { tagged }, { reportData = new Uint8Array() }) =>
    tagged === undefined ? ensureNamed(reportData, known) : ensureTaggedBinding(known, tagged),
  );
  const { nonce } = options;
  if (nonce !== undefined) list.check("nonce", [given], (known) => checkNonce(known, nonce));
  await evidence;
  return { ...(await list.verdict()), certificate: await certificate, evidence: await evidence };
}

/**
 * Verifies a certificate of RA-TLS and its evidence.
 *
 * @throws {AttestationError} with every reason, when one check did not pass.
 */
export async function verifyAttestedCertificate(
  der: Uint8Array,
  options: AttestedCertificateOptions,
): Promise<CertificateAppraisal> {
  const appraisal = await appraiseAttestedCertificate(der, options);
  ensureAccepted(appraisal, "the certificate");
  return appraisal;
}

import { Checklist, ensureAccepted, type Verdict } from "../appraisal/checklist.ts";
import { isZero } from "../encoding/bytes.ts";
import { isObject, type JsonObject, Members } from "../encoding/json.ts";
import { ensure } from "../errors.ts";
import {
  appraiseEvidence,
  type Evidence,
  type EvidenceAppraisal,
  type EvidenceOptions,
  MEDIA_TYPE,
} from "../evidence/appraise.ts";
import { readMessage } from "../evidence/message.ts";
import type { Certificate } from "../x509/certificate.ts";
import { ensureCurrent } from "../x509/chain.ts";
import { ensureSelfSigned, quoteIn, readKeyCertificate } from "./certificate.ts";
import { type KeyClaims, parseClaims } from "./claims.ts";
import { checkClaims, type ExpectedClaims } from "./expected-claims.ts";
import { publicJwkOf, thumbprintOf } from "./jwk.ts";
import { ensureClaimsHalf, ensureKeyHalf } from "./report-data.ts";

/** What an attested key is judged with. */
export interface AttestedKeyOptions extends EvidenceOptions, ExpectedClaims {
  /**
   * Whether keys of confidential-token-broker are taken: their certificate's signature does not hold, and their evidence
   * names no claims, so that it binds neither issuer nor time. @default false
   */
  readonly legacySeed?: boolean | undefined;
}

/** A key and its evidence, judged. */
export interface KeyAppraisal extends Verdict {
  /** The key, as it was given. */
  readonly jwk: JsonObject;
  /** What its issuer says about it, where that can be read; believed only when it is accepted. */
  readonly claims: KeyClaims | undefined;
  /** The evidence, where there is any. */
  readonly evidence: EvidenceAppraisal | undefined;
  /** Until when the verdict holds, in milliseconds since 1970; the time of the check where it is not accepted. */
  readonly validUntil: number;
}

/** Larger certificates of keys are not read. */
const MAX_X5C = 65_536;

/** The first certificate of `x5c`; the others say nothing about the key. */
function certificateText(jwk: JsonObject): string | null {
  const { x5c } = jwk;
  if (x5c === undefined) return null;
  const [first]: unknown[] = Array.isArray(x5c) ? x5c : [];
  ensure(
    typeof first === "string" && first.length <= MAX_X5C,
    "certificate",
    "Cannot read the certificate of the key: no x5c",
  );
  return first;
}

function readCertificate(jwk: JsonObject): Certificate | null {
  const text = certificateText(jwk);
  return text === null ? null : readKeyCertificate(text, publicJwkOf(jwk));
}

/** Evidence is in the member `att`, or a quote in the certificate; endorsements are in `att` either way. */
function evidenceOf(jwk: JsonObject, certificate: Certificate | null): Evidence {
  const { evidence, endorsements } = isObject(jwk.att) ? jwk.att : {};
  const more = endorsements === undefined ? {} : { endorsements: readMessage(endorsements, "endorsements") };
  if (evidence !== undefined) return { evidence: readMessage(evidence, "evidence"), ...more };
  const quote = certificate === null ? undefined : quoteIn(certificate);
  ensure(quote !== undefined, "evidence_missing", "Cannot trust the key: it comes without evidence");
  return { evidence: { mediaType: MEDIA_TYPE.quote, bytes: quote }, ...more };
}

const claimsText = ({ att }: JsonObject): string =>
  new Members(att, "the attestation of the key", "claims").text("claims");

function readReportData({ reportData }: EvidenceAppraisal): Uint8Array {
  const isWhole = reportData?.length === 64;
  ensure(isWhole, "key_binding", "Cannot trust the key: the evidence has no 64 bytes for what it vouches for");
  return reportData;
}

/** Keys of confidential-token-broker have nothing in the second half. */
function checkLegacyHalf(reportData: Uint8Array): true {
  ensure(
    isZero(reportData.subarray(32)),
    "claims_binding",
    "Cannot trust the key: the second half of the report data is not zero",
  );
  return true;
}

function checkCertificate(
  list: Checklist,
  certificate: Promise<Certificate | null | undefined>,
  options: AttestedKeyOptions,
): void {
  list.check("certificate_time", [certificate], (known) => {
    if (known !== null) ensureCurrent(known, options.at, "the certificate of the key");
    return true;
  });
  if (options.legacySeed === true) return;
  list.check("certificate_signature", [certificate], (known) => known === null || ensureSelfSigned(known));
}

/** The claims about the key: the evidence names them, they name the key, and they are as expected. */
function checkAllClaims(
  list: Checklist,
  jwk: JsonObject,
  reportData: Promise<Uint8Array | undefined>,
  options: AttestedKeyOptions,
): Promise<KeyClaims | undefined> {
  if (options.legacySeed === true) {
    list.check("claims_binding", [reportData], checkLegacyHalf);
    return Promise.resolve(undefined);
  }
  const text = list.run("claims_binding", [reportData], async (data) => {
    await ensureClaimsHalf(data, claimsText(jwk));
    return claimsText(jwk);
  });
  return list.run("claims", [text], async (known) => {
    const claims = parseClaims(known);
    const jkt = await thumbprintOf(publicJwkOf(jwk));
    checkClaims(claims, { jkt, alg: jwk.alg }, options.at, options.policy, options);
    return claims;
  });
}

function validUntil(
  accepted: boolean,
  claims: KeyClaims | undefined,
  certificate: Certificate | null | undefined,
  options: AttestedKeyOptions,
) {
  const { at, policy } = options;
  if (!accepted) return at;
  const ends = claims === undefined ? [at + policy.maxAgeMs] : [claims.exp * 1000, claims.iat * 1000 + policy.maxAgeMs];
  return Math.min(...ends, certificate?.notAfter ?? Number.POSITIVE_INFINITY);
}

/**
 * Judges a key of a JWK set and its evidence: what runs where the key lives, that the evidence names the key, and what its
 * issuer says about it. It throws nothing for a key that is bad, whatever it is.
 */
export async function appraiseAttestedJwk(jwk: JsonObject, options: AttestedKeyOptions): Promise<KeyAppraisal> {
  const list = new Checklist();
  const certificate = list.run("certificate", [], () => readCertificate(jwk));
  checkCertificate(list, certificate, options);
  const given = list.run("evidence_given", [certificate], (known) => evidenceOf(jwk, known));
  const evidence = given.then((known) => known && appraiseEvidence(known, options));
  const judged = evidence.then((known) => {
    if (known !== undefined) list.add(known.steps);
    return known;
  });
  // Where the evidence could not be judged at all, that is the reason, and nothing else.
  const known = judged.then((appraisal) => (appraisal?.details === undefined ? undefined : appraisal));
  const reportData = list.run("report_data", [known], readReportData);
  list.check("key_binding", [reportData], (data) => ensureKeyHalf(data, publicJwkOf(jwk)));
  const claims = checkAllClaims(list, jwk, reportData, options);
  await judged;
  const verdict = await list.verdict();
  const until = validUntil(verdict.accepted, await claims, await certificate, options);
  return { ...verdict, jwk, claims: await claims, evidence: await evidence, validUntil: until };
}

/**
 * Verifies a key of a JWK set and its evidence.
 *
 * @throws {AttestationError} with every reason, when one check did not pass.
 */
export async function verifyAttestedJwk(jwk: JsonObject, options: AttestedKeyOptions): Promise<KeyAppraisal> {
  const appraisal = await appraiseAttestedJwk(jwk, options);
  ensureAccepted(appraisal, "the key");
  return appraisal;
}

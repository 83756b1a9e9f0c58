import { concatBytes, equalBytes, utf8 } from "../encoding/bytes.ts";
import { fromHex, toHex } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";
import type { Quote } from "../quote/quote.ts";
import { digest, ensureSigned } from "../webcrypto.ts";
import type { Certificate } from "../x509/certificate.ts";
import { p256Spki } from "../x509/ecdsa.ts";
import type { Collateral } from "./collateral.ts";
import type { CheckTime, Pck } from "./context.ts";
import type { QeIdentity } from "./qe-identity.ts";
import type { IsvLevel, TcbInfo } from "./tcb-info.ts";

/** Intel, as the vendor of the quoting enclave. */
const INTEL = fromHex("939a7233f79c4ca9940a0db3957f0607", "a constant");
/** The flag DEBUG in the first byte of an enclave's attributes. */
const DEBUG = 0x02;

const span = (from: number, until: number): string =>
  `it is valid from ${new Date(from).toISOString()} to ${new Date(until).toISOString()}`;

/** Verifies the TCB info: its signature, its time, and that it is about this kind of quote and this platform. */
export async function verifyTcbInfo(
  { tcbInfo: text, tcbInfoSignature }: Collateral,
  info: TcbInfo,
  signer: Certificate,
  quote: Quote,
  { extension }: Pck,
  { at, graceMs, cache }: CheckTime,
): Promise<TcbInfo> {
  const what = "Cannot use the TCB info:";
  const refusal = new AttestationError("tcb_info_signature", `${what} the signature does not hold`);
  await ensureSigned("ES256", signer.spki, utf8(text), tcbInfoSignature, refusal, cache);
  const { issuedAt, nextUpdateAt, fmspc, pceId, kind } = info;
  ensure(issuedAt <= at && at <= nextUpdateAt + graceMs, "tcb_info_time", `${what} ${span(issuedAt, nextUpdateAt)}`);
  ensure(kind === quote.report.kind.toUpperCase(), "tcb_info_kind", `${what} it is for ${kind}`);
  ensure(fmspc === extension.fmspc, "fmspc", `${what} it is for ${fmspc}, and the platform is ${extension.fmspc}`);
  ensure(
    pceId === extension.pceId,
    "pce_id",
    `${what} it is for PCE ${pceId}, and the platform has ${extension.pceId}`,
  );
  return info;
}

/** Verifies the QE identity: its signature, its time, and that it is for this kind of quote. */
export async function verifyQeIdentity(
  { qeIdentity: text, qeIdentitySignature }: Collateral,
  identity: QeIdentity,
  signer: Certificate,
  quote: Quote,
  { at, graceMs, cache }: CheckTime,
): Promise<QeIdentity> {
  const what = "Cannot use the QE identity:";
  const refusal = new AttestationError("qe_identity_signature", `${what} the signature does not hold`);
  await ensureSigned("ES256", signer.spki, utf8(text), qeIdentitySignature, refusal, cache);
  const { issuedAt, nextUpdateAt, kind } = identity;
  ensure(issuedAt <= at && at <= nextUpdateAt + graceMs, "qe_identity_time", `${what} ${span(issuedAt, nextUpdateAt)}`);
  const expected = quote.report.kind === "sgx" ? "QE" : "TD_QE";
  ensure(kind === expected, "qe_identity_kind", `${what} it is for ${kind}, and the quote is of ${expected}`);
  return identity;
}

/** Verifies that the PCK key signed the report of the quoting enclave, and that the vendor is Intel. */
export async function verifyQeReport({ qeVendor, signature }: Quote, { certificate }: Pck): Promise<true> {
  ensure(
    equalBytes(qeVendor, INTEL),
    "qe_vendor",
    `Cannot trust the quoting enclave: its vendor is ${toHex(qeVendor)}`,
  );
  const refusal = new AttestationError(
    "qe_report_signature",
    "Cannot trust the quoting enclave: the PCK key did not sign it",
  );
  await ensureSigned("ES256", certificate.spki, signature.qeReportBytes, signature.qeReportSignature, refusal);
  return true;
}

/** Verifies that the report of the quoting enclave names the attestation key. */
export async function verifyQeReportData({ signature }: Quote): Promise<true> {
  const { attestationKey, qeAuthData, qeReport } = signature;
  const named = await digest("SHA-256", concatBytes(attestationKey, qeAuthData));
  const isNamed = equalBytes(qeReport.reportData, concatBytes(named, new Uint8Array(32)));
  ensure(isNamed, "qe_report_data", "Cannot trust the attestation key: the quoting enclave does not name it");
  return true;
}

/** Verifies that the attestation key signed header and report. */
export async function verifyQuoteSignature({ signed, signature }: Quote): Promise<true> {
  const refusal = new AttestationError(
    "quote_signature",
    "Cannot trust the quote: the attestation key did not sign it",
  );
  await ensureSigned("ES256", p256Spki(signature.attestationKey), signed, signature.signature, refusal);
  return true;
}

const masked = (bytes: Uint8Array, mask: Uint8Array): Uint8Array => bytes.map((byte, at) => byte & (mask[at] ?? 0));

/** Whether bytes are as expected where the mask has ones. */
export const matchesUnder = (bytes: Uint8Array, mask: Uint8Array, expected: Uint8Array): boolean =>
  equalBytes(masked(bytes, mask), expected);

/** Judges the quoting enclave by its identity, and gives the level it reaches. */
export function matchQeIdentity({ signature: { qeReport } }: Quote, identity: QeIdentity): IsvLevel {
  const what = "Cannot trust the quoting enclave:";
  const { mrSigner, isvProdId, miscSelect, miscSelectMask, attributes, attributesMask } = identity;
  ensure(equalBytes(qeReport.mrSigner, mrSigner), "qe_signer", `${what} it is signed by ${toHex(qeReport.mrSigner)}`);
  ensure(
    qeReport.isvProdId === isvProdId,
    "qe_product",
    `${what} it is product ${qeReport.isvProdId}, not ${isvProdId}`,
  );
  const hasMisc = matchesUnder(qeReport.miscSelect, miscSelectMask, miscSelect);
  ensure(hasMisc, "qe_miscselect", `${what} its MISCSELECT is ${toHex(qeReport.miscSelect)}`);
  const hasAttributes = matchesUnder(qeReport.attributes, attributesMask, attributes);
  const isDebug = ((qeReport.attributes[0] ?? DEBUG) & DEBUG) !== 0;
  ensure(hasAttributes && !isDebug, "qe_attributes", `${what} its attributes are ${toHex(qeReport.attributes)}`);
  const level = identity.levels.find(({ isvSvn }) => qeReport.isvSvn >= isvSvn);
  ensure(
    level !== undefined && level.status !== "Revoked",
    "qe_tcb",
    `${what} its security version is ${qeReport.isvSvn}`,
  );
  return level;
}

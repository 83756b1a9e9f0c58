export type { Step, Verdict } from "./appraisal/checklist.ts";
export { intelSgxRoot, type TrustedRoot, trustRoot } from "./appraisal/root.ts";
export { STEPS, type StepName } from "./appraisal/steps.ts";
export {
  type AttestedCertificateOptions,
  appraiseAttestedCertificate,
  type CertificateAppraisal,
  verifyAttestedCertificate,
} from "./binding/attested-certificate.ts";
export {
  type AttestedKeyOptions,
  appraiseAttestedJwk,
  type KeyAppraisal,
  verifyAttestedJwk,
} from "./binding/attested-jwk.ts";
export { type KeyCertificateOptions, writeKeyCertificate } from "./binding/certificate.ts";
export { formatClaims, type KeyClaims, parseClaims } from "./binding/claims.ts";
export type { ExpectedClaims } from "./binding/expected-claims.ts";
export { type PublicJwk, thumbprintOf } from "./binding/jwk.ts";
export { reportDataFor } from "./binding/report-data.ts";
export { ensureTaggedBinding, readTaggedEvidence, type TaggedEvidence } from "./binding/tagged-evidence.ts";
export { type CollateralCacheOptions, cacheCollateral } from "./collateral/cache.ts";
export type { FetchCollateral, FetchedResponse } from "./collateral/fetch.ts";
export {
  type CollateralRequest,
  fetchCollateral,
  INTEL_PCS,
  type PcsOptions,
  pcsCollateral,
  requestOf,
} from "./collateral/pcs.ts";
export { appraiseQuote, type QuoteAppraisal, type QuoteOptions, verifyQuote } from "./dcap/appraise.ts";
export { type Collateral, formatCollateral, parseCollateral } from "./dcap/collateral.ts";
export type { PlatformTcb } from "./dcap/platform.ts";
export { TCB_STATUSES, type TcbStatus } from "./dcap/status.ts";
export { AttestationError, type Reason } from "./errors.ts";
export * from "./evidence/appraise.ts";
export { type ConceptualMessage, type MessageRecord, messageRecord, readMessage } from "./evidence/message.ts";
export {
  appraiseNitroDocument,
  type NitroAppraisal,
  type NitroOptions,
  verifyNitroDocument,
} from "./nitro/appraise.ts";
export { type NitroDocument, parseNitroDocument } from "./nitro/document.ts";
export { readPolicyDocument } from "./policy/document.ts";
export * from "./policy/measurement.ts";
export { type AttestationPolicy, type CompiledPolicy, compilePolicy, type WeakAttribute } from "./policy/policy.ts";
export { parseQuote, type Quote } from "./quote/quote.ts";
export type { SgxReport } from "./quote/sgx-report.ts";
export type { QuoteSignature } from "./quote/signature-data.ts";
export type { TdReport } from "./quote/td-report.ts";
export { REASONS, type ReasonCode } from "./reasons.ts";
export { appraiseSnpReport, type SnpAppraisal, type SnpOptions, verifySnpReport } from "./snp/appraise.ts";
export {
  formatSnpEndorsements,
  parseCertificateTable,
  parseSnpEndorsements,
  type SnpEndorsements,
} from "./snp/endorsements.ts";
export { parseSnpReport, type SnpReport, type SnpTcb } from "./snp/report.ts";
export { VerificationCache } from "./verification-cache.ts";
export { type Certificate, type Extension, parseCertificate } from "./x509/certificate.ts";
export { fromPem, toPem } from "./x509/pem.ts";
export type { PckExtension } from "./x509/sgx-extension.ts";
export type { Signer } from "./x509/write.ts";

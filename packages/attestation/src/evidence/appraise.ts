import type { Verdict } from "../appraisal/checklist.ts";
import { amdRoots, awsNitroRoot, intelSgxRoot, type TrustedRoot } from "../appraisal/root.ts";
import { appraiseQuote, type QuoteAppraisal } from "../dcap/appraise.ts";
import { type Collateral, parseCollateral } from "../dcap/collateral.ts";
import { fromUtf8 } from "../encoding/text.ts";
import { AttestationError, type Reason } from "../errors.ts";
import { appraiseNitroDocument, type NitroAppraisal } from "../nitro/appraise.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import { appraiseSnpReport, type SnpAppraisal } from "../snp/appraise.ts";
import { parseSnpEndorsements, type SnpEndorsements } from "../snp/endorsements.ts";
import type { VerificationCache } from "../verification-cache.ts";
import type { ConceptualMessage } from "./message.ts";

/** The media types of evidence and endorsements. */
export const MEDIA_TYPE = {
  /** An Intel DCAP quote. */
  quote: "application/vnd.countersign.dcap-quote",
  /** Collateral of Intel. */
  collateral: "application/vnd.countersign.dcap-collateral+json",
  /** An attestation report of AMD SEV-SNP. */
  snpReport: "application/vnd.countersign.sev-snp-report",
  /** Certificates of AMD. */
  snpCertificates: "application/vnd.countersign.sev-snp-certificates+json",
  /** An attestation document of an AWS Nitro enclave. */
  nitroDocument: "application/vnd.countersign.nitro-document+cose",
} as const;

/** Evidence, and what comes with it. */
export interface Evidence {
  /** What an environment says of itself. */
  readonly evidence: ConceptualMessage;
  /** What its vendor says of it. */
  readonly endorsements?: ConceptualMessage | undefined;
}

/** Where collateral comes from, when it does not come with the evidence. */
export interface CollateralSource {
  /** Gets the collateral of the platform of a quote. */
  collateralFor(quote: Uint8Array): Promise<Collateral>;
}

/** What evidence is judged with. */
export interface EvidenceOptions {
  /** The time of the check, in milliseconds since 1970. */
  readonly at: number;
  /** What is accepted. */
  readonly policy: CompiledPolicy;
  /** The roots that are trusted. @default those of Intel, AMD and AWS */
  readonly roots?: readonly TrustedRoot[] | undefined;
  /** Intel's collateral, or where it comes from. @default what comes with the evidence */
  readonly collateral?: Collateral | CollateralSource | undefined;
  /** AMD's certificates. @default what comes with the evidence */
  readonly snpEndorsements?: SnpEndorsements | undefined;
  /** Signatures of Intel's collateral that are known to hold. @default none */
  readonly cache?: VerificationCache | undefined;
}

/** Evidence of any kind, judged. */
export interface EvidenceAppraisal extends Verdict {
  /** Which kind it is. */
  readonly kind: "dcap" | "sev-snp" | "nitro";
  /** What the environment itself put into the evidence; believed only when it is accepted. */
  readonly reportData: Uint8Array | undefined;
  /** Whether the host can read the environment's memory. */
  readonly debug: boolean | undefined;
  /** The root that its chain ends in. */
  readonly root: TrustedRoot | undefined;
  /** What was found out. */
  readonly details: QuoteAppraisal | SnpAppraisal | NitroAppraisal | undefined;
}

/** Every root that is genuine. */
export const vendorRoots: readonly TrustedRoot[] = [intelSgxRoot, ...amdRoots, awsNitroRoot];

const isSource = (value: Collateral | CollateralSource): value is CollateralSource => "collateralFor" in value;

function endorsementText(evidence: Evidence, mediaType: string): string {
  const { endorsements } = evidence;
  if (endorsements?.mediaType === mediaType) return fromUtf8(endorsements.bytes, "the endorsements");
  throw new AttestationError(
    "evidence_missing",
    `Cannot judge the evidence: it comes without ${mediaType}, and none was given`,
  );
}

async function collateralOf(evidence: Evidence, { collateral }: EvidenceOptions): Promise<Collateral> {
  if (collateral === undefined) return parseCollateral(endorsementText(evidence, MEDIA_TYPE.collateral));
  return isSource(collateral) ? collateral.collateralFor(evidence.evidence.bytes) : collateral;
}

type Appraise = (evidence: Evidence, options: EvidenceOptions) => Promise<EvidenceAppraisal>;

const appraiseDcap: Appraise = async (evidence, options) => {
  const collateral = await collateralOf(evidence, options);
  const { roots = vendorRoots } = options;
  const details = await appraiseQuote(evidence.evidence.bytes, { ...options, roots, collateral });
  return { ...details, kind: "dcap", reportData: details.quote?.report.reportData, details };
};

const appraiseSnp: Appraise = async (evidence, options) => {
  const { roots = vendorRoots, snpEndorsements } = options;
  const endorsements = snpEndorsements ?? parseSnpEndorsements(endorsementText(evidence, MEDIA_TYPE.snpCertificates));
  const details = await appraiseSnpReport(evidence.evidence.bytes, { ...options, roots, endorsements });
  return { ...details, kind: "sev-snp", reportData: details.report?.reportData, details };
};

const appraiseNitro: Appraise = async ({ evidence }, options) => {
  const { roots = vendorRoots } = options;
  const details = await appraiseNitroDocument(evidence.bytes, { ...options, roots });
  return { ...details, kind: "nitro", reportData: details.document?.userData, details };
};

/** The kinds of evidence, by media type. */
const FORMATS: ReadonlyMap<string, readonly [kind: EvidenceAppraisal["kind"], appraise: Appraise]> = new Map([
  [MEDIA_TYPE.quote, ["dcap", appraiseDcap]],
  [MEDIA_TYPE.snpReport, ["sev-snp", appraiseSnp]],
  [MEDIA_TYPE.nitroDocument, ["nitro", appraiseNitro]],
]);

const refused = (kind: EvidenceAppraisal["kind"], reason: Reason): EvidenceAppraisal => ({
  kind,
  accepted: false,
  steps: [{ name: "collateral", outcome: "failed", reason }],
  reasons: [reason],
  reportData: undefined,
  debug: undefined,
  root: undefined,
  details: undefined,
});

/** Judges evidence of any kind. It throws nothing for evidence that is bad, whatever it is. */
export async function appraiseEvidence(evidence: Evidence, options: EvidenceOptions): Promise<EvidenceAppraisal> {
  const { mediaType } = evidence.evidence;
  const [kind, appraise] = FORMATS.get(mediaType) ?? [];
  if (kind === undefined || appraise === undefined) {
    return refused("dcap", { code: "evidence_kind", message: `Cannot judge the evidence: ${mediaType} is not known` });
  }
  try {
    return await appraise(evidence, options);
  } catch (error) {
    if (error instanceof AttestationError) return refused(kind, { code: error.code, message: error.message });
    throw error;
  }
}

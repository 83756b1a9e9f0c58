import { Checklist, ensureAccepted, type Verdict } from "../appraisal/checklist.ts";
import { amdRoots, anchorOf, ensureClock, type TrustedRoot } from "../appraisal/root.ts";
import { equalBytes } from "../encoding/bytes.ts";
import { toHex } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";
import { checkEnvironment } from "../policy/checks.ts";
import { type Environment, inHex } from "../policy/facts.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import { ensureSigned } from "../webcrypto.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { verifyChain, verifyCrl } from "../x509/chain.ts";
import { parseCrl } from "../x509/crl.ts";
import { chipOf } from "./chip.ts";
import type { SnpEndorsements } from "./endorsements.ts";
import { parseSnpReport, type SnpReport, type SnpTcb, tcbOf } from "./report.ts";

/** What a report is judged with. */
export interface SnpOptions {
  /** What AMD publishes about the chip. */
  readonly endorsements: SnpEndorsements;
  /** The time of the check, in milliseconds since 1970. */
  readonly at: number;
  /** What is accepted. */
  readonly policy: CompiledPolicy;
  /** The roots that are trusted. @default AMD's */
  readonly roots?: readonly TrustedRoot[] | undefined;
}

/** A report, judged. What it says may be believed only when it is accepted. */
export interface SnpAppraisal extends Verdict {
  /** The report, where it can be read. */
  readonly report: SnpReport | undefined;
  /** The security versions of the processor's parts, where the certificate can be read. */
  readonly tcb: SnpTcb | undefined;
  /** Whether the host can read its memory, where the report can be read. */
  readonly debug: boolean | undefined;
  /** The root that its chain ends in, where that one is trusted. */
  readonly root: TrustedRoot | undefined;
}

const PARTS = ["fmc", "bootloader", "tee", "snp", "microcode"] as const;
const ROLES = [["SEV-VCEK", "SEV-VLEK"], ["SEV-"], ["ARK-"]];
const PS384 = { algorithm: "PS384" } as const;

/** Bits of the guest's policy (AMD 56860, table GUEST_POLICY). */
const MIGRATION_AGENT_BIT = 18;
const DEBUG_BIT = 19;

const readChain = ({ leaf, intermediate, root }: SnpEndorsements): Certificate[] =>
  [leaf, intermediate, root].map((der, at) => parseCertificate(der, `the chain of the chip, certificate ${at + 1}`));

/** AMD's root publishes a list; the intermediates publish none. */
async function checkCrl(chain: readonly Certificate[], options: SnpOptions): Promise<true> {
  const { endorsements, at, policy } = options;
  const [, intermediate, root] = chain;
  if (endorsements.crl === undefined) {
    ensure(policy.allowMissingCrl, "crl_missing", "Cannot trust the chip: there is no revocation list of its root");
    return true;
  }
  ensure(
    intermediate !== undefined && root !== undefined,
    "chain_length",
    "Cannot trust the chip: its chain is too short",
  );
  const read = parseCrl(endorsements.crl, "AMD's revocation list");
  const crl = { ...read, nextUpdate: read.nextUpdate + policy.collateralGraceMs };
  await verifyCrl(crl, root, { ...PS384, at, what: "AMD's revocation list" });
  ensure(!crl.revoked.has(intermediate.serial), "revoked", "Cannot trust the chip: its issuer is revoked");
  return true;
}

async function checkSignature({ signed, signature, signatureAlgorithm }: SnpReport, leaf: Certificate): Promise<true> {
  const refusal = new AttestationError("report_signature", "Cannot trust the report: the chip's key did not sign it");
  ensure(signatureAlgorithm === 1, "report_signature", `Cannot trust the report: algorithm ${signatureAlgorithm}`);
  await ensureSigned("ES384", leaf.spki, signed, signature, refusal);
  return true;
}

/** The certificate is for one chip, or one provider, at one TCB: the report must be of the same. */
function checkChip(report: SnpReport, leaf: Certificate): SnpTcb {
  const { id, tcb, isProvider } = chipOf(leaf);
  const what = "Cannot trust the report:";
  ensure(
    (report.signingKey === 1) === isProvider && report.signingKey <= 1,
    "chip_mismatch",
    `${what} another key signed it`,
  );
  const reported = tcbOf(report.reportedTcb, tcb.fmc !== undefined);
  const isSame = PARTS.every((name) => tcb[name] === reported[name]);
  ensure(isSame, "chip_mismatch", `${what} its TCB is ${JSON.stringify(reported)}, not ${JSON.stringify(tcb)}`);
  if (isProvider) return tcb;
  ensure(!report.maskedChip, "chip_mismatch", `${what} the id of the chip is left out`);
  ensure(equalBytes(report.chipId, id), "chip_mismatch", `${what} it is of chip ${toHex(report.chipId)}`);
  return tcb;
}

/** What a policy looks at in a report. */
function snpEnvironment(report: SnpReport, tcb: SnpTcb): Environment {
  const { policy, measurement, hostData, idKeyDigest, guestSvn, vmpl, chipId } = report;
  const isSet = (bit: number) => (((policy[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  const { bootloader, tee, snp, microcode } = tcb;
  const values = { ...inHex({ measurement, hostData, idKeyDigest }), guestSvn, vmpl, bootloader, tee, snp, microcode };
  return {
    facts: { kind: "sev-snp", values },
    debug: isSet(DEBUG_BIT),
    weaknesses: isSet(MIGRATION_AGENT_BIT) ? ["MIGRATION_AGENT"] : [],
    platforms: [toHex(chipId)],
  };
}

/**
 * Judges an attestation report of AMD SEV-SNP up to AMD's root. It throws nothing for evidence that is bad, whatever it is.
 */
export async function appraiseSnpReport(bytes: Uint8Array, options: SnpOptions): Promise<SnpAppraisal> {
  const { endorsements, at, policy, roots = amdRoots } = options;
  const list = new Checklist();
  const report = list.run("evidence", [], () => parseSnpReport(bytes));
  const chain = list.run("collateral", [], () => readChain(endorsements));
  const anchor = list.run("root", [chain], (known) => anchorOf(known, roots));
  list.check("clock", [anchor], (known) => ensureClock(at, known));
  const leaf = list.run("vcek_chain", [chain, anchor], (known, { certificate: root }) =>
    verifyChain(known, {
      ...PS384,
      what: "the chain of the chip",
      root,
      at,
      roles: ROLES,
      lengths: [3],
      crls: undefined,
    }),
  );
  list.check("crl", [chain, anchor], (known) => checkCrl(known, options));
  list.check("report_signature", [report, leaf], checkSignature);
  const tcb = list.run("chip", [report, leaf], checkChip);
  const environment = Promise.all([report, tcb]).then(([known, of]) => known && of && snpEnvironment(known, of));
  checkEnvironment(list, environment, policy);
  const verdict = await list.verdict();
  const found = { report: await report, tcb: await tcb, debug: (await environment)?.debug };
  return { ...verdict, ...found, root: (await anchor)?.root };
}

/**
 * Verifies an attestation report of AMD SEV-SNP.
 *
 * @throws {AttestationError} with every reason, when one check did not pass.
 */
export async function verifySnpReport(bytes: Uint8Array, options: SnpOptions): Promise<SnpAppraisal> {
  const appraisal = await appraiseSnpReport(bytes, options);
  ensureAccepted(appraisal, "the report");
  return appraisal;
}

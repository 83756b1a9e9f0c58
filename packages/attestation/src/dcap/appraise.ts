import { Checklist, ensureAccepted, type Verdict } from "../appraisal/checklist.ts";
import { type Anchor, anchorOf, ensureClock, intelSgxRoot, type TrustedRoot } from "../appraisal/root.ts";
import { ensure } from "../errors.ts";
import { checkEnvironment } from "../policy/checks.ts";
import { type Environment, sgxEnvironment, tdxEnvironment } from "../policy/facts.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import { parseQuote, type Quote } from "../quote/quote.ts";
import type { VerificationCache } from "../verification-cache.ts";
import type { Certificate } from "../x509/certificate.ts";
import { type PckExtension, pckExtensionOf } from "../x509/sgx-extension.ts";
import * as checks from "./checks.ts";
import type { Collateral } from "./collateral.ts";
import * as context from "./context.ts";
import { matchPlatform, matchTdxModule, type PlatformTcb } from "./platform.ts";

/** What a quote is judged with. */
export interface QuoteOptions {
  /** What Intel publishes about the platform. */
  readonly collateral: Collateral;
  /** The time of the check, in milliseconds since 1970. */
  readonly at: number;
  /** What is accepted. */
  readonly policy: CompiledPolicy;
  /** The roots that are trusted. @default Intel's */
  readonly roots?: readonly TrustedRoot[] | undefined;
  /** Signatures that are known to hold. @default none */
  readonly cache?: VerificationCache | undefined;
}

/** A quote, judged. What it says may be believed only when it is accepted. */
export interface QuoteAppraisal extends Verdict {
  /** The quote, where it can be read. */
  readonly quote: Quote | undefined;
  /** What its PCK certificate says about the platform, where it can be read. */
  readonly pck: PckExtension | undefined;
  /** How current the platform is, where that was found out. */
  readonly tcb: PlatformTcb | undefined;
  /** Whether the host can read its memory, where the quote can be read. */
  readonly debug: boolean | undefined;
  /** The root that its chain ends in, where that one is trusted. */
  readonly root: TrustedRoot | undefined;
}

function environmentOf({ report }: Quote, { ppid, platformInstanceId }: PckExtension): Environment {
  const platforms = platformInstanceId === undefined ? [ppid] : [ppid, platformInstanceId];
  return report.kind === "sgx" ? sgxEnvironment(report, platforms) : tdxEnvironment(report, platforms);
}

function checkStatus({ status }: PlatformTcb, { tcbStatuses }: CompiledPolicy): true {
  ensure(tcbStatuses.has(status), "tcb_status", `Cannot trust the platform: the policy does not accept ${status}`);
  return true;
}

function checkAdvisories(tcb: PlatformTcb, { advisories }: CompiledPolicy): true {
  const refused = tcb.advisories.filter((id) => advisories !== undefined && !advisories.has(id));
  ensure(
    refused.length === 0,
    "advisory",
    `Cannot trust the platform: the policy does not accept ${refused.join(", ")}`,
  );
  return true;
}

function checkEvaluation({ evaluationNumber }: PlatformTcb, { minimumEvaluationNumber }: CompiledPolicy): true {
  const isRecent = evaluationNumber >= minimumEvaluationNumber;
  ensure(isRecent, "evaluation_number", `Cannot use the collateral: it is of evaluation ${evaluationNumber}`);
  return true;
}

function checkTcb(list: Checklist, tcb: Promise<PlatformTcb | undefined>, policy: CompiledPolicy): void {
  list.check("tcb_status", [tcb], (known) => checkStatus(known, policy));
  list.check("advisories", [tcb], (known) => checkAdvisories(known, policy));
  list.check("evaluation_number", [tcb], (known) => checkEvaluation(known, policy));
}

/** The chains and lists of the collateral; everything in it is then signed, current, and nothing revoked. */
function checkChains(
  list: Checklist,
  time: context.CheckTime,
  root: Promise<Anchor | undefined>,
  chain: Promise<readonly Certificate[] | undefined>,
  collateral: Promise<context.ParsedCollateral | undefined>,
) {
  const rootCrl = list.run("root_crl", [collateral, root], (known, anchor) =>
    context.verifyRootCrl(known, anchor, time),
  );
  const pckCrl = list.run("pck_crl", [collateral, chain], (known, pck) => context.verifyPckCrl(known, pck, time));
  const pck = list.run("pck_chain", [chain, root, rootCrl, pckCrl], (known, anchor, ofRoot, ofPck) =>
    context.verifyPckChain(known, anchor, [ofPck, ofRoot], time),
  );
  const tcbSigner = list.run("tcb_info_chain", [collateral, root, rootCrl], (known, anchor, crl) =>
    context.verifySignerChain(known.tcbInfoChain, anchor, crl, time, "the chain of the TCB info"),
  );
  const qeSigner = list.run("qe_identity_chain", [collateral, root, rootCrl], (known, anchor, crl) =>
    context.verifySignerChain(known.qeIdentityChain, anchor, crl, time, "the chain of the QE identity"),
  );
  return { pck, tcbSigner, qeSigner };
}

/**
 * Judges an Intel DCAP quote with everything that is known of its platform: the checks of attestation at one time, each with
 * its outcome. It throws nothing for evidence that is bad, whatever it is.
 */
export async function appraiseQuote(bytes: Uint8Array, options: QuoteOptions): Promise<QuoteAppraisal> {
  const { collateral, at, policy, roots = [intelSgxRoot] } = options;
  const time = { at, graceMs: policy.collateralGraceMs, cache: options.cache };
  const list = new Checklist();
  const quote = list.run("evidence", [], () => {
    const read = parseQuote(bytes);
    const chain = context.pckChainOf(read);
    return { quote: read, chain, extension: chain[0] && pckExtensionOf(chain[0]) };
  });
  const read = quote.then((known) => known?.quote);
  const chain = quote.then((known) => known?.chain);
  const parsed = list.run("collateral", [], () => context.readCollateral(collateral));
  const root = list.run("root", [chain], (known) => anchorOf(known, roots));
  list.check("clock", [root], (anchor) => ensureClock(at, anchor));
  const { pck, tcbSigner, qeSigner } = checkChains(list, time, root, chain, parsed);
  const info = list.run("tcb_info", [parsed, tcbSigner, read, pck], ({ tcbInfo }, signer, known, leaf) =>
    checks.verifyTcbInfo(collateral, tcbInfo, signer, known, leaf, time),
  );
  const identity = list.run("qe_identity", [parsed, qeSigner, read], ({ qeIdentity }, signer, known) =>
    checks.verifyQeIdentity(collateral, qeIdentity, signer, known, time),
  );
  list.check("qe_report", [read, pck], checks.verifyQeReport);
  list.check("qe_report_data", [read], checks.verifyQeReportData);
  const qe = list.run("qe_identity_match", [read, identity], checks.matchQeIdentity);
  list.check("quote_signature", [read], checks.verifyQuoteSignature);
  const module = list.run("tdx_module", [info, read], matchTdxModule);
  const tcb = list.run(
    "tcb_level",
    [info, pck, read, qe, module, identity],
    (known, leaf, of, level, tdx, { evaluationNumber }) => ({
      ...matchPlatform(known, leaf.extension, of, level, tdx),
      evaluationNumber: Math.min(known.evaluationNumber, evaluationNumber),
    }),
  );
  const environment = quote.then((known) => known?.extension && environmentOf(known.quote, known.extension));
  checkEnvironment(list, environment, policy);
  checkTcb(list, tcb, policy);
  const verdict = await list.verdict();
  return {
    ...verdict,
    quote: await read,
    pck: (await quote)?.extension,
    tcb: await tcb,
    debug: (await environment)?.debug,
    root: (await root)?.root,
  };
}

/**
 * Verifies an Intel DCAP quote.
 *
 * @throws {AttestationError} with every reason, when one check did not pass.
 */
export async function verifyQuote(bytes: Uint8Array, options: QuoteOptions): Promise<QuoteAppraisal> {
  const appraisal = await appraiseQuote(bytes, options);
  ensureAccepted(appraisal, "the quote");
  return appraisal;
}

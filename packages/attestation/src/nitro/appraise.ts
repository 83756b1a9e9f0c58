import { Checklist, ensureAccepted, type Verdict } from "../appraisal/checklist.ts";
import { anchorOf, awsNitroRoot, ensureClock, type TrustedRoot } from "../appraisal/root.ts";
import { isZero } from "../encoding/bytes.ts";
import { AttestationError, ensure } from "../errors.ts";
import { checkEnvironment } from "../policy/checks.ts";
import { type Environment, inHex } from "../policy/facts.ts";
import type { CompiledPolicy } from "../policy/policy.ts";
import { ensureSigned } from "../webcrypto.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { verifyChain } from "../x509/chain.ts";
import { type NitroDocument, parseNitroDocument } from "./document.ts";

/** What a document is judged with. */
export interface NitroOptions {
  /** The time of the check, in milliseconds since 1970. */
  readonly at: number;
  /** What is accepted. */
  readonly policy: CompiledPolicy;
  /** The roots that are trusted. @default that of AWS */
  readonly roots?: readonly TrustedRoot[] | undefined;
}

/** A document, judged. What it says may be believed only when it is accepted. */
export interface NitroAppraisal extends Verdict {
  /** The document, where it can be read. */
  readonly document: NitroDocument | undefined;
  /** Whether the enclave runs in debug mode, where the document can be read. */
  readonly debug: boolean | undefined;
  /** The root that its chain ends in, where that one is trusted. */
  readonly root: TrustedRoot | undefined;
}

/** How far a clock may be ahead of ours. */
const SKEW_MS = 60_000;

const readChain = ({ certificate, cabundle }: NitroDocument): Certificate[] =>
  [certificate, ...cabundle.toReversed()].map((der, at) =>
    parseCertificate(der, `the chain of the document, certificate ${at + 1}`),
  );

async function checkSignature({ signed, signature }: NitroDocument, leaf: Certificate): Promise<true> {
  const refusal = new AttestationError(
    "report_signature",
    "Cannot trust the document: its certificate's key did not sign it",
  );
  await ensureSigned("ES384", leaf.spki, signed, signature, refusal);
  return true;
}

function checkAge({ timestamp }: NitroDocument, at: number, { maxAgeMs }: CompiledPolicy): true {
  const age = at - timestamp;
  ensure(
    -SKEW_MS <= age && age <= maxAgeMs,
    "evidence_age",
    `Cannot use the document: it is ${Math.round(age / 1000)} s old`,
  );
  return true;
}

/** What a policy looks at in a document. In debug mode the registers of the image are zero. */
function nitroEnvironment({ pcrs, moduleId }: NitroDocument): Environment {
  const registers = Object.fromEntries([...pcrs].map(([number, value]) => [`pcr${number}`, value]));
  const image = [0, 1, 2].map((number) => pcrs.get(number) ?? new Uint8Array(48));
  return {
    facts: { kind: "nitro", values: inHex(registers) },
    debug: image.every(isZero),
    weaknesses: [],
    platforms: [moduleId],
  };
}

/**
 * Judges an attestation document of an AWS Nitro enclave up to the root of AWS. It throws nothing for evidence that is bad,
 * whatever it is.
 */
export async function appraiseNitroDocument(bytes: Uint8Array, options: NitroOptions): Promise<NitroAppraisal> {
  const { at, policy, roots = [awsNitroRoot] } = options;
  const list = new Checklist();
  const read = list.run("evidence", [], () => {
    const document = parseNitroDocument(bytes);
    return { document, chain: readChain(document) };
  });
  const document = read.then((known) => known?.document);
  const chain = read.then((known) => known?.chain);
  const anchor = list.run("root", [chain], (known) => anchorOf(known, roots));
  list.check("clock", [anchor], (known) => ensureClock(at, known));
  const leaf = list.run("document_chain", [chain, anchor], (known, { certificate: root }) => {
    const rules = { what: "the chain of the document", root, at, roles: [], lengths: [2, 3, 4, 5, 6], crls: undefined };
    return verifyChain(known, { ...rules, algorithm: "ES384" });
  });
  list.check("document_signature", [document, leaf], checkSignature);
  list.check("evidence_age", [document], (known) => checkAge(known, at, policy));
  const environment = document.then((known) => known && nitroEnvironment(known));
  checkEnvironment(list, environment, policy);
  const verdict = await list.verdict();
  const root = (await anchor)?.root;
  return { ...verdict, document: await document, debug: (await environment)?.debug, root };
}

/**
 * Verifies an attestation document of an AWS Nitro enclave.
 *
 * @throws {AttestationError} with every reason, when one check did not pass.
 */
export async function verifyNitroDocument(bytes: Uint8Array, options: NitroOptions): Promise<NitroAppraisal> {
  const appraisal = await appraiseNitroDocument(bytes, options);
  ensureAccepted(appraisal, "the document");
  return appraisal;
}

import {
  appraiseAttestedCertificate,
  appraiseAttestedJwk,
  appraiseEvidence,
  type CollateralSource,
  compilePolicy,
  type EvidenceOptions,
  MEDIA_TYPE,
  parseCollateral,
  parseSnpEndorsements,
  pcsCollateral,
  readPolicyDocument,
  type Step,
  trustRoot,
  type Verdict,
  vendorRoots,
} from "@countersign/attestation";
import type { Run } from "../command.ts";
import { CliFailure, usageFailure } from "../failure.ts";
import { parseToml } from "../toml.ts";
import { type AttestInput, inputOf, readInput } from "./input.ts";

/** The verdict about one thing in a file. */
export interface Judged {
  readonly name: string;
  readonly verdict: Verdict;
}

const text = (path: string): string => new TextDecoder().decode(readInput(path));

function policyOf(path: string) {
  const content = text(path);
  try {
    return compilePolicy(readPolicyDocument(path.endsWith(".json") ? JSON.parse(content) : parseToml(content, path)));
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) throw new CliFailure(`${path}: ${error.message}`);
    throw error;
  }
}

function timeOf({ given, world }: Run): number {
  const at = given.text("at");
  const time = at === undefined ? world.clock.now() : Date.parse(at);
  if (Number.isNaN(time)) throw usageFailure(`--at is no time: ${at}`, "write it like 2026-06-01T12:00:00Z");
  return time;
}

function collateralOf({ given }: Run): Pick<EvidenceOptions, "collateral"> {
  const [file, service] = [given.text("collateral"), given.text("pcs")];
  if (file !== undefined) return { collateral: parseCollateral(text(file)) };
  if (service === undefined) return {};
  const url = service === "intel" ? {} : { url: service };
  const source: CollateralSource = pcsCollateral({ fetch: globalThis.fetch, ...url });
  return { collateral: source };
}

async function rootsOf({ given, print }: Run) {
  const files = given.list("root") ?? [];
  const roots = await Promise.all(
    files.map(async (path) => {
      const read = inputOf(readInput(path));
      if (read.kind !== "certificate") throw new CliFailure(`${path} is no certificate`);
      return trustRoot(read.der, { simulated: true });
    }),
  );
  for (const { name } of roots)
    print.note(`countersign: warning: ${name} is trusted because you say so; it is none of a vendor`);
  return [...vendorRoots, ...roots];
}

async function optionsOf(run: Run): Promise<EvidenceOptions> {
  const { given } = run;
  const endorsements = given.text("endorsements");
  return {
    at: timeOf(run),
    policy: policyOf(given.required("policy")),
    roots: await rootsOf(run),
    ...collateralOf(run),
    ...(endorsements === undefined ? {} : { snpEndorsements: parseSnpEndorsements(text(endorsements)) }),
  };
}

const TYPES = {
  quote: MEDIA_TYPE.quote,
  "sev-snp report": MEDIA_TYPE.snpReport,
  "nitro document": MEDIA_TYPE.nitroDocument,
} as const;

async function judgeKeys(run: Run, input: AttestInput & { kind: "jwks" }, options: EvidenceOptions): Promise<Judged[]> {
  const { given } = run;
  const legacySeed = given.flag("legacy-seed");
  const issuer = given.text("issuer") ?? (legacySeed ? "" : undefined);
  if (issuer === undefined) throw usageFailure("whose keys these are is not said", "give --issuer");
  const nonce = given.text("nonce");
  return Promise.all(
    input.keys.map(async (jwk, at) => {
      const verdict = await appraiseAttestedJwk(jwk, {
        ...options,
        issuer,
        legacySeed,
        ...(nonce === undefined ? {} : { nonce }),
      });
      return { name: `key ${at + 1}: ${typeof jwk.kid === "string" ? jwk.kid : "no kid"}`, verdict };
    }),
  );
}

/** Judges what is in a file, each thing with the outcome of every check. */
export async function judgeInput(run: Run, input: AttestInput): Promise<Judged[]> {
  const options = await optionsOf(run);
  if (input.kind === "jwks") return judgeKeys(run, input, options);
  if (input.kind === "certificate") {
    return [{ name: "certificate", verdict: await appraiseAttestedCertificate(input.der, options) }];
  }
  const evidence = { mediaType: TYPES[input.kind], bytes: input.bytes };
  return [{ name: input.kind, verdict: await appraiseEvidence({ evidence }, options) }];
}

/** One check as machines read it. */
export const stepJson = ({ name, outcome, reason }: Step) => ({
  step: name,
  outcome,
  ...(reason === undefined ? {} : { code: reason.code, message: reason.message }),
});

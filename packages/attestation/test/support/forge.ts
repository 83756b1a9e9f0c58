import { type TrustedRoot, trustRoot } from "../../src/appraisal/root.ts";
import { appraiseQuote, type QuoteAppraisal, type QuoteOptions } from "../../src/dcap/appraise.ts";
import type { Collateral } from "../../src/dcap/collateral.ts";
import { utf8 } from "../../src/encoding/bytes.ts";
import { type AttestationPolicy, compilePolicy } from "../../src/policy/policy.ts";
import type { Party } from "../../src/simulated/issuer.ts";
import { collateralOf, createPlatform, type Platform } from "../../src/simulated/platform.ts";
import { type QuotingOptions, writeQuote } from "../../src/simulated/quote.ts";
import {
  type SimulatedDomain,
  type SimulatedEnclave,
  writeSgxReport,
  writeTdReport,
} from "../../src/simulated/reports.ts";

/** The instant at which everything is made and checked. */
export const AT = Date.parse("2026-06-01T12:00:00Z");
export const DAY_MS = 86_400_000;

export const SGX_POLICY: AttestationPolicy = { measurements: [{ kind: "sgx", mrEnclave: "e1".repeat(32) }] };
export const TDX_POLICY: AttestationPolicy = { measurements: [{ kind: "tdx", mrTd: "d1".repeat(48) }] };

/** An honest platform with its collateral, and the means to make a dishonest one of it. */
export interface Fixture {
  readonly tee: "sgx" | "tdx";
  readonly platform: Platform;
  readonly collateral: Collateral;
  readonly roots: readonly TrustedRoot[];
}

export async function createFixture(tee: "sgx" | "tdx"): Promise<Fixture> {
  const platform = await createPlatform({ at: AT });
  const roots = [await trustRoot(platform.root.certificate, { simulated: true })];
  return { tee, platform, collateral: await collateralOf(platform, tee), roots };
}

const REPORT_DATA = new Uint8Array(64).fill(7);

export function sgxQuote(
  { platform }: Fixture,
  enclave: SimulatedEnclave = {},
  quoting: QuotingOptions = {},
): Promise<Uint8Array> {
  return writeQuote(platform, { version: 3, tee: "sgx", bytes: writeSgxReport(enclave, REPORT_DATA) }, quoting);
}

export function tdxQuote(
  { platform }: Fixture,
  domain: SimulatedDomain = {},
  quoting: QuotingOptions = {},
): Promise<Uint8Array> {
  return writeQuote(platform, { version: 4, tee: "tdx", bytes: writeTdReport(domain, "1.0", REPORT_DATA) }, quoting);
}

/** A version 5 quote of a TD 1.5. */
export function td15Quote({ platform }: Fixture, domain: SimulatedDomain = {}): Promise<Uint8Array> {
  const report = writeTdReport(domain, "1.5", REPORT_DATA);
  const bytes = new Uint8Array([3, 0, report.length & 255, report.length >> 8, 0, 0, ...report]);
  return writeQuote(platform, { version: 5, tee: "tdx", bytes });
}

export const honestQuote = (fixture: Fixture): Promise<Uint8Array> =>
  fixture.tee === "sgx" ? sgxQuote(fixture) : tdxQuote(fixture);

/** Changes the TCB info, or the QE identity, and has it signed. */
export async function withDocument(
  collateral: Collateral,
  name: "tcbInfo" | "qeIdentity",
  change: (document: Record<string, unknown>) => void,
  signer: Party,
): Promise<Collateral> {
  const document: Record<string, unknown> = JSON.parse(collateral[name]);
  change(document);
  const text = JSON.stringify(document);
  return { ...collateral, [name]: text, [`${name}Signature`]: await signer.signer.sign(utf8(text)) };
}

/** Judges a quote of a fixture; whatever is not given is honest. */
export async function appraise(
  fixture: Fixture,
  input: Partial<Omit<QuoteOptions, "policy">> & {
    readonly quote?: Uint8Array;
    readonly policy?: AttestationPolicy;
  } = {},
): Promise<QuoteAppraisal> {
  const { quote = await honestQuote(fixture), policy, collateral = fixture.collateral, at = AT } = input;
  const { roots = fixture.roots, cache } = input;
  const compiled = compilePolicy(policy ?? (fixture.tee === "sgx" ? SGX_POLICY : TDX_POLICY));
  return appraiseQuote(quote, { collateral, at, roots, cache, policy: compiled });
}

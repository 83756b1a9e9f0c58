import type { QuoteOptions } from "../../src/dcap/appraise.ts";
import { concatBytes } from "../../src/encoding/bytes.ts";
import type { AttestationPolicy } from "../../src/policy/policy.ts";
import type { ReasonCode } from "../../src/reasons.ts";
import { createParty, issueCrl, type PartyOptions } from "../../src/simulated/issuer.ts";
import { sgxExtension, simulatedName } from "../../src/simulated/platform.ts";
import { toPem } from "../../src/x509/pem.ts";
import { AT, DAY_MS, type Fixture, sgxQuote, tdxQuote, withDocument } from "../support/forge.ts";

type Input = Partial<Omit<QuoteOptions, "policy">> & {
  readonly quote?: Uint8Array;
  readonly policy?: AttestationPolicy;
};

/** A case: what is given, and the reason for which it is refused; `accept` where it is good. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly tee?: "tdx";
  readonly build: (fixture: Fixture) => Promise<Input>;
  readonly expect: ReasonCode | "accept";
}

const VALID = { notBefore: AT - DAY_MS, notAfter: AT + 365 * DAY_MS };
const stranger = (options: Partial<PartyOptions> = {}) =>
  createParty({ ...VALID, name: simulatedName("SGX Root CA"), serial: 1, isAuthority: true, ...options });

const levels = (document: Record<string, unknown>): unknown[] => document.tcbLevels as unknown[];

/** A PCK certificate below another issuer, and the quote and lists that go with it. */
async function below(fixture: Fixture, issuerOptions: Partial<PartyOptions>): Promise<Input> {
  const { platform, collateral } = fixture;
  const name = simulatedName("SGX PCK Platform CA");
  const middle = await createParty({ ...VALID, name, serial: 20, issuer: platform.root, ...issuerOptions });
  const extensions = [sgxExtension(platform.ppid, Array(16).fill(2), 11)];
  const leaf = { ...VALID, name: simulatedName("SGX PCK Certificate"), serial: 21, issuer: middle, extensions };
  const pck = await createParty(leaf);
  const certificates = [pck.certificate, middle.certificate, platform.root.certificate];
  const quote = await sgxQuote({ ...fixture, platform: { ...platform, pck } }, {}, { certificates });
  const pckCrlIssuerChain = toPem([middle.certificate, platform.root.certificate]);
  const pckCrl = await issueCrl(middle, AT - 1, AT + DAY_MS);
  return { quote, collateral: { ...collateral, pckCrlIssuerChain, pckCrl } };
}

/** What a library in wide use accepts, and must not be accepted; and what it refuses, and is good. */
export const ATTACKS: readonly Row[] = [
  {
    id: "A1",
    what: "a PCK revocation list signed by an unrelated key",
    build: async ({ collateral, platform }) => {
      const other = await stranger();
      const forged = await issueCrl({ ...other, name: platform.authority.name }, AT - 1, AT + DAY_MS);
      return { collateral: { ...collateral, pckCrl: forged } };
    },
    expect: "crl_signature",
  },
  {
    id: "A2",
    what: "garbage in the place of a revocation list",
    build: async ({ collateral }) => ({ collateral: { ...collateral, pckCrl: Uint8Array.of(1, 2, 3) } }),
    expect: "der",
  },
  {
    id: "A3",
    what: "nothing in the place of a revocation list",
    build: async ({ collateral }) => ({ collateral: { ...collateral, pckCrl: new Uint8Array() } }),
    expect: "der",
  },
  {
    id: "A4",
    what: "a revocation list that expired a year ago",
    build: async ({ collateral, platform }) => {
      const pckCrl = await issueCrl(platform.authority, AT - 400 * DAY_MS, AT - 365 * DAY_MS);
      return { collateral: { ...collateral, pckCrl } };
    },
    expect: "crl_time",
  },
  {
    id: "B1a",
    what: "a PCK certificate used as an authority for another",
    build: async (fixture) => below(fixture, { issuer: fixture.platform.pck, isAuthority: true }),
    expect: "issuer_name",
  },
  {
    id: "B1b",
    what: "an intermediate below the root that is no authority",
    build: (fixture) => below(fixture, { isAuthority: false }),
    expect: "key_usage",
  },
  {
    id: "B1c",
    what: "a genuine PCK certificate in the place of the intermediate",
    build: async (fixture) => {
      const { platform, collateral } = fixture;
      const extensions = [sgxExtension(platform.ppid, Array(16).fill(2), 11)];
      const leaf = {
        ...VALID,
        name: simulatedName("SGX PCK Certificate"),
        serial: 21,
        issuer: platform.pck,
        extensions,
      };
      const pck = await createParty(leaf);
      const certificates = [pck, platform.pck, platform.root].map(({ certificate }) => certificate);
      const pckCrlIssuerChain = toPem([platform.pck.certificate, platform.root.certificate]);
      const pckCrl = await issueCrl(platform.pck, AT - 1, AT + DAY_MS);
      const quote = await sgxQuote({ ...fixture, platform: { ...platform, pck } }, {}, { certificates });
      return { quote, collateral: { ...collateral, pckCrlIssuerChain, pckCrl } };
    },
    expect: "key_usage",
  },
  {
    id: "B2",
    what: "TCB info signed by the key of a platform",
    build: async ({ collateral, platform }) => {
      const signed = await withDocument(collateral, "tcbInfo", () => {}, platform.pck);
      const chain = toPem([platform.pck, platform.authority, platform.root].map(({ certificate }) => certificate));
      return { collateral: { ...signed, tcbInfoIssuerChain: chain } };
    },
    expect: "chain_length",
  },
  {
    id: "B2b",
    what: "TCB info signed by a certificate of the root with another role",
    build: async ({ collateral, platform }) => {
      const name = simulatedName("SGX PCK Certificate");
      const signer = await createParty({ ...VALID, name, serial: 9, issuer: platform.root });
      const signed = await withDocument(collateral, "tcbInfo", () => {}, signer);
      const tcbInfoIssuerChain = toPem([signer.certificate, platform.root.certificate]);
      return { collateral: { ...signed, tcbInfoIssuerChain } };
    },
    expect: "signer_role",
  },
  {
    id: "C1",
    what: "a quoting enclave of another vendor",
    build: async (fixture) => ({ quote: await sgxQuote(fixture, {}, { vendor: "00".repeat(16) }) }),
    expect: "qe_vendor",
  },
  {
    id: "C2",
    what: "a TDX module that Intel did not sign",
    tee: "tdx",
    build: async (fixture) => ({ quote: await tdxQuote(fixture, { mrSignerSeam: "01".repeat(48) }) }),
    expect: "tdx_module",
  },
  {
    id: "C3",
    what: "a TDX module with attributes",
    tee: "tdx",
    build: async (fixture) => ({ quote: await tdxQuote(fixture, { seamAttributes: "01".padEnd(16, "0") }) }),
    expect: "tdx_module",
  },
  {
    id: "C4",
    what: "bytes after the end of the quote",
    build: async (fixture) => ({ quote: concatBytes(await sgxQuote(fixture), Uint8Array.of(0, 1)) }),
    expect: "quote_format",
  },
  {
    id: "C4b",
    what: "zeros after the end of the quote",
    build: async (fixture) => ({ quote: concatBytes(await sgxQuote(fixture), new Uint8Array(70)) }),
    expect: "accept",
  },
  {
    id: "C5",
    what: "64 bytes of authentication data",
    build: async (fixture) => ({ quote: await sgxQuote(fixture, {}, { authData: new Uint8Array(64) }) }),
    expect: "accept",
  },
  {
    id: "C6",
    what: "no authentication data",
    build: async (fixture) => ({ quote: await sgxQuote(fixture, {}, { authData: new Uint8Array() }) }),
    expect: "accept",
  },
  {
    id: "C7",
    what: "TCB info for another provisioning enclave",
    build: async ({ collateral, platform }) => ({
      collateral: await withDocument(
        collateral,
        "tcbInfo",
        (it) => Object.assign(it, { pceId: "0001" }),
        platform.tcbSigner,
      ),
    }),
    expect: "pce_id",
  },
  {
    id: "C8",
    what: "TCB levels with the lowest first",
    build: async ({ collateral, platform }) => ({
      collateral: await withDocument(collateral, "tcbInfo", (it) => levels(it).reverse(), platform.tcbSigner),
    }),
    expect: "accept",
  },
  ...[Number.NaN, Number.POSITIVE_INFINITY].map(
    (at): Row => ({ id: `C9 ${at}`, what: "a time that is none", build: async () => ({ at }), expect: "clock" }),
  ),
];

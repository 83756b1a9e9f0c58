import type { Collateral } from "../../src/dcap/collateral.ts";
import type { TcbStatus } from "../../src/dcap/status.ts";
import type { ReasonCode } from "../../src/reasons.ts";
import { createParty, issueCrl, type PartyOptions } from "../../src/simulated/issuer.ts";
import { createPlatform, sgxExtension, simulatedName } from "../../src/simulated/platform.ts";
import {
  AT,
  DAY_MS,
  type Fixture,
  SGX_POLICY,
  sgxQuote,
  TDX_POLICY,
  td15Quote,
  tdxQuote,
  withDocument,
} from "../support/forge.ts";
import type { Row } from "./attack-rows.ts";

type Change = (document: Record<string, unknown>) => void;

const set =
  (members: object): Change =>
  (document) =>
    void Object.assign(document, members);

/** A row whose TCB info, or QE identity, is changed and signed again. */
const document = (
  id: string,
  what: string,
  name: "tcbInfo" | "qeIdentity",
  change: Change,
  expect: Row["expect"],
  more: Pick<Row, "tee"> = {},
): Row => ({
  id,
  what,
  expect,
  ...more,
  build: async ({ collateral, platform }) => ({
    collateral: await withDocument(collateral, name, change, platform.tcbSigner),
  }),
});

const sgx = (id: string, what: string, parameters: [object?, object?], expect: Row["expect"]): Row => ({
  id,
  what,
  expect,
  build: async (fixture) => ({ quote: await sgxQuote(fixture, ...parameters) }),
});

const tdx = (id: string, what: string, domain: object, expect: Row["expect"]): Row => ({
  id,
  what,
  expect,
  tee: "tdx",
  build: async (fixture) => ({ quote: await tdxQuote(fixture, domain) }),
});

const td15 = (id: string, what: string, domain: object, expect: Row["expect"]): Row => ({
  ...tdx(id, what, domain, expect),
  build: async (fixture) => ({ quote: await td15Quote(fixture, domain) }),
});

const collateral = (
  id: string,
  what: string,
  change: (fixture: Fixture) => Promise<Partial<Collateral>>,
  expect: Row["expect"],
): Row => ({
  id,
  what,
  expect,
  build: async (fixture) => ({ collateral: { ...fixture.collateral, ...(await change(fixture)) } }),
});

const VALID = { notBefore: AT - DAY_MS, notAfter: AT + 365 * DAY_MS };

/** A row with another PCK certificate of the same issuer. */
const pck = (id: string, what: string, options: Partial<PartyOptions>, expect: Row["expect"]): Row => ({
  id,
  what,
  expect,
  build: async (fixture) => {
    const { platform } = fixture;
    const extensions = [sgxExtension(platform.ppid, Array(16).fill(2), 11)];
    const leaf = {
      ...VALID,
      name: simulatedName("SGX PCK Certificate"),
      serial: 7,
      issuer: platform.authority,
      extensions,
    };
    const other = await createParty({ ...leaf, ...options });
    return { quote: await sgxQuote({ ...fixture, platform: { ...platform, pck: other } }) };
  },
});

const chain = (
  id: string,
  what: string,
  pick: (fixture: Fixture) => readonly Uint8Array[],
  expect: Row["expect"],
): Row => ({
  id,
  what,
  expect,
  build: async (fixture) => ({ quote: await sgxQuote(fixture, {}, { certificates: pick(fixture) }) }),
});

const status = (tcbStatus: string, expect: ReasonCode | "accept", accepted?: TcbStatus): Row => ({
  id: "H9",
  what: `TCB status ${tcbStatus}${accepted === undefined ? "" : " where the policy accepts it"}`,
  expect,
  build: async ({ collateral: honest, platform }) => {
    const change: Change = (it) => {
      for (const level of it.tcbLevels as { tcbStatus: string }[]) level.tcbStatus = tcbStatus;
    };
    const signed = await withDocument(honest, "tcbInfo", change, platform.tcbSigner);
    return accepted === undefined
      ? { collateral: signed }
      : { collateral: signed, policy: { ...SGX_POLICY, tcbStatuses: [accepted] } };
  },
});

const STATUSES: readonly TcbStatus[] = [
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
];

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));

const flip = (what: string, offset: number, expect: Row["expect"]): Row => ({
  id: "H5",
  what: `one bit of ${what} flipped`,
  expect,
  build: async (fixture) => ({ quote: flipped(await sgxQuote(fixture), offset) }),
});

const UTC = (at: number) => new Date(at).toISOString().replace(".000Z", "Z");

/** Section H of the security cases, as far as it is about quotes and collateral. */
export const SECTION_H: readonly Row[] = [
  sgx("H1", "a debug enclave", [{ attributes: "07".padEnd(32, "0") }], "debug"),
  {
    ...sgx("H1", "a debug enclave where that is allowed", [], "accept"),
    build: async (fixture) => ({
      quote: await sgxQuote(fixture, { attributes: "07".padEnd(32, "0") }),
      policy: { ...SGX_POLICY, allowDebug: true },
    }),
  },
  tdx("H1", "a debug trust domain", { tdAttributes: "0100001000000000" }, "debug"),
  tdx("H1", "another bit under debug", { tdAttributes: "2000001000000000" }, "debug"),
  sgx("H3", "another enclave", [{ mrEnclave: "aa".repeat(32) }], "measurement"),
  tdx("H3", "another trust domain", { mrTd: "aa".repeat(48) }, "measurement"),
  sgx(
    "H3",
    "the signer of Intel's samples",
    [{ mrSigner: "83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e" }],
    "sample_signer",
  ),
  ...[0, 1, 2].map(
    (isvSvn): Row => ({
      ...sgx("H3", `security version ${isvSvn} where 1 is the lowest`, [], isvSvn < 1 ? "measurement" : "accept"),
      build: async (fixture) => ({
        quote: await sgxQuote(fixture, { isvSvn }),
        policy: { measurements: [{ kind: "sgx", mrSigner: "51".repeat(32), isvProdId: 1, minimumIsvSvn: 1 }] },
      }),
    }),
  ),
  {
    id: "H3",
    what: "an enclave where the policy is for trust domains",
    expect: "evidence_kind",
    build: async () => ({ policy: TDX_POLICY }),
  },
  sgx("H3", "an enclave that is not initialised", [{ attributes: "04".padEnd(32, "0") }], "attributes"),
  flip("the header", 30, "quote_signature"),
  flip("the report", 48 + 64, "quote_signature"),
  flip("the signature of the quote", 440, "quote_signature"),
  flip("the attestation key", 510, "qe_report_data"),
  flip("the report of the quoting enclave", 600, "qe_report_signature"),
  flip("the signature of that report", 960, "qe_report_signature"),
  flip("the authentication data", 1020, "qe_report_data"),
  chain(
    "H6",
    "no intermediate",
    ({ platform }) => [platform.pck.certificate, platform.root.certificate],
    "chain_length",
  ),
  chain(
    "H6",
    "the root twice",
    ({ platform: { pck: leaf, authority, root } }) => [leaf, authority, root, root].map((one) => one.certificate),
    "chain_length",
  ),
  chain(
    "H6",
    "the wrong order",
    ({ platform: { pck: leaf, authority, root } }) => [authority, leaf, root].map((one) => one.certificate),
    "pck_extension",
  ),
  {
    id: "H6",
    what: "another root of the same names",
    expect: "untrusted_root",
    build: async (fixture) => {
      const platform = await createPlatform({ at: AT });
      return { quote: await sgxQuote({ ...fixture, platform }) };
    },
  },
  {
    id: "H6",
    what: "a simulated platform where only Intel is trusted",
    expect: "untrusted_root",
    build: async () => ({ roots: [] }),
  },
  pck("H6", "a PCK certificate that has expired", { notAfter: AT - 1000 }, "certificate_time"),
  pck("H6", "a PCK certificate of tomorrow", { notBefore: AT + DAY_MS }, "certificate_time"),
  pck("H6", "an authority in the place of the PCK certificate", { isAuthority: true }, "is_a_ca"),
  pck("H6", "a PCK certificate with another role", { name: simulatedName("SGX TCB Signing") }, "signer_role"),
  pck("H16", "a PCK certificate without Intel's extension", { extensions: [] }, "pck_extension"),
  collateral(
    "H7",
    "a PCK certificate that is revoked",
    async ({ platform }) => ({ pckCrl: await issueCrl(platform.authority, AT - 1000, AT + DAY_MS, [platform.pck]) }),
    "revoked",
  ),
  collateral(
    "H7",
    "an intermediate that is revoked",
    async ({ platform }) => ({
      rootCaCrl: await issueCrl(platform.root, AT - 1000, AT + DAY_MS, [platform.authority]),
    }),
    "revoked",
  ),
  collateral(
    "H7",
    "the signer of the collateral is revoked",
    async ({ platform }) => ({
      rootCaCrl: await issueCrl(platform.root, AT - 1000, AT + DAY_MS, [platform.tcbSigner]),
    }),
    "revoked",
  ),
  collateral(
    "H8",
    "the root's revocation list of yesterday",
    async ({ platform }) => ({ rootCaCrl: await issueCrl(platform.root, AT - 2 * DAY_MS, AT - DAY_MS) }),
    "crl_time",
  ),
  collateral(
    "H8",
    "a revocation list of tomorrow",
    async ({ platform }) => ({ pckCrl: await issueCrl(platform.authority, AT + DAY_MS, AT + 2 * DAY_MS) }),
    "crl_time",
  ),
  collateral(
    "H8",
    "the list of one issuer in the place of another's",
    async ({ platform }) => ({ pckCrl: await issueCrl(platform.root, AT - 1000, AT + DAY_MS) }),
    "crl_issuer",
  ),
  {
    id: "H8",
    what: "a list of yesterday within a time of grace",
    expect: "accept",
    build: async ({ collateral: honest, platform }) => ({
      collateral: { ...honest, pckCrl: await issueCrl(platform.authority, AT - 2 * DAY_MS, AT - DAY_MS) },
      policy: { ...SGX_POLICY, collateralGraceMs: 2 * DAY_MS },
    }),
  },
  status("UpToDate", "accept"),
  ...STATUSES.flatMap((name) => [status(name, "tcb_status"), status(name, "accept", name)]),
  status("Revoked", "tcb_revoked", "OutOfDate"),
  status("BetterThanEver", "tcb_unknown"),
  document("H10", "TCB info of yesterday", "tcbInfo", set({ nextUpdate: UTC(AT - DAY_MS) }), "tcb_info_time"),
  document("H10", "TCB info of tomorrow", "tcbInfo", set({ issueDate: UTC(AT + DAY_MS) }), "tcb_info_time"),
  document("H10", "TCB info for another family", "tcbInfo", set({ fmspc: "00906ED50000" }), "fmspc"),
  document("H10", "TCB info of another type", "tcbInfo", set({ tcbType: 1 }), "tcb_info_kind"),
  document("H10", "TCB info of another version", "tcbInfo", set({ version: 4 }), "tcb_info_kind"),
  collateral(
    "H10",
    "TCB info that was changed",
    async ({ collateral: { tcbInfo } }) => ({ tcbInfo: tcbInfo.replace('"OutOfDate"', '"UpToDate"') }),
    "tcb_info_signature",
  ),
  document("H10", "levels without their components", "tcbInfo", set({ tcbLevels: [{}] }), "collateral_format"),
  document("H11", "levels that nothing reaches", "tcbInfo", set({ tcbLevels: [] }), "tcb_level"),
  {
    ...pck("H11", "components of the best, and a provisioning enclave of before", {}, "tcb_status"),
    build: async (fixture) => {
      const platform = await createPlatform({ at: AT, pceSvn: 10 });
      const { collateralOf } = await import("../../src/simulated/platform.ts");
      const { trustRoot } = await import("../../src/appraisal/root.ts");
      const quote = await sgxQuote({ ...fixture, platform });
      return {
        quote,
        collateral: await collateralOf(platform, "sgx"),
        roots: [await trustRoot(platform.root.certificate)],
      };
    },
  },
  document("H12", "a quoting enclave of another signer", "qeIdentity", set({ mrsigner: "AA".repeat(32) }), "qe_signer"),
  document("H12", "a quoting enclave of another product", "qeIdentity", set({ isvprodid: 2 }), "qe_product"),
  sgx(
    "H12",
    "a quoting enclave with another MISCSELECT",
    [{}, { enclave: { miscSelect: "01000000" } }],
    "qe_miscselect",
  ),
  sgx(
    "H12",
    "a quoting enclave with other attributes",
    [{}, { enclave: { attributes: "35".padEnd(32, "0") } }],
    "qe_attributes",
  ),
  sgx(
    "H12",
    "a quoting enclave in debug mode",
    [{}, { enclave: { attributes: "17".padEnd(32, "0") } }],
    "qe_attributes",
  ),
  sgx("H12", "a quoting enclave older than every level", [{}, { enclave: { isvSvn: 4 } }], "qe_tcb"),
  sgx("H12", "a quoting enclave that is out of date", [{}, { enclave: { isvSvn: 6 } }], "tcb_status"),
  document("H12", "the QE identity of trust domains", "qeIdentity", set({ id: "TD_QE" }), "qe_identity_kind"),
  document(
    "H12",
    "the QE identity of yesterday",
    "qeIdentity",
    set({ nextUpdate: UTC(AT - DAY_MS) }),
    "qe_identity_time",
  ),
  collateral(
    "H12",
    "a QE identity that was changed",
    async ({ collateral: { qeIdentity } }) => ({ qeIdentity: qeIdentity.replace('"isvprodid":1', '"isvprodid":2') }),
    "qe_identity_signature",
  ),
  tdx("H13", "SEPT_VE_DISABLE off", { tdAttributes: "0000000000000000" }, "attributes"),
  tdx("H13", "protection keys", { tdAttributes: "0000005000000000" }, "attributes"),
  tdx("H13", "key locker", { tdAttributes: "0000009000000000" }, "attributes"),
  tdx("H13", "a reserved bit", { tdAttributes: "0000011000000000" }, "attributes"),
  tdx("H13", "a reserved bit that the policy cannot name", { tdAttributes: "0000001000000040" }, "attributes"),
  {
    ...tdx("H13", "protection keys where the policy accepts them", {}, "accept"),
    build: async (fixture) => ({
      quote: await tdxQuote(fixture, { tdAttributes: "0000005000000000" }),
      policy: { ...TDX_POLICY, attributes: ["PKS"] },
    }),
  },
  tdx("H13", "a module older than every level", { teeTcbSvn: "0001".padEnd(32, "02") }, "tdx_module"),
  tdx("H13", "a module that is out of date", { teeTcbSvn: "0101".padEnd(32, "02") }, "tcb_status"),
  tdx("H13", "a generation of modules that is not known", { teeTcbSvn: "0209".padEnd(32, "02") }, "tdx_module"),
  tdx("H13", "a processor below every level", { teeTcbSvn: "020100".padEnd(32, "0") }, "tcb_level"),
  tdx("H13", "the first generation of modules", { teeTcbSvn: "0200".padEnd(32, "02") }, "tcb_level"),
  td15("H13", "TD 1.5", {}, "accept"),
  td15("H13", "a service domain that may migrate it", { mrServiceTd: "01".repeat(48) }, "tdx_module"),
  td15(
    "H13",
    "a module updated after the launch",
    { teeTcbSvn: "0101".padEnd(32, "02"), teeTcbSvn2: "0201".padEnd(32, "02") },
    "tcb_status",
  ),
  {
    ...td15("H13", "a module updated after the launch, where the policy accepts it", {}, "accept"),
    build: async (fixture) => ({
      quote: await td15Quote(fixture, { teeTcbSvn: "0101".padEnd(32, "02"), teeTcbSvn2: "0201".padEnd(32, "02") }),
      policy: { ...TDX_POLICY, tcbStatuses: ["TDRelaunchAdvised"] },
    }),
  },
  { id: "H17", what: "a clock at 1970", expect: "clock", build: async () => ({ at: 0 }) },
  {
    id: "H17",
    what: "a clock at 2100",
    expect: "clock",
    build: async () => ({ at: Date.parse("2100-01-01T00:00:00Z") }),
  },
  {
    id: "policy",
    what: "collateral of an older evaluation than asked for",
    expect: "evaluation_number",
    build: async () => ({ policy: { ...SGX_POLICY, minimumEvaluationNumber: 18 } }),
  },
  {
    id: "policy",
    what: "a platform that is not on the list",
    expect: "platform",
    build: async () => ({ policy: { ...SGX_POLICY, platforms: ["00".repeat(16)] } }),
  },
  {
    id: "policy",
    what: "a platform on the list",
    expect: "accept",
    build: async ({ platform }) => ({ policy: { ...SGX_POLICY, platforms: [platform.ppid.toUpperCase()] } }),
  },
  document(
    "policy",
    "an advisory at a level that is accepted",
    "tcbInfo",
    (it) => Object.assign((it.tcbLevels as object[])[0] ?? {}, { advisoryIDs: ["INTEL-SA-00001"] }),
    "advisory",
  ),
];

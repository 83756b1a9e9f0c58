import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { boolean, der, objectId, octets, sequence, small } from "../../src/der/writer.ts";
import type { ReasonCode } from "../../src/reasons.ts";
import { createParty, issueCrl, type Party, type PartyOptions } from "../../src/simulated/issuer.ts";
import { sgxExtension } from "../../src/simulated/platform.ts";
import { parseCertificate } from "../../src/x509/certificate.ts";
import { type ChainRules, verifyChain, verifyCrl } from "../../src/x509/chain.ts";
import { parseCrl } from "../../src/x509/crl.ts";
import { ecdsaToRaw } from "../../src/x509/ecdsa.ts";
import { pckExtensionOf, SGX_EXTENSION } from "../../src/x509/sgx-extension.ts";
import { basicConstraints, extension, keyUsage, writeCertificate } from "../../src/x509/write.ts";
import { AT, DAY_MS } from "../support/forge.ts";

const VALID = { notBefore: AT - DAY_MS, notAfter: AT + DAY_MS };
const party = (name: string, serial: number, options: Partial<PartyOptions> = {}) =>
  createParty({ ...VALID, name, serial, ...options });

/** The same key and name in a certificate with other extensions. */
async function again(of: Party, issuer: Party, extensions: readonly Uint8Array[]): Promise<Party> {
  const fields = { serial: of.serial, issuer: issuer.name, subject: of.name, ...VALID, spki: of.spki, extensions };
  return { ...of, certificate: await writeCertificate(fields, issuer.signer) };
}

const root = await party("Root", 1, { isAuthority: true, pathLength: 2 });
const middle = await party("Middle", 2, { isAuthority: true, issuer: root });
const leaf = await party("Leaf", 3, { issuer: middle });

function judge(chain: readonly Party[], more: Partial<ChainRules> = {}) {
  const [certificates, anchor] = [
    chain.map(({ certificate }) => parseCertificate(certificate)),
    parseCertificate(root.certificate),
  ];
  const rules = { what: "the chain", root: anchor, at: AT, roles: [], lengths: [1, 2, 3, 4, 5], crls: undefined };
  return verifyChain(certificates, { ...rules, algorithm: "ES256", ...more });
}

const crlOf = async (issuer: Party) => parseCrl(await issueCrl(issuer, AT - 1000, AT + DAY_MS));

/** Chains with one fault each. */
const ROWS: readonly [what: string, build: () => Promise<unknown>, expect: ReasonCode][] = [
  [
    "an intermediate that may sign certificates and is no authority",
    async () => judge([leaf, await again(middle, root, [keyUsage("certificates"), basicConstraints(false)]), root]),
    "not_a_ca",
  ],
  [
    "an intermediate without basicConstraints",
    async () => judge([leaf, await again(middle, root, [keyUsage("certificates")]), root]),
    "not_a_ca",
  ],
  [
    "an authority whose key may not sign certificates",
    async () => judge([leaf, await again(middle, root, [keyUsage("digitalSignature"), basicConstraints(true)]), root]),
    "key_usage",
  ],
  [
    "an authority without keyUsage",
    async () => judge([leaf, await again(middle, root, [basicConstraints(true)]), root]),
    "key_usage",
  ],
  [
    "a keyUsage that is no bit string",
    async () => {
      const usage = extension("2.5.29.15", der(0x03, Uint8Array.of(9)), true);
      return judge([leaf, await again(middle, root, [usage, basicConstraints(true)]), root]);
    },
    "der",
  ],
  [
    "more authorities than allowed",
    async () => {
      const narrow = await party("Narrow", 4, { isAuthority: true, issuer: root, pathLength: 0 });
      const below = await party("Below", 5, { isAuthority: true, issuer: narrow });
      return judge([await party("Leaf", 6, { issuer: below }), below, narrow, root]);
    },
    "path_length",
  ],
  ["the root alone", async () => judge([root]), "chain_length"],
  [
    "a number of certificates that is not allowed",
    async () => judge([leaf, middle, root], { lengths: [2] }),
    "chain_length",
  ],
  [
    "no revocation list of an issuer",
    async () => judge([leaf, middle, root], { crls: [await crlOf(root)] }),
    "crl_missing",
  ],
  [
    "a critical extension that is not understood",
    async () => {
      const strange = extension("1.2.3.4", Uint8Array.of(5, 0), true);
      return judge([await again(leaf, middle, [basicConstraints(false), strange]), middle, root]);
    },
    "critical_extension",
  ],
  ["another algorithm", async () => judge([leaf, middle, root], { algorithm: "ES384" }), "certificate_algorithm"],
  [
    "a signature of another key",
    async () => {
      const other = await party("Middle", 2, { isAuthority: true, issuer: root });
      return judge([leaf, other, root]);
    },
    "certificate_signature",
  ],
];

describe("verifyChain", () => {
  it("accepts a chain that is as it should be", async () => {
    const crls = [await crlOf(root), await crlOf(middle)];
    assert.equal((await judge([leaf, middle, root], { crls })).commonName, "Leaf");
  });

  for (const [what, build, code] of ROWS) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(build(), { code });
    });
  }

  it("refuses a revocation list whose issuer may not sign one", async () => {
    const issuer = parseCertificate((await again(middle, root, [keyUsage("digitalSignature")])).certificate);
    const rules = { at: AT, algorithm: "ES256", what: "the list" } as const;
    await assert.rejects(verifyCrl(await crlOf(middle), issuer, rules), { code: "key_usage" });
  });
});

describe("ecdsaToRaw", () => {
  it("refuses a number that is too large", () => {
    const large = der(0x02, Uint8Array.of(1, ...new Uint8Array(32)));
    assert.throws(() => ecdsaToRaw(sequence(large, small(1)), 32, "x"), { code: "der" });
  });
});

describe("pckExtensionOf", () => {
  const member = (id: string, value: Uint8Array) => sequence(objectId(`${SGX_EXTENSION}.${id}`), value);
  const good = [
    member("1", octets(new Uint8Array(16))),
    member(
      "2",
      sequence(
        ...Array.from({ length: 17 }, (_, at) => member(`2.${at + 1}`, small(1))),
        member("2.18", octets(new Uint8Array(16))),
      ),
    ),
    member("3", octets(new Uint8Array(2))),
    member("4", octets(new Uint8Array(6))),
  ];
  const read = async (members: readonly Uint8Array[]) => {
    const { certificate } = await party("PCK", 9, { extensions: [extension(SGX_EXTENSION, sequence(...members))] });
    return pckExtensionOf(parseCertificate(certificate));
  };
  const levels = (svn: Uint8Array) =>
    member(
      "2",
      sequence(
        member("2.1", svn),
        ...Array.from({ length: 16 }, (_, at) => member(`2.${at + 2}`, small(1))),
        member("2.18", octets(new Uint8Array(16))),
      ),
    );

  it("reads what is whole", async () => {
    assert.equal((await read(good)).pceSvn, 1);
    const { certificate } = await party("PCK", 9, {
      extensions: [sgxExtension("00".repeat(16), Array(16).fill(255), 300)],
    });
    const { components, pceSvn } = pckExtensionOf(parseCertificate(certificate));
    assert.deepEqual([components[0], pceSvn], [255, 300]);
  });

  for (const [what, members] of [
    ["a member that comes twice", [...good, good[0] ?? new Uint8Array()]],
    ["no PPID", good.slice(1)],
    ["no TCB", good.filter((_, at) => at !== 1)],
    ["no FMSPC", good.slice(0, 3)],
    ["an FMSPC of another length", [...good.slice(0, 3), member("4", octets(new Uint8Array(7)))]],
    ["a component past one byte", good.map((one, at) => (at === 1 ? levels(small(256)) : one))],
    ["a TCB without its components", good.map((one, at) => (at === 1 ? member("2", sequence()) : one))],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(read(members), { code: "pck_extension" });
    });
  }

  it("refuses a value of another kind", async () => {
    await assert.rejects(read(good.map((one, at) => (at === 3 ? member("4", boolean(true)) : one))), { code: "der" });
  });
});

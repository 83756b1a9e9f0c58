import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { fromBase64 } from "../../src/encoding/text.ts";
import { formatClaims, formatCollateral, MEDIA_TYPE, messageRecord } from "../../src/index.ts";
import type { ReasonCode } from "../../src/reasons.ts";
import { createSimulatedNitro, createSimulatedSnp } from "../../src/simulated/index.ts";
import { toPem } from "../../src/x509/pem.ts";
import { type Attested, attest, createWorld, judge, type World } from "../support/attested.ts";
import { AT, DAY_MS, SGX_POLICY } from "../support/forge.ts";

type Options = Parameters<typeof judge>[2];
type Build = (
  world: World,
  honest: Attested,
) => Promise<{ jwk?: object; options?: Options }> | { jwk?: object; options?: Options };

const withClaims = (jwk: object, att: object): object => ({ ...jwk, att: { ...Object(Object(jwk).att), ...att } });

const ROWS: readonly [id: string, what: string, build: Build, expect: ReasonCode | "accept"][] = [
  ["H2", "an honest key", () => ({}), "accept"],
  [
    "H2",
    "the evidence of another key",
    async (world, { jwk }) => {
      const other = await attest(world);
      return { jwk: { ...jwk, att: other.jwk.att } };
    },
    "key_binding",
  ],
  [
    "H2",
    "the certificate of another key",
    async (world, { jwk }) => ({ jwk: { ...jwk, x5c: (await attest(world)).jwk.x5c } }),
    "certificate_key",
  ],
  [
    "H2",
    "claims that the evidence does not name",
    (_, { jwk, claims }) => ({
      jwk: withClaims(jwk, { claims: formatClaims({ ...claims, exp: claims.exp + 1 }) }),
    }),
    "claims_binding",
  ],
  ["H2", "no claims", (_, { jwk }) => ({ jwk: withClaims(jwk, { claims: undefined }) }), "claims"],
  [
    "H2",
    "claims about another key",
    async (world) => ({ jwk: (await attest(world, "ES256", { jkt: "other" })).jwk }),
    "claims",
  ],
  [
    "H2",
    "claims of another issuer",
    async (world) => ({ jwk: (await attest(world, "ES256", { iss: "https://other.example" })).jwk }),
    "claims",
  ],
  ["H2", "claims of another algorithm", (_, { jwk }) => ({ jwk: { ...jwk, alg: "ES384" } }), "claims"],
  ["H2", "claims of another policy", () => ({ options: { policyHash: "other" } }), "claims"],
  [
    "H14",
    "evidence of the day before yesterday",
    async (world) => ({
      jwk: (await attest(world, "ES256", { iat: AT / 1000 - 172_800 })).jwk,
    }),
    "evidence_age",
  ],
  [
    "H14",
    "evidence of tomorrow",
    async (world) => ({ jwk: (await attest(world, "ES256", { iat: AT / 1000 + 86_400 })).jwk }),
    "evidence_age",
  ],
  [
    "H14",
    "a key that is no longer valid",
    async (world) => ({ jwk: (await attest(world, "ES256", { exp: AT / 1000 - 1 })).jwk }),
    "claims",
  ],
  ["H14", "evidence without the nonce that was asked for", () => ({ options: { nonce: "n" } }), "nonce"],
  [
    "H14",
    "evidence with the nonce that was asked for",
    async (world) => ({
      jwk: (await attest(world, "ES256", { nonce: "n" })).jwk,
      options: { nonce: "n" },
    }),
    "accept",
  ],
  ["H15", "a plain key", (_, { jwk: { x5c: _x5c, att: _att, ...plain } }) => ({ jwk: plain }), "evidence_missing"],
  [
    "H15",
    "a key whose certificate holds the quote and nothing else does",
    (_, { jwk, claims }) => ({
      jwk: { ...jwk, att: { claims: formatClaims(claims) } },
    }),
    "accept",
  ],
  ["H16", "an x5c that is no list", (_, { jwk }) => ({ jwk: { ...jwk, x5c: "x" } }), "certificate"],
  [
    "H16",
    "a certificate that is too large",
    (_, { jwk }) => ({ jwk: { ...jwk, x5c: ["A".repeat(100_000)] } }),
    "certificate",
  ],
  [
    "H16",
    "a certificate that is not valid now",
    (_, { jwk }) => ({ jwk, options: { at: AT + 8 * DAY_MS } }),
    "certificate_time",
  ],
  ["H16", "a kind of key that is not known", (_, { jwk }) => ({ jwk: { ...jwk, kty: "constructor" } }), "key_binding"],
  [
    "",
    "a debug enclave",
    async (world, { jwk, claims }) => {
      const { reportDataFor } = await import("../../src/index.ts");
      const quote = await world.platform.sgxQuote(await reportDataFor(jwk as never, claims), {
        attributes: "07".padEnd(32, "0"),
      });
      return {
        jwk: withClaims(jwk, { evidence: messageRecord({ mediaType: MEDIA_TYPE.quote, bytes: quote }, "evidence") }),
      };
    },
    "debug",
  ],
  [
    "",
    "evidence of a kind that is not known",
    (_, { jwk }) => ({
      jwk: withClaims(jwk, { evidence: ["application/x", "", 4] }),
    }),
    "evidence_kind",
  ],
  [
    "",
    "evidence that says it is endorsements",
    (_, { jwk }) => ({ jwk: withClaims(jwk, { evidence: [MEDIA_TYPE.quote, "", 2] }) }),
    "json",
  ],
  ["", "evidence without collateral", () => ({ options: { collateral: undefined } }), "evidence_missing"],
  [
    "",
    "collateral that comes with the evidence",
    ({ collateral }, { jwk }) => ({
      jwk: withClaims(jwk, {
        endorsements: messageRecord(
          { mediaType: MEDIA_TYPE.collateral, bytes: Buffer.from(formatCollateral(collateral)) },
          "endorsements",
        ),
      }),
      options: { collateral: undefined },
    }),
    "accept",
  ],
  [
    "H18",
    "a source of collateral",
    ({ collateral }) => ({ options: { collateral: { collateralFor: async () => collateral } } }),
    "accept",
  ],
  [
    "",
    "a key of the original where that is not asked for",
    () => ({ options: { legacySeed: true } }),
    "claims_binding",
  ],
];

const codesOf = ({ reasons }: { reasons: readonly { code: string }[] }) => reasons.map(({ code }) => code);

describe("appraiseAttestedJwk", async () => {
  const world = await createWorld();
  const honest = await attest(world);
  for (const [id, what, build, expect] of ROWS) {
    it(`${id}: ${what}: ${expect}`, async () => {
      const { jwk = honest.jwk, options } = await build(world, honest);
      const appraisal = await judge(world, jwk as typeof honest.jwk, options);
      if (expect === "accept") assert.deepEqual([appraisal.accepted, codesOf(appraisal)], [true, []]);
      else
        assert.deepEqual(
          [appraisal.accepted, codesOf(appraisal).includes(expect)],
          [false, true],
          codesOf(appraisal).join(),
        );
    });
  }

  for (const alg of ["RS256", "ES256", "EdDSA"] as const) {
    it(`takes a key for ${alg}, whose certificate is valid for everybody`, async () => {
      const { jwk } = await attest(world, alg);
      const appraisal = await judge(world, jwk);
      assert.deepEqual([appraisal.accepted, codesOf(appraisal)], [true, []]);
      const [x5c] = jwk.x5c as string[];
      const certificate = new X509Certificate(toPem([fromBase64(x5c ?? "", "x")]));
      assert.equal(certificate.verify(certificate.publicKey), true);
      assert.equal(certificate.subject, "CN=id.example.com");
      assert.equal(certificate.ca, false);
    });
  }

  it("holds as long as key, certificate and evidence do", async () => {
    const { validUntil } = await judge(world, honest.jwk);
    assert.equal(validUntil, honest.claims.iat * 1000 + DAY_MS);
    const long = await judge(world, honest.jwk, { policy: { ...SGX_POLICY, maxAgeMs: 30 * DAY_MS } });
    assert.equal(long.validUntil, honest.claims.exp * 1000);
  });

  it("takes SEV-SNP and Nitro evidence for a key as well", async () => {
    const { reportDataFor } = await import("../../src/index.ts");
    const reportData = await reportDataFor(honest.jwk as never, honest.claims);
    const snp = await createSimulatedSnp({ at: AT });
    const nitro = await createSimulatedNitro({ at: AT });
    const report = { mediaType: MEDIA_TYPE.snpReport, bytes: await snp.report(reportData) };
    const document = { mediaType: MEDIA_TYPE.nitroDocument, bytes: await nitro.document({ userData: reportData }) };
    const claims = formatClaims(honest.claims);
    const rows = [
      [report, { kind: "sev-snp", measurement: "a1".repeat(48) }, snp.root],
      [document, { kind: "nitro", pcr0: "01".repeat(48) }, nitro.root],
    ] as const;
    for (const [message, measurement, root] of rows) {
      const jwk = { ...honest.jwk, x5c: undefined, att: { claims, evidence: messageRecord(message, "evidence") } };
      const options = { policy: { measurements: [measurement] }, roots: [root], snpEndorsements: snp.endorsements };
      const appraisal = await judge(world, jwk, options);
      assert.deepEqual([appraisal.accepted, codesOf(appraisal)], [true, []]);
      assert.equal(
        (await judge(world, { ...jwk, ...(await attest(world)).jwk, att: jwk.att }, options)).accepted,
        false,
      );
    }
  });
});

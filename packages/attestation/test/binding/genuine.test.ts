import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { describe, it } from "node:test";
import {
  appraiseAttestedJwk,
  compilePolicy,
  ensureTaggedBinding,
  fromPem,
  parseCertificate,
  parseCollateral,
  readTaggedEvidence,
} from "../../src/index.ts";
import { parseQuote } from "../../src/quote/quote.ts";
import { readVector, readVectorText, withoutVectors } from "../support/vectors.ts";

const AT = Date.parse("2025-02-20T00:00:00Z");
const MEASUREMENT = {
  kind: "sgx",
  mrEnclave: "2f745c0bfb2a484cb081652f3897ce181762a30c3eecd13209fe1f58442667ac",
} as const;

const judge = (jwk: Record<string, unknown>, options: object = {}, rules: object = {}) =>
  appraiseAttestedJwk(jwk, {
    issuer: "enclave authorization",
    at: AT,
    collateral: parseCollateral(readVectorText("seed-jwks/collateral-00606A000000-2025-02.json")),
    policy: compilePolicy({ measurements: [MEASUREMENT], ...rules }),
    ...options,
  });

describe("the JWK set that confidential-token-broker published", { skip: withoutVectors }, () => {
  const jwk = withoutVectors ? {} : JSON.parse(readVectorText("seed-jwks/jwks.json")).keys[0];
  const outcomes = async (appraisal: ReturnType<typeof judge>) =>
    new Map((await appraisal).steps.map(({ name, outcome }) => [name, outcome]));

  it("is proved up to Intel's root, and its quote names the key", async () => {
    const steps = await outcomes(judge(jwk));
    for (const name of [
      "root",
      "pck_chain",
      "qe_report",
      "qe_report_data",
      "qe_identity_match",
      "quote_signature",
      "key_binding",
    ] as const)
      assert.equal(steps.get(name), "passed", name);
  });

  it("is refused for its debug enclave, its sample signer, its time and the signature of its certificate", async () => {
    const { accepted, reasons } = await judge(jwk);
    assert.equal(accepted, false);
    assert.deepEqual(reasons.map(({ code }) => code).sort(), [
      "certificate_signature",
      "certificate_time",
      "claims",
      "debug",
      "sample_signer",
      "tcb_status",
    ]);
  });

  it("is refused for its sample signer whatever else is let through", async () => {
    const rules = { allowDebug: true, tcbStatuses: ["OutOfDateConfigurationNeeded"] };
    const { reasons } = await judge(jwk, { legacySeed: true }, rules);
    assert.deepEqual(
      reasons.map(({ code }) => code),
      ["certificate_time", "sample_signer"],
    );
  });

  it("has signed both access tokens that were printed with it", () => {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const tokens: { token: string; header: { kid: string } }[] = JSON.parse(readVectorText("seed-jwks/tokens.json"));
    const ours = tokens.filter(({ header }) => header.kid === jwk.kid).map(({ token }) => token);
    assert.equal(ours.length, 2);
    for (const token of ours) {
      const [header, payload, signature = ""] = token.split(".");
      assert.equal(
        verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url")),
        true,
      );
    }
  });
});

describe("the interoperable RA-TLS certificate of Gramine", { skip: withoutVectors }, () => {
  it("carries tagged evidence that names its key, and a quote of a debug enclave", async () => {
    const text = new TextDecoder().decode(readVector("dcap/gramine-cert.pem"));
    const [der = new Uint8Array()] = fromPem(text, "the vector");
    const certificate = parseCertificate(der);
    const evidence = readTaggedEvidence(certificate);
    assert.equal(await ensureTaggedBinding(certificate, evidence), true);
    const { report } = parseQuote(evidence.quote);
    assert.equal(report.kind === "sgx" && (report.attributes[0] ?? 0) & 2, 2);
    await assert.rejects(ensureTaggedBinding(certificate, { ...evidence, publicKeyHash: new Uint8Array(32) }), {
      code: "key_binding",
    });
    await assert.rejects(ensureTaggedBinding(certificate, { ...evidence, claims: Uint8Array.of(0) }), {
      code: "claims_binding",
    });
  });
});

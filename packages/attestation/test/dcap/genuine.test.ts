import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toHex } from "../../src/encoding/text.ts";
import { type AttestationPolicy, appraiseQuote, compilePolicy, parseCollateral } from "../../src/index.ts";
import { readVector, readVectorText, withoutVectors } from "../support/vectors.ts";

const SGX = { kind: "sgx", mrEnclave: "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb" } as const;
const TDX = {
  kind: "tdx",
  mrTd: "91eb2b44d141d4ece09f0c75c2c53d247a3c68edd7fafe8a3520c942a604a407de03ae6dc5f87f27428b2538873118b7",
} as const;
const AT = Date.parse("2025-07-01T00:00:00Z");

const judge = (name: "sgx" | "tdx", policy: AttestationPolicy, at = AT) =>
  appraiseQuote(readVector(`dcap/${name}_quote`), {
    collateral: parseCollateral(readVectorText(`dcap/${name}_quote_collateral.json`)),
    at,
    policy: compilePolicy(policy),
  });

const codesOf = ({ reasons }: { reasons: readonly { code: string }[] }) => reasons.map(({ code }) => code);

describe("genuine quotes with Intel's collateral", { skip: withoutVectors }, () => {
  it("finds an SGX platform in need of configuration and hardening, with two advisories", async () => {
    const appraisal = await judge("sgx", { measurements: [SGX] });
    assert.deepEqual(codesOf(appraisal), ["tcb_status", "advisory"]);
    assert.equal(appraisal.tcb?.status, "ConfigurationAndSWHardeningNeeded");
    assert.deepEqual(appraisal.tcb?.advisories, ["INTEL-SA-00289", "INTEL-SA-00615"]);
    assert.equal(appraisal.pck?.fmspc, "00a067110000");
    assert.equal(appraisal.root?.name, "Intel SGX Root CA");
  });

  it("accepts it under a policy that accepts just that", async () => {
    const policy = {
      measurements: [SGX],
      tcbStatuses: ["ConfigurationAndSWHardeningNeeded"],
      advisories: ["INTEL-SA-00289", "INTEL-SA-00615"],
      minimumEvaluationNumber: 17,
    } as const;
    const appraisal = await judge("sgx", policy);
    assert.deepEqual([appraisal.accepted, appraisal.debug], [true, false]);
  });

  it("accepts an up-to-date TDX quote that is padded with zeros", async () => {
    const appraisal = await judge("tdx", { measurements: [TDX] });
    assert.equal(appraisal.accepted, true, JSON.stringify(appraisal.reasons));
    assert.equal(appraisal.tcb?.status, "UpToDate");
    assert.equal(appraisal.pck?.fmspc, "b0c06f000000");
  });

  it("refuses both when the collateral has expired, and names every part that has", async () => {
    for (const [name, rule] of [
      ["sgx", SGX],
      ["tdx", TDX],
    ] as const) {
      const appraisal = await judge(name, { measurements: [rule] }, Date.parse("2025-08-01T00:00:00Z"));
      assert.equal(appraisal.accepted, false);
      assert.ok(codesOf(appraisal).includes("crl_time"));
      assert.ok(codesOf(appraisal).includes("qe_identity_time"));
    }
  });
});

describe("the quote of the original's JWKS with Intel's collateral for its platform", {
  skip: withoutVectors,
}, async () => {
  const { keys } = withoutVectors ? { keys: [] } : JSON.parse(readVectorText("seed-jwks/jwks.json"));
  const { extensionOf, parseCertificate } = await import("../../src/x509/certificate.ts");
  const quoteOf = () => {
    const certificate = parseCertificate(new Uint8Array(Buffer.from(keys[0].x5c[0], "base64")));
    return extensionOf(certificate, "1.2.840.113741.1.13.1") ?? new Uint8Array();
  };
  const enclave = "2f745c0bfb2a484cb081652f3897ce181762a30c3eecd13209fe1f58442667ac";
  const judgeSeed = (policy: Partial<AttestationPolicy>) =>
    appraiseQuote(quoteOf(), {
      collateral: parseCollateral(readVectorText("seed-jwks/collateral-00606A000000-2025-02.json")),
      at: Date.parse("2025-02-20T00:00:00Z"),
      policy: compilePolicy({ measurements: [{ kind: "sgx", mrEnclave: enclave }], ...policy }),
    });

  it("is refused as a debug enclave of a signer whose key is public, on a platform that is out of date", async () => {
    const appraisal = await judgeSeed({});
    assert.deepEqual(codesOf(appraisal), ["debug", "sample_signer", "tcb_status"]);
    assert.equal(appraisal.tcb?.status, "OutOfDateConfigurationNeeded");
    assert.equal(appraisal.tcb?.date, "2023-02-15T00:00:00Z");
    assert.equal(appraisal.tcb?.evaluationNumber, 17);
    assert.deepEqual(appraisal.tcb?.advisories, []);
  });

  it("is refused for its signer alone when everything else is let through", async () => {
    const appraisal = await judgeSeed({ allowDebug: true, tcbStatuses: ["OutOfDateConfigurationNeeded"] });
    assert.deepEqual(codesOf(appraisal), ["sample_signer"]);
    assert.equal(appraisal.debug, true);
  });

  it("says of its platform what the PCK certificate says", async () => {
    const { pck, quote } = await judgeSeed({});
    assert.equal(pck?.ppid, "7360e566333524f2fd770562875239e0");
    assert.equal(pck?.fmspc, "00606a000000");
    assert.equal(pck?.platformInstanceId, "cce908147235d349a1e555ba1ddd7608");
    assert.deepEqual(pck?.components.slice(0, 6), [11, 11, 3, 3, 255, 255]);
    assert.deepEqual([pck?.pceSvn, pck?.pceId, pck?.cpuSvn], [13, "0000", "0b0b0303ffff00000000000000000000"]);
    assert.equal(toHex(quote?.userData ?? new Uint8Array()), "882f4533d42364fdb056d70b59b527e400000000");
    assert.equal(quote?.signature.qeReport.isvSvn, 9);
  });
});

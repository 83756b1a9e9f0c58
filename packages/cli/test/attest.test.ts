import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { formatCollateral, formatSnpEndorsements, parseQuote, toPem } from "@countersign/attestation";
import { createSimulatedNitro, createSimulatedPlatform, createSimulatedSnp } from "@countersign/attestation/simulated";
import { run } from "./script-world.ts";

const AT = "2026-06-01T12:00:00Z";
const at = Date.parse(AT);
const folder = mkdtempSync(join(tmpdir(), "attest-"));
after(() => rmSync(folder, { recursive: true }));

const put = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

const platform = await createSimulatedPlatform({ at });
const snp = await createSimulatedSnp({ at });
const nitro = await createSimulatedNitro({ at });
const data = new Uint8Array(64).fill(7);
const bytes = await platform.sgxQuote(data);
const quote = put("quote.bin", bytes);
const pem = (der: Uint8Array = new Uint8Array()) => toPem([der]);
const root = put("root.pem", pem(parseQuote(bytes).signature.certificates[2]));
const collateral = put("collateral.json", formatCollateral(await platform.collateral("sgx")));
const policy = put(
  "policy.toml",
  ["sgx:mr_enclave:e1:32", "sev-snp:measurement:a1:48", "nitro:pcr0:01:48"]
    .map((rule) => {
      const [kind, name, byte = "", length] = rule.split(":");
      return `[[measurements]]\nkind = "${kind}"\n${name} = "${byte.repeat(Number(length))}"\n`;
    })
    .join("\n"),
);
const verify = (file: string, ...more: string[]) =>
  run(["attest", "verify", file, "--policy", policy, "--at", AT, ...more]);

describe("countersign attest inspect", () => {
  it("shows a quote as a tree, from binary, hexadecimal and base64", async () => {
    const forms = [
      quote,
      put("quote.hex", Buffer.from(bytes).toString("hex")),
      put("quote.b64", `${Buffer.from(bytes).toString("base64")}\n`),
    ];
    for (const form of forms) {
      const { exitCode, stdout } = await run(["attest", "inspect", form]);
      assert.equal(exitCode, 0);
      assert.match(
        stdout,
        /^quote\n {2}version: 3\n {2}tee: sgx\n {2}report\n {4}debug: false\n {4}mrEnclave: (e1){32}\n/,
      );
      assert.match(stdout, /1: Simulated SGX PCK Certificate, NOT INTEL/);
    }
  });

  it("shows the others, and JSON for machines", async () => {
    const domain = await run(["attest", "inspect", put("tdx.bin", await platform.tdxQuote(data)), "--json"]);
    assert.equal(JSON.parse(domain.stdout).quote.report.mrTd, "d1".repeat(48));
    const report = await run(["attest", "inspect", put("report.bin", await snp.report(data))]);
    assert.match(report.stdout, /measurement: (a1){48}/);
    const document = await run(["attest", "inspect", put("document.bin", await nitro.document())]);
    assert.match(document.stdout, /moduleId: i-simulated-not-aws/);
    const certificate = await run(["attest", "inspect", root]);
    assert.match(certificate.stdout, /subject: Simulated SGX Root CA, NOT INTEL/);
  });

  it("says what it cannot read", async () => {
    const broken = await run(["attest", "inspect", put("broken.bin", Uint8Array.of(9, 9, 0))]);
    assert.deepEqual([broken.exitCode, broken.stdout], [1, ""]);
    assert.match(broken.stderr, /^countersign: error: cannot read/);
    const absent = await run(["attest", "inspect", join(folder, "absent")]);
    assert.match(absent.stderr, /cannot read .*absent\ncountersign: hint: ENOENT/);
  });
});

describe("countersign attest root", () => {
  it("writes the root of a quote", async () => {
    const { exitCode, stdout } = await run(["attest", "root", quote]);
    assert.deepEqual([exitCode, stdout], [0, pem(parseQuote(bytes).signature.certificates[2])]);
    assert.equal((await run(["attest", "root", root])).exitCode, 1);
  });
});

describe("countersign attest verify", () => {
  it("accepts a simulated quote whose root is trusted by name, and warns", async () => {
    const { exitCode, stdout, stderr } = await verify(quote, "--collateral", collateral, "--root", root);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^quote: accepted\n/);
    assert.doesNotMatch(stdout, /FAILED|not run/);
    assert.match(stderr, /warning: Simulated SGX Root CA, NOT INTEL is trusted because you say so/);
  });

  it("refuses it otherwise, check by check, with exit code 3", async () => {
    const { exitCode, stdout, stderr } = await verify(quote, "--collateral", collateral);
    assert.equal(exitCode, 3);
    assert.match(stdout, /FAILED {3}The chain ends in a root that is trusted\n +untrusted_root: /);
    assert.match(stdout, /not run {2}The PCK certificate is issued by the root/);
    assert.match(stderr, /error: refused: quote/);
  });

  it("gives machines every step", async () => {
    const { stdout } = await verify(quote, "--json");
    const [judged] = JSON.parse(stdout);
    assert.deepEqual([judged.accepted, judged.reasons], [false, ["evidence_missing"]]);
    assert.equal(judged.steps[0].outcome, "failed");
  });

  it("verifies SEV-SNP reports and Nitro documents, which bring their own chain", async () => {
    const endorsements = put("amd.json", formatSnpEndorsements(snp.endorsements));
    const ark = put("ark.pem", pem(snp.endorsements.root));
    const report = await verify(put("r.bin", await snp.report(data)), "--endorsements", endorsements, "--root", ark);
    assert.equal(report.exitCode, 0, report.stdout);
    const document = await verify(put("d.bin", await nitro.document()));
    assert.match(document.stdout, /untrusted_root/);
  });

  it("refuses keys without evidence, and asks for their issuer", async () => {
    const set = put(
      "jwks.json",
      JSON.stringify({ keys: [{ kty: "EC", crv: "P-256", x: "AA", y: "AA", kid: "plain" }] }),
    );
    const refused = await verify(set, "--issuer", "https://id.example.com");
    assert.match(refused.stdout, /^key 1: plain: refused\n(?:.*\n)*.*evidence_missing/);
    assert.equal((await verify(set)).exitCode, 2);
    assert.equal((await verify(put("none.json", '{"keys":[]}'), "--issuer", "x")).exitCode, 3);
  });

  it("names the fault of a policy and of a time", async () => {
    const bad = put("bad.toml", "alow_debug = true\n");
    const { exitCode, stderr } = await run(["attest", "verify", quote, "--policy", bad]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /has no member alow_debug/);
    assert.equal((await run(["attest", "verify", quote, "--policy", policy, "--at", "soon"])).exitCode, 2);
  });
});

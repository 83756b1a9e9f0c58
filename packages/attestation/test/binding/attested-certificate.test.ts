import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CborTag, type CborValue } from "../../src/cbor/reader.ts";
import { writeCbor } from "../../src/cbor/writer.ts";
import { commonName, sequence } from "../../src/der/writer.ts";
import { concatBytes } from "../../src/encoding/bytes.ts";
import {
  type AttestedCertificateOptions,
  appraiseAttestedCertificate,
  compilePolicy,
  fromPem,
} from "../../src/index.ts";
import { createParty, signerOf } from "../../src/simulated/issuer.ts";
import { digest, generateKeys, spkiOf } from "../../src/webcrypto.ts";
import { basicConstraints, extension, writeCertificate } from "../../src/x509/write.ts";
import { attest, createWorld } from "../support/attested.ts";
import { AT, DAY_MS, SGX_POLICY } from "../support/forge.ts";
import { readVectorText, withoutVectors } from "../support/vectors.ts";

const nonce = new Uint8Array(16).fill(4);
const codesOf = ({ reasons }: { reasons: readonly { code: string }[] }) => reasons.map(({ code }) => code);

describe("appraiseAttestedCertificate", async () => {
  const world = await createWorld();
  const { platform, collateral } = world;
  const judge = (der: Uint8Array, more: Partial<AttestedCertificateOptions> = {}) =>
    appraiseAttestedCertificate(der, {
      at: AT,
      collateral,
      policy: compilePolicy(SGX_POLICY),
      roots: [platform.root],
      ...more,
    });

  /** A certificate with tagged evidence, as the interoperable RA-TLS has it. */
  async function tagged(
    change: { readonly spki?: Uint8Array; readonly reportData?: Uint8Array } = {},
  ): Promise<Uint8Array> {
    const keys = await generateKeys("ES256");
    const spki = await spkiOf(keys.publicKey);
    const hash = writeCbor([1, await digest("SHA-256", change.spki ?? spki)]);
    const claims = writeCbor(
      new Map<CborValue, CborValue>([
        ["pubkey-hash", hash],
        ["nonce", nonce],
      ]),
    );
    const reportData = change.reportData ?? (await digest("SHA-256", claims));
    const value = writeCbor(new CborTag(60_000, [await platform.sgxQuote(reportData), claims]));
    const name = commonName("RA-TLS");
    const validity = { notBefore: AT - DAY_MS, notAfter: AT + DAY_MS };
    const extensions = [basicConstraints(false), extension("2.23.133.5.4.9", value)];
    const fields = { serial: Uint8Array.of(1), issuer: name, subject: name, ...validity, spki, extensions };
    return writeCertificate(fields, signerOf(keys, "ES256"));
  }

  for (const alg of ["RS256", "ES256", "EdDSA"] as const) {
    it(`takes a certificate whose quote names its key: ${alg}`, async () => {
      const { jwk } = await attest(world, alg);
      const [x5c = ""] = jwk.x5c as string[];
      assert.deepEqual(codesOf(await judge(new Uint8Array(Buffer.from(x5c, "base64")))), []);
    });
  }

  it("takes tagged evidence, and the nonce in it", async () => {
    const der = await tagged();
    const appraisal = await judge(der, { nonce });
    assert.deepEqual([appraisal.accepted, codesOf(appraisal)], [true, []]);
    assert.deepEqual(codesOf(await judge(der, { nonce: new Uint8Array(16) })), ["nonce"]);
  });

  it("refuses evidence for another key or other claims", async () => {
    const { spki } = await createParty({ name: "x", serial: 1, notBefore: AT, notAfter: AT });
    assert.deepEqual(codesOf(await judge(await tagged({ spki }))), ["key_binding"]);
    assert.deepEqual(codesOf(await judge(await tagged({ reportData: new Uint8Array(64) }))), ["claims_binding"]);
    const quote = await platform.sgxQuote(new Uint8Array(64));
    const validity = { notBefore: AT - DAY_MS, notAfter: AT + DAY_MS };
    const other = await createParty({
      ...validity,
      name: "x",
      serial: 1,
      extensions: [extension("1.2.840.113741.1.13.1", quote)],
    });
    assert.deepEqual(codesOf(await judge(other.certificate)), ["key_binding"]);
  });

  it("refuses a certificate without evidence, of another time, with a signature that does not hold, and none", async () => {
    const validity = { notBefore: AT - DAY_MS, notAfter: AT + DAY_MS };
    const plain = await createParty({ ...validity, name: "x", serial: 1 });
    assert.deepEqual(codesOf(await judge(plain.certificate)), ["evidence_missing"]);
    const der = await tagged();
    assert.ok(codesOf(await judge(der, { at: AT + 2 * DAY_MS })).includes("certificate_time"));
    const changed = der.slice();
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    assert.deepEqual(codesOf(await judge(changed)), ["certificate_signature"]);
    assert.deepEqual(codesOf(await judge(concatBytes(sequence(), Uint8Array.of(0)))), ["der"]);
  });

  it("reads the certificate of Gramine: its key is bound, and its enclave refused", {
    skip: withoutVectors,
  }, async () => {
    const [der = new Uint8Array()] = fromPem(readVectorText("dcap/gramine-cert.pem"), "the vector");
    const { steps, reasons } = await judge(der);
    const outcome = (name: string) => steps.find((step) => step.name === name)?.outcome;
    assert.deepEqual(["certificate_signature", "key_binding", "quote_signature"].map(outcome), [
      "passed",
      "passed",
      "passed",
    ]);
    assert.ok(reasons.some(({ code }) => code === "debug"));
  });
});

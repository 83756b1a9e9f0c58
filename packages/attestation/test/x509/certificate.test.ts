import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { DerReader, readOne, TAG } from "../../src/der/reader.ts";
import { der, sequence, small } from "../../src/der/writer.ts";
import { concatBytes, utf8 } from "../../src/encoding/bytes.ts";
import { toHex } from "../../src/encoding/text.ts";
import { createParty, issueCrl } from "../../src/simulated/issuer.ts";
import { extensionOf, parseCertificate } from "../../src/x509/certificate.ts";
import { parseCrl } from "../../src/x509/crl.ts";
import { fromPem, toPem } from "../../src/x509/pem.ts";
import { basicConstraints, extension, writeCertificate } from "../../src/x509/write.ts";
import { AT, DAY_MS } from "../support/forge.ts";

/** What is signed, without its frame, and what follows it. */
function partsOf(signed: Uint8Array): [content: Uint8Array, rest: Uint8Array] {
  const { content } = readOne(signed, "a test");
  const { content: inner, raw } = new DerReader(content).next("a test", TAG.sequence);
  return [inner, content.subarray(raw.length)];
}

const VALID = { notBefore: AT - DAY_MS, notAfter: AT + DAY_MS, serial: 300 };

describe("parseCertificate", async () => {
  const inner = await createParty({ ...VALID, name: "Inside" });
  const outer = await createParty({
    ...VALID,
    name: "Outside",
    extensions: [extension("1.2.840.113741.1.13.1", utf8(`\n${toPem([inner.certificate])}`))],
  });

  it("reads a DER certificate that carries PEM text inside as itself, where OpenSSL reads the one inside", () => {
    assert.equal(parseCertificate(outer.certificate).commonName, "Outside");
    // The trap is still there: who reads such a certificate with the runtime must give it PEM.
    assert.match(new X509Certificate(outer.certificate).subject, /Inside/);
    assert.match(new X509Certificate(toPem([outer.certificate])).subject, /Outside/);
  });

  it("reads every field as the runtime does", () => {
    const ours = parseCertificate(outer.certificate);
    const theirs = new X509Certificate(toPem([outer.certificate]));
    assert.equal(ours.serial.toUpperCase(), theirs.serialNumber.replace(/^0+/, "").padStart(ours.serial.length, "0"));
    assert.equal(ours.notAfter, Date.parse(theirs.validTo));
    assert.deepEqual(Buffer.from(ours.spki), theirs.publicKey.export({ format: "der", type: "spki" }));
    assert.equal(
      Buffer.from(extensionOf(ours, "1.2.840.113741.1.13.1") ?? []).toString(),
      `\n${toPem([inner.certificate])}`,
    );
    assert.equal(theirs.verify(theirs.publicKey), true);
  });

  it("refuses an extension that comes twice", async () => {
    const twice = await createParty({ ...VALID, name: "Twice", extensions: [basicConstraints(false)] });
    assert.throws(() => parseCertificate(twice.certificate), { code: "certificate" });
  });

  it("finds an extension by its identifier, not by its place", async () => {
    const first = extension("1.2.3", Uint8Array.of(1));
    const second = extension("1.2.840.113741.1.13.1", Uint8Array.of(2));
    const party = await createParty({ ...VALID, name: "Order", extensions: [first, second] });
    assert.deepEqual(extensionOf(parseCertificate(party.certificate), "1.2.840.113741.1.13.1"), Uint8Array.of(2));
  });

  it("refuses another version, two algorithms, and what is too large", async () => {
    const name = inner.name;
    const fields = {
      serial: Uint8Array.of(1),
      issuer: name,
      subject: name,
      notBefore: AT,
      notAfter: AT,
      spki: inner.spki,
      extensions: [],
    };
    const good = await writeCertificate(fields, inner.signer);
    const swap = (from: Uint8Array, to: Uint8Array) => Buffer.from(toHex(good).replace(toHex(from), toHex(to)), "hex");
    assert.throws(() => parseCertificate(swap(der(0xa0, small(2)), der(0xa0, small(1)))), { code: "certificate" });
    const last = Buffer.from(good);
    last[last.lastIndexOf(Buffer.from("300a06082a8648ce3d040302", "hex")) + 11] = 3;
    assert.throws(() => parseCertificate(last), { code: "certificate" });
    assert.throws(() => parseCertificate(sequence(new Uint8Array(70_000))), { code: "size" });
  });

  it("refuses every truncation with an error of its own", () => {
    for (let length = 0; length < outer.certificate.length; length++) {
      assert.throws(() => parseCertificate(outer.certificate.subarray(0, length)), { name: "AttestationError" });
    }
  });
});

describe("parseCrl", () => {
  it("reads what is revoked, and refuses a list of version 1 or with a critical extension", async () => {
    const party = await createParty({ ...VALID, name: "Issuer", isAuthority: true });
    const good = await issueCrl(party, AT, AT + DAY_MS, [party]);
    assert.deepEqual([...parseCrl(good).revoked], ["012c"]);
    const [content, rest] = partsOf(good);
    const old = concatBytes(small(0), content.subarray(small(1).length));
    assert.throws(() => parseCrl(sequence(sequence(old), rest)), { code: "crl" });
    const delta = der(0xa0, sequence(extension("2.5.29.27", small(1), true)));
    assert.throws(() => parseCrl(sequence(sequence(content, delta), rest)), { code: "critical_extension" });
    assert.doesNotThrow(() => parseCrl(sequence(sequence(content), rest)));
  });
});

describe("fromPem", () => {
  const one = Uint8Array.from({ length: 100 }, (_, at) => at);
  const text = toPem([one, one]);

  it("reads what toPem writes, with and without the end of the last line", () => {
    assert.deepEqual(fromPem(text, "x"), [one, one]);
    assert.deepEqual(fromPem(text.trimEnd(), "x"), [one, one]);
  });

  for (const [what, changed] of [
    ["a vertical tab for a line feed", text.replace("\n", "\v")],
    ["carriage returns", text.replaceAll("\n", "\r\n")],
    ["a blank before", ` ${text}`],
    ["a blank line between", text.replace("-----\n-----", "-----\n\n-----")],
    ["text after", `${text}x`],
    ["lines of another length", toPem([one]).replace(/\n(.{60})(.{4})\n/, "\n$1\n$2\n")],
    ["another label", text.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE")],
    ["spare bits", text.replace(/([A-Za-z0-9+/])==\n/, "B==\n")],
    ["no padding", text.replaceAll("=", "")],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => fromPem(changed, "x"), { name: "AttestationError" });
    });
  }
});

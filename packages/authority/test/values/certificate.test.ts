import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { alternativeNames, readCertificate, usableCertificate } from "../../src/values/certificate.ts";
import { type CertificateWishes, certificate } from "../node/certificates.ts";

const derOf = (wishes: CertificateWishes) => new X509Certificate(certificate(wishes).cert).raw;

describe("readCertificate", () => {
  it("reads a certificate that holds the PEM text of another one as itself", () => {
    const inner = certificate({ name: "inner", uri: "urn:example:victim" });
    const der = derOf({ name: "outer", uri: `urn:example:mallory\n${inner.cert}` });
    assert.equal(new X509Certificate(der).subject, "CN=inner", "the platform reads the inner one");
    assert.equal(readCertificate(der)?.subject, "CN=outer");
    const names = alternativeNames(usableCertificate(der, Date.UTC(2026, 0, 1)) ?? assert.fail());
    assert.deepEqual(
      names.map(({ kind, value }) => [kind, value.split("\n")[0]]),
      [["uri", "urn:example:mallory"]],
    );
  });

  it("reads nothing from what is no certificate, or not one alone", () => {
    const der = derOf({ name: "any" });
    const wrong = [
      new Uint8Array(),
      Buffer.from("no certificate"),
      Buffer.from(certificate({ name: "PEM" }).cert),
      der.subarray(1),
      Buffer.concat([der, Buffer.from([0])]),
      Buffer.concat([der, der]),
    ];
    for (const bytes of wrong) assert.equal(readCertificate(bytes), undefined);
  });
});

describe("alternativeNames", () => {
  const rows: readonly [CertificateWishes, kind: string, value: string][] = [
    [{ name: "a", uri: "URI:urn:test:argo-cli0" }, "uri", "URI:urn:test:argo-cli0"],
    [{ name: "a", uri: "urn:a, URI:urn:b" }, "uri", "urn:a, URI:urn:b"],
    [{ name: "a", uri: 'urn:"a"\\' }, "uri", 'urn:"a"\\'],
    [{ name: "a", dnsName: "a.example\0.evil" }, "dns", "a.example\0.evil"],
    [{ name: "a", uri: "urn:a " }, "uri", "urn:a "],
    [{ name: "a", email: "a@example" }, "email", "a@example"],
    [{ name: "a", ipAddress: [10, 0, 0, 9] }, "ip", "10.0.0.9"],
  ];
  for (const [wishes, kind, value] of rows) {
    it(`reads ${JSON.stringify(value)}`, () => {
      assert.deepEqual(alternativeNames(readCertificate(derOf(wishes)) ?? assert.fail()), [{ kind, value }]);
    });
  }
});

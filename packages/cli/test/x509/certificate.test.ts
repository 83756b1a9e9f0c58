import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { systemClock, systemRandom } from "@countersign/protocol";
import { type CertificateContent, makeAuthority, makeCertificate } from "../../src/x509/certificate.ts";

const dayMs = 86_400_000;
const content = (name: string, names: readonly string[] = []): Omit<CertificateContent, "use"> => ({
  name,
  names,
  from: systemClock.now() - 1000,
  until: systemClock.now() + dayMs,
  serial: systemRandom.bytes(16),
});

const ca = makeAuthority(content("test CA"));
const server = makeCertificate(
  { ...content("server", ["localhost", "127.0.0.1", "::1", "2001:db8::a:1"]), use: "server" },
  ca,
);
const client = makeCertificate({ ...content("alice", ["urn:example:alice"]), use: "client" }, ca);
const stranger = makeCertificate(
  { ...content("eve", ["urn:example:alice"]), use: "client" },
  makeAuthority(content("other CA")),
);

describe("makeCertificate", () => {
  const names: readonly (readonly [cert: string, expected: string])[] = [
    [server.cert, "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:A:1"],
    [client.cert, "URI:urn:example:alice"],
  ];
  for (const [cert, expected] of names) {
    it(`names ${expected}`, () => assert.equal(new X509Certificate(cert).subjectAltName, expected));
  }

  it("is signed by its authority alone, fits its key, and is no authority", () => {
    const [authority, made] = [new X509Certificate(ca.cert), new X509Certificate(client.cert)];
    assert.ok(made.verify(authority.publicKey) && made.checkIssued(authority));
    assert.ok(!new X509Certificate(stranger.cert).verify(authority.publicKey));
    assert.ok(made.checkPrivateKey(createPrivateKey(client.key)));
    assert.deepEqual([authority.ca, made.ca], [true, false]);
    assert.deepEqual(made.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  });

  it("holds from and until the instants that it was given, also beyond 2049", () => {
    const [from, until] = [Date.UTC(2026, 0, 2, 3, 4, 5), Date.UTC(2051, 11, 31, 23, 59, 59)];
    const { cert } = makeCertificate({ ...content("late"), use: "client", from, until }, ca);
    const { validFromDate, validToDate } = new X509Certificate(cert);
    assert.deepEqual([validFromDate.getTime(), validToDate.getTime()], [from, until]);
  });

  it("has a serial number that is positive, of whatever bytes", () => {
    const numbers = [0x00, 0x7f, 0x80, 0xff].map((byte) => {
      const made = makeCertificate({ ...content("s"), use: "client", serial: new Uint8Array(16).fill(byte) }, ca);
      return new X509Certificate(made.cert).serialNumber;
    });
    assert.deepEqual(
      numbers.map((number) => [number.length, /^[4-7]/.test(number)]),
      Array(4).fill([32, true]),
    );
  });

  it("refuses to sign with what is no authority, and names outside ASCII", () => {
    assert.throws(() => makeCertificate({ ...content("a"), use: "client" }, client), TypeError);
    assert.throws(() => makeCertificate({ ...content("a", ["urn:zoë"]), use: "client" }, ca), RangeError);
  });

  for (const { who, shown, authorized } of [
    { who: "its own client", shown: client, authorized: true },
    { who: "the client of another authority", shown: stranger, authorized: false },
    { who: "a server that shows its certificate as a client", shown: server, authorized: false },
  ]) {
    it(`makes TLS tell ${who}`, async (context) => {
      const options = { cert: server.cert, key: server.key, ca: ca.cert, requestCert: true, rejectUnauthorized: false };
      const listening = createServer(options).listen(0, "127.0.0.1");
      await once(listening, "listening");
      const accepted = once(listening, "secureConnection") as Promise<[TLSSocket]>;
      const socket = connect({
        host: "127.0.0.1",
        port: (listening.address() as AddressInfo).port,
        ca: ca.cert,
        cert: shown.cert,
        key: shown.key,
      });
      context.after(() => {
        socket.destroy();
        listening.close();
      });
      const [[peer]] = await Promise.all([accepted, once(socket, "secureConnect")]);
      context.after(() => peer.destroy());
      assert.equal(peer.authorized, authorized);
    });
  }
});

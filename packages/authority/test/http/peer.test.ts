import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import type { Connection, Peer } from "../../src/caller.ts";
import { type ConfigInput, parseConfig } from "../../src/config.ts";
import { peerOf } from "../../src/http/peer.ts";
import { certificate } from "../node/certificates.ts";

type Headers = Readonly<Record<string, string>>;

function peer(connection: Connection, headers: Headers = {}, server: ConfigInput["server"] = {}): Peer {
  return peerOf(new Headers(headers), connection, parseConfig({ issuer: "http://localhost:8080", server }));
}

const proxy = { trusted_proxies: ["10.0.0.1", "::1", "127.0.0.1"] };
const namesClient = { "x-forwarded-for": "198.51.100.7" };

interface Row {
  readonly id: string;
  readonly from: string;
  readonly headers?: Headers;
  readonly server?: ConfigInput["server"];
  readonly expect: Peer;
}

type HeaderName = "x-forwarded-for" | "forwarded";

/** What trusted proxies write, and whom it names: with a port, in brackets, in other spellings (RFC 7239 section 6). */
const named: readonly (readonly [value: string, address: string | undefined, name?: HeaderName])[] = [
  ["203.0.113.2:51000", "203.0.113.2"],
  ["[2001:db8::2]:51000", "2001:db8::2"],
  ["[2001:db8::2]", "2001:db8::2"],
  ["2001:DB8:0:0::2", "2001:db8::2"],
  ["[::ffff:203.0.113.2]:1", "203.0.113.2"],
  ["::ffff:cb00:7102", "203.0.113.2"],
  ["fe80::1%eth0", "fe80::1"],
  ["203.0.113.2:_port", "203.0.113.2"],
  ["198.51.100.7, 203.0.113.2:51000", "203.0.113.2"],
  ["198.51.100.7, 203.0.113.2, 127.0.0.1", "203.0.113.2"],
  ["[::1], 127.0.0.1", "::1"],
  ["unknown", undefined],
  ["_hidden", undefined],
  ["unix:", undefined],
  ["for=203.0.113.2", "203.0.113.2", "forwarded"],
  ['For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17", "forwarded"],
  ["for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60", "forwarded"],
  ["proto=https; , for=1.2.3.4;by=_x,for=203.0.113.2:80", "203.0.113.2", "forwarded"],
  ['by="a;for=1.1.1.1,";for=203.0.113.2', "203.0.113.2", "forwarded"],
  ['for="203.0.113\\.2"', "203.0.113.2", "forwarded"],
  ["for=198.51.100.7, for=127.0.0.1", "198.51.100.7", "forwarded"],
  ["for=203.0.113.2; proto=http ; by=_x", "203.0.113.2", "forwarded"],
  ["for=unknown", undefined, "forwarded"],
  ["for=_gazonk", undefined, "forwarded"],
];

/** What does not say who the client is must not make it the proxy, whose budget would be everybody's. */
const unreadable: readonly (readonly [headers: Headers, name?: HeaderName])[] = [
  [{ "x-forwarded-for": "" }],
  [{ "x-forwarded-for": "203.0.113.2," }],
  [{ "x-forwarded-for": "somebody" }],
  [{ "x-forwarded-for": "203.0.113.2 51000" }],
  [{ "x-forwarded-for": "203.0.113.2:999999" }],
  [{ "x-forwarded-for": "2001:db8::2]:1" }],
  [{ "x-forwarded-for": "203.0.113.300" }],
  [{ forwarded: "for=203.0.113.2" }],
  [{ "x-forwarded-for": "203.0.113.2" }, "forwarded"],
  [{ forwarded: "" }, "forwarded"],
  [{ forwarded: "proto=https" }, "forwarded"],
  [{ forwarded: "for=203.0.113.2, proto=https" }, "forwarded"],
  [{ forwarded: 'for="x, for=203.0.113.2' }, "forwarded"],
  [{ forwarded: 'for=", for="203.0.113.2:1"' }, "forwarded"],
  [{ forwarded: "203.0.113.2" }, "forwarded"],
  [{ forwarded: `for=203.0.113.2;${" ".repeat(16_000)}x` }, "forwarded"],
];

const rows: readonly Row[] = [
  { id: "D11 control: IPv4", from: "127.0.0.1", expect: { loopback: true, address: "127.0.0.1" } },
  { id: "D11 all of 127.0.0.0/8", from: "127.8.9.1", expect: { loopback: true, address: "127.8.9.1" } },
  { id: "D11 IPv6", from: "::1", expect: { loopback: true, address: "::1" } },
  { id: "D11 IPv6 with a zone", from: "::1%lo", expect: { loopback: true, address: "::1" } },
  { id: "D11 IPv4-mapped", from: "::ffff:127.0.0.1", expect: { loopback: true, address: "127.0.0.1" } },
  { id: "D11 unspecified", from: "0.0.0.0", expect: { loopback: false, address: "0.0.0.0" } },
  { id: "D11 another", from: "128.0.0.1", expect: { loopback: false, address: "128.0.0.1" } },
  { id: "D11 text that begins alike", from: "127.evil", expect: { loopback: false, address: "127.evil" } },
  ...["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "x-client-ip", "cf-connecting-ip"].flatMap(
    (name): readonly Row[] => [
      {
        id: `D10 ${name} makes nobody loopback`,
        from: "192.0.2.7",
        headers: { [name]: "127.0.0.1" },
        expect: { loopback: false, address: "192.0.2.7" },
      },
      {
        id: `D12 ${name} takes loopback away`,
        from: "127.0.0.1",
        headers: { [name]: "198.51.100.7" },
        expect: { loopback: false, address: "127.0.0.1" },
      },
    ],
  ),
  {
    id: "D10 who is no trusted proxy names nobody but itself",
    from: "10.0.0.2",
    headers: namesClient,
    server: proxy,
    expect: { loopback: false, address: "10.0.0.2" },
  },
  {
    id: "D10 a trusted proxy names its client",
    from: "10.0.0.1",
    headers: namesClient,
    server: proxy,
    expect: { loopback: false, address: "198.51.100.7" },
  },
  {
    id: "D10 of several hops only the last was written by the proxy",
    from: "::ffff:10.0.0.1",
    headers: { "x-forwarded-for": "127.0.0.1, 203.0.113.9 ,198.51.100.7" },
    server: proxy,
    expect: { loopback: false, address: "198.51.100.7" },
  },
  ...named.map(
    ([value, address, name = "x-forwarded-for"]): Row => ({
      id: `D10 ${name}: ${value} names ${address ?? "nobody"}`,
      from: "10.0.0.1",
      headers: { [name]: value },
      server: { ...proxy, forwarded_header: name },
      expect: { loopback: false, ...(address === undefined ? {} : { address }) },
    }),
  ),
  {
    id: "D10 a proxy that forwards nothing speaks for itself",
    from: "10.0.0.1",
    server: proxy,
    expect: { loopback: false, address: "10.0.0.1" },
  },
  {
    id: "D12 a trusted proxy on this machine is not on loopback, nor is its client",
    from: "127.0.0.1",
    headers: { "x-forwarded-for": "127.0.0.1" },
    server: proxy,
    expect: { loopback: false, address: "127.0.0.1" },
  },
  {
    id: "D12 nor is one that adds no header",
    from: "::1",
    server: proxy,
    expect: { loopback: false, address: "::1" },
  },
  {
    id: "D12 nobody is on loopback without its privileges",
    from: "127.0.0.1",
    server: { loopback_privileges: false },
    expect: { loopback: false, address: "127.0.0.1" },
  },
];

describe("peerOf", () => {
  for (const { id, from, headers, server, expect } of rows) {
    it(id, () => assert.deepEqual(peer({ address: from }, headers, server), expect));
  }

  for (const [headers, name = "x-forwarded-for"] of unreadable) {
    it(`D10 ${JSON.stringify(headers)} is refused where ${name} is configured`, () => {
      const server = { ...proxy, forwarded_header: name };
      assert.throws(() => peer({ address: "10.0.0.1" }, headers, server), { code: "invalid_request" });
      assert.equal(peer({ address: "10.0.0.9" }, headers, server).address, "10.0.0.9");
    });
  }

  it("D12 takes loopback from what a proxy of HTTP/1.0 relayed", () => {
    assert.deepEqual(peer({ address: "127.0.0.1", relayed: true }), { loopback: false, address: "127.0.0.1" });
  });

  it("D11 knows nobody on loopback who has no address", () => {
    assert.deepEqual(peer({}), { loopback: false });
  });
});

const derOf = (name: string) => new Uint8Array(new X509Certificate(certificate({ name }).cert).raw);
const [own, theirs] = [derOf("proxy"), derOf("client")];
const headerOf = (der: Uint8Array) => `:${Buffer.from(der).toString("base64")}:`;
const handing = { ...proxy, client_certificate_header: "client-cert" } as const;

interface CertificateRow {
  readonly id: string;
  readonly from?: string;
  readonly headers: Headers;
  readonly server: ConfigInput["server"];
  /** Whose certificate the request is taken to come with. */
  readonly expect: Uint8Array | undefined;
}

const certificateRows: readonly CertificateRow[] = [
  {
    id: "control: a connection's own",
    from: "192.0.2.7",
    headers: {},
    server: handing,
    expect: own,
  },
  {
    id: "F8 the header counts from a trusted proxy where it is configured",
    headers: { ...namesClient, "client-cert": headerOf(theirs) },
    server: handing,
    expect: theirs,
  },
  {
    id: "F8 the header of anybody else is ignored",
    from: "192.0.2.7",
    headers: { "client-cert": headerOf(theirs) },
    server: handing,
    expect: own,
  },
  {
    id: "F8 the header of a trusted proxy is ignored where it is not configured",
    headers: { ...namesClient, "client-cert": headerOf(theirs) },
    server: proxy,
    expect: undefined,
  },
  {
    id: "F8 the certificate of a trusted proxy is not its client's",
    headers: namesClient,
    server: proxy,
    expect: undefined,
  },
  {
    id: "F8 nor where its client has shown none",
    headers: {},
    server: handing,
    expect: undefined,
  },
  {
    id: "F8 a proxy that forwards nothing shows its own",
    headers: {},
    server: proxy,
    expect: own,
  },
];

/** RFC 9440 section 2.2 and RFC 8941 section 3.3.5: one byte sequence, of one certificate. */
const noCertificates: readonly string[] = [
  "",
  ":",
  "::",
  Buffer.from(theirs).toString("base64"),
  `:${Buffer.from(theirs).toString("base64url")}:`,
  `${headerOf(theirs)}, ${headerOf(own)}`,
  headerOf(theirs.slice(0, -1)),
  headerOf(Buffer.concat([theirs, theirs])),
  headerOf(Buffer.from(certificate({ name: "PEM" }).cert)),
  ":eA==:",
];

describe("peerOf and certificates of clients", () => {
  for (const { id, from = "10.0.0.1", headers, server, expect } of certificateRows) {
    it(id, () => {
      const found = peer({ address: from, certificate: { der: own, trusted: true } }, headers, server).certificate;
      assert.deepEqual(found?.der, expect);
    });
  }

  for (const [at, value] of noCertificates.entries()) {
    it(`F8 refuses what is not one certificate: ${at}`, () => {
      const headers = { "client-cert": value };
      assert.throws(() => peer({ address: "10.0.0.1" }, headers, handing), { code: "invalid_request" });
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Connection, Peer } from "../../src/caller.ts";
import { type ConfigInput, parseConfig } from "../../src/config.ts";
import { peerOf } from "../../src/http/peer.ts";

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
  {
    id: "D10 what is no address names nobody",
    from: "10.0.0.1",
    headers: { "x-forwarded-for": "unknown" },
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

  it("D12 takes loopback from what a proxy of HTTP/1.0 relayed", () => {
    assert.deepEqual(peer({ address: "127.0.0.1", relayed: true }), { loopback: false, address: "127.0.0.1" });
  });

  it("D11 knows nobody on loopback who has no address", () => {
    assert.deepEqual(peer({}), { loopback: false });
  });
});

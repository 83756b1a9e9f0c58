import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ConfigInput, parseConfig } from "../src/config.ts";
import { peerOf } from "../src/http/peer.ts";

const issuer = "https://id.example";
const configOf = (server: ConfigInput["server"]) => parseConfig({ issuer, server });

describe("parseConfig", () => {
  const proxies: readonly (readonly [written: string, shown: string])[] = [
    ["10.0.0.9", "10.0.0.9"],
    ["2001:DB8:0::1", "2001:db8::1"],
    ["::FFFF:10.0.0.9", "::ffff:10.0.0.9"],
    ["::ffff:0a00:0009", "10.0.0.9"],
    ["10.0.0.0/8", "10.255.0.9"],
    ["10.42.0.0/16", "::ffff:10.42.7.1"],
    ["10.0.0.9/32", "10.0.0.9"],
    ["2001:DB8:0::/48", "2001:db8:0:ffff::1"],
    ["2001:db8:0:8000::/49", "2001:db8:0:8001::1"],
  ];
  const strangers: readonly (readonly [written: string, shown: string])[] = [
    ["10.0.0.0/8", "11.0.0.1"],
    ["10.42.0.0/16", "10.43.0.1"],
    ["10.0.0.9/32", "10.0.0.8"],
    ["2001:db8::/48", "2001:db8:1::1"],
    ["2001:db8::/48", "32.1.13.184"],
  ];
  for (const [written, shown] of strangers) {
    it(`does not trust ${shown} with the block ${written}`, () => {
      const config = configOf({ trusted_proxies: [written] });
      const peer = peerOf(new Headers({ "x-forwarded-for": "192.0.2.1" }), { address: shown }, config);
      assert.equal(peer.address, shown);
    });
  }

  for (const [written, shown] of proxies) {
    it(`trusts the proxy ${written} when the socket shows ${shown}`, () => {
      const config = configOf({ trusted_proxies: [written] });
      const peer = peerOf(new Headers({ "x-forwarded-for": "192.0.2.1" }), { address: shown }, config);
      assert.equal(peer.address, "192.0.2.1");
    });
  }

  const blocks = [
    "0.0.0.0/0",
    "::/0",
    "::ffff:10.0.0.0/104",
    "10.0.0.1/8",
    "10.0.0.0/33",
    "2001:db8::1/48",
    "2001:db8::/129",
    "10.0.0.0/",
    "/8",
  ];
  for (const wrong of [...blocks, "10.0.0.0/8/8", "localhost", "proxy.example", "fe80::1%eth0", "10.0.0.9:80", ""]) {
    it(`refuses a trusted proxy that no socket shows: ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => configOf({ trusted_proxies: [wrong] }), /must be an IP address.*trusted_proxies\[0\]/s);
    });
  }

  for (const origin of ["https://app.example", "http://localhost:3000", "capacitor://localhost"]) {
    it(`takes the origin ${origin}`, () => {
      assert.deepEqual(configOf({ cors_origins: [origin] }).server.cors_origins, [origin]);
    });
  }

  const wrongIssuers = ["ftp://id.example", "id.example", "https://", " https://id.example", "https://id.example/a b"];
  for (const wrong of [...wrongIssuers, "https://u@id.example", "https://id.example?", "https://id.example/#"]) {
    it(`refuses an issuer that verifiers cannot compare or fetch: ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => parseConfig({ issuer: wrong }), /must be an http or https URL/);
    });
  }

  for (const right of ["https://id.example/", "http://localhost:8080", "https://id.example/realm/%7Ea"]) {
    it(`takes the issuer ${right} byte for byte`, () => assert.equal(parseConfig({ issuer: right }).issuer, right));
  }

  it("takes a retention of some events, by name or first part, and none for grants", () => {
    const retention_of = ["user=86400", "token.issued=0", "token=2592000"];
    assert.deepEqual(parseConfig({ issuer, audit: { retention_of } }).audit.retention_of, retention_of);
  });

  for (const wrong of ["user", "nobody=86400", "user.deleted=0", "token=0", "user=86399", "user=-1", "user.=86400"]) {
    it(`refuses a retention of ${wrong}`, () => {
      assert.throws(() => parseConfig({ issuer, audit: { retention_of: [wrong] } }), /retention_of\[0\]/);
    });
  }

  for (const wrong of ["a b", "", 'quo"te', "back\\slash", "ü"]) {
    it(`refuses a scope of new users that none can be given: ${JSON.stringify(wrong)}`, () => {
      assert.throws(
        () => parseConfig({ issuer, registration: { scopes: ["read", wrong] } }),
        /scope-token.*scopes\[1\]/s,
      );
    });
  }

  it("refuses more scopes of new users than a user may have", () => {
    const scopes = Array.from({ length: 101 }, (_, at) => `scope${at}`);
    assert.throws(() => parseConfig({ issuer, registration: { scopes } }), /registration\.scopes/);
  });

  for (const wrong of ["a b", "", "a\n", "x".repeat(513)]) {
    it(`refuses an audience that no client can be given: ${JSON.stringify(wrong.slice(0, 9))}`, () => {
      assert.throws(() => parseConfig({ issuer, tokens: { audience: [wrong] } }), /tokens\.audience\[0\]/);
    });
  }

  for (const wrong of ["", "a b", "name:", "x".repeat(65)]) {
    it(`refuses a client that cannot be: ${JSON.stringify(wrong.slice(0, 9))}`, () => {
      assert.throws(() => parseConfig({ issuer, compat: { jwt_issuer_client: wrong } }), /compat\.jwt_issuer_client/);
    });
  }

  const wrongOrigins = ["https://app.example/", "https://app.example/app", "https://APP.example", "https://a:443", "*"];
  for (const wrong of [...wrongOrigins, "https://u@a.example", "null", "capacitor://localhost/"]) {
    it(`refuses an origin that no browser sends: ${wrong}`, () => {
      assert.throws(() => configOf({ cors_origins: [wrong] }), /cors_origins\[0\]/);
    });
  }
});

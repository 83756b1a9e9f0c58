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
  ];
  for (const [written, shown] of proxies) {
    it(`trusts the proxy ${written} when the socket shows ${shown}`, () => {
      const config = configOf({ trusted_proxies: [written] });
      const peer = peerOf(new Headers({ "x-forwarded-for": "192.0.2.1" }), { address: shown }, config);
      assert.equal(peer.address, "192.0.2.1");
    });
  }

  for (const wrong of ["10.0.0.0/8", "localhost", "proxy.example", "fe80::1%eth0", "10.0.0.9:80", ""]) {
    it(`refuses a trusted proxy that no socket shows: ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => configOf({ trusted_proxies: [wrong] }), /must be an IP address.*trusted_proxies\[0\]/s);
    });
  }

  for (const origin of ["https://app.example", "http://localhost:3000", "capacitor://localhost"]) {
    it(`takes the origin ${origin}`, () => {
      assert.deepEqual(configOf({ cors_origins: [origin] }).server.cors_origins, [origin]);
    });
  }

  const wrongOrigins = ["https://app.example/", "https://app.example/app", "https://APP.example", "https://a:443", "*"];
  for (const wrong of [...wrongOrigins, "https://u@a.example", "null", "capacitor://localhost/"]) {
    it(`refuses an origin that no browser sends: ${wrong}`, () => {
      assert.throws(() => configOf({ cors_origins: [wrong] }), /cors_origins\[0\]/);
    });
  }
});

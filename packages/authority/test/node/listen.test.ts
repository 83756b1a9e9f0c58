import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { describe, it } from "node:test";
import { isLoopbackHost } from "../../src/node/listen.ts";
import { serveAuthority } from "../../src/node.ts";
import { answered } from "./raw-socket.ts";

const authority = { answer: async () => answered() };
const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));

describe("serveAuthority listens", () => {
  it("on both loopback addresses where both exist", async () => {
    const served = await serveAuthority(authority, { port: 0 });
    const hosts = ["127.0.0.1", ...(hasIpv6 ? ["[::1]"] : [])];
    for (const host of hosts) assert.equal((await fetch(`http://${host}:${served.port}`)).status, 200);
    assert.equal(served.url, `http://localhost:${served.port}`);
    await served.close();
  });

  it("at another loopback address, and says where it can be reached", async () => {
    const served = await serveAuthority(authority, { host: "127.0.0.5", port: 0 });
    assert.equal(served.url, `http://127.0.0.5:${served.port}`);
    await served.close();
  });

  for (const host of ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "id.example.com"]) {
    it(`never in plain HTTP at ${host}, unless told that it may`, async () => {
      await assert.rejects(serveAuthority(authority, { host, port: 0 }), /Cannot serve plain HTTP beyond loopback/);
    });
  }

  it("in plain HTTP beyond loopback when told that it may", async () => {
    const served = await serveAuthority(authority, { host: "0.0.0.0", port: 0, insecureHttp: true });
    assert.equal(served.url, `http://0.0.0.0:${served.port}`);
    await served.close();
  });

  it("at no port that is taken", async () => {
    const served = await serveAuthority(authority, { port: 0 });
    await assert.rejects(serveAuthority(authority, { port: served.port }), { code: "EADDRINUSE" });
    await served.close();
  });
});

describe("isLoopbackHost", () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ["localhost", true],
    ["127.0.0.1", true],
    ["127.255.0.3", true],
    ["::1", true],
    ["0:0:0:0:0:0:0:1", true],
    ["::ffff:127.0.0.1", true],
    ["::ffff:192.0.2.1", false],
    ["0.0.0.0", false],
    ["::", false],
    ["128.0.0.1", false],
    ["localhost.example.com", false],
  ];
  for (const [host, expected] of rows) {
    it(`${host}: ${expected}`, () => assert.equal(isLoopbackHost(host), expected));
  }
});

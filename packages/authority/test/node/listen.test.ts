import assert from "node:assert/strict";
import { Server } from "node:http";
import { networkInterfaces } from "node:os";
import { describe, it } from "node:test";
import { isLoopbackHost, listenAt } from "../../src/node/listen.ts";
import { serveAuthority } from "../../src/node.ts";
import { answered } from "./raw-socket.ts";

const authority = { respond: async () => answered() };
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
    assert.equal((await fetch(served.url)).status, 200);
    await assert.rejects(fetch(`http://127.0.0.1:${served.port}`));
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

/** What the system says of `::1`, attempt by attempt; without a code it binds `127.0.0.1` in its place. */
function makeOn(codes: readonly (string | undefined)[], made: Server[]): () => Server {
  return () => {
    const server = new Server();
    const listen = server.listen.bind(server);
    const onSix = (onBound: () => void) => {
      const code = codes[(made.length >> 1) - 1];
      if (code === undefined) return listen(0, "127.0.0.1", onBound);
      process.nextTick(() => server.emit("error", Object.assign(new Error(code), { code })));
      return server;
    };
    made.push(server);
    return Object.assign(server, {
      listen: (port: number, host: string, onBound: () => void) =>
        host === "::1" ? onSix(onBound) : listen(port, host, onBound),
    });
  };
}

describe("listenAt where the second address of loopback cannot be had", () => {
  for (const code of ["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"]) {
    it(`${code}: this machine has none, the first is enough`, async () => {
      const made: Server[] = [];
      const bound = await listenAt("localhost", 0, makeOn([code], made));
      assert.deepEqual(bound, [made[0]]);
      for (const server of bound) server.close();
    });
  }

  it("EADDRINUSE at a port that the system chose: tries another, and leaves the first free", async () => {
    const made: Server[] = [];
    const bound = await listenAt("localhost", 0, makeOn(["EADDRINUSE", "EADDRINUSE"], made));
    assert.deepEqual(bound, made.slice(4));
    for (const server of bound) server.close();
    assert.deepEqual(listening(made), []);
  });

  for (const [name, codes, attempts] of [
    ["EACCES", Array<string>(20).fill("EACCES"), 10],
    ["EADDRINUSE again and again", Array<string>(20).fill("EADDRINUSE"), 10],
  ] as const) {
    it(`${name}: says so, and leaves nothing bound`, async () => {
      const made: Server[] = [];
      await assert.rejects(listenAt("localhost", 0, makeOn(codes, made)), { code: codes[0] });
      assert.equal(made.length / 2, attempts);
      assert.deepEqual(listening(made), []);
    });
  }

  it("EADDRINUSE at a port that was asked for: says so at once", async () => {
    const taken = await serveAuthority(authority, { host: "127.0.0.5", port: 0 });
    const made: Server[] = [];
    await assert.rejects(listenAt("localhost", taken.port, makeOn(["EADDRINUSE"], made)), { code: "EADDRINUSE" });
    assert.equal(made.length, 2);
    assert.deepEqual(listening(made), []);
    await taken.close();
  });
});

function listening(servers: readonly Server[]): readonly Server[] {
  return servers.filter((server) => server.listening);
}

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

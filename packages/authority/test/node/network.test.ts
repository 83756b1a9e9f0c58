import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { isInside, nodeNetwork } from "../../src/node/network.ts";
import { certificate } from "./certificates.ts";

async function serving(listener: RequestListener, run: (url: string, port: number) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await run(`http://127.0.0.1:${port}/`, port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const init = { headers: { accept: "application/json" } };

describe("nodeNetwork", () => {
  const inside = [
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "192.168.0.1",
    "172.31.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fe80::1%eth0",
  ];
  for (const address of inside)
    it(`holds ${address} for an address inside`, () => assert.equal(isInside(address), true));
  for (const address of ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
    it(`holds ${address} for one outside`, () => assert.equal(isInside(address), false));

  it("takes no server whose certificate it does not trust", async () => {
    const { cert, key } = certificate({ name: "localhost", dnsName: "localhost", use: "server" });
    const server = createTlsServer({ cert, key }, () => assert.fail("somebody asked"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const answer = nodeNetwork({ allowPrivate: true })(`https://localhost:${port}/`, init);
    await assert.rejects(answer, /self-signed certificate/);
    await new Promise((resolve) => server.close(resolve));
  });

  it("connects to nothing inside, neither by address nor by name", () =>
    serving(
      () => assert.fail("somebody connected"),
      async (url, port) => {
        const fetch = nodeNetwork({ allowPrivate: false });
        for (const target of [url, `http://localhost:${port}/`, `http://[::1]:${port}/`, `http://0x7f000001:${port}/`])
          await assert.rejects(fetch(target, init), /private, loopback or link-local/, target);
      },
    ));

  it("connects there where that is allowed, sends the headers, and follows no redirect", () =>
    serving(
      (request, response) => {
        if (request.url === "/there") assert.fail("a redirect was followed");
        response.writeHead(302, { location: "/there", "x-accept": request.headers.accept }).end("body");
      },
      async (url, port) => {
        const fetch = nodeNetwork({ allowPrivate: true });
        for (const target of [url, `http://localhost:${port}/`]) {
          const response = await fetch(target, init);
          assert.deepEqual([response.status, response.headers.get("x-accept")], [302, "application/json"]);
          assert.equal(await response.text(), "body");
        }
      },
    ));

  it("answers 304 without a body, and stops when it is told to", () =>
    serving(
      (request, response) => {
        if (request.url === "/") response.writeHead(304).end();
      },
      async (url) => {
        const fetch = nodeNetwork({ allowPrivate: true });
        assert.equal((await fetch(url, init)).status, 304);
        const ending = new AbortController();
        const hanging = fetch(`${url}hang`, { ...init, signal: ending.signal });
        ending.abort();
        await assert.rejects(hanging, { name: "AbortError" });
      },
    ));
});

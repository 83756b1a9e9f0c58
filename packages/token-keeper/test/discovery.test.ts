import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tlsClient } from "@countersign/token-keeper";
import { aContext, aSource } from "./support/context.ts";
import { type Answer, freshTokens, type Handler, startTokenServer } from "./support/token-server.ts";

/** Metadata at one path, tokens at /token. */
function withMetadata(path: string, metadata: (origin: string) => object): (origin: string) => Handler {
  return (origin) => (request, count) => {
    if (request.path === path) return { body: metadata(origin) };
    if (request.path.startsWith("/token")) return freshTokens()(request, count);
    return { status: 404 };
  };
}

async function aServer(make: (origin: string) => Handler) {
  const server = await startTokenServer();
  server.handler = make(server.origin);
  return server;
}

const standard = (origin: string) => ({ issuer: `${origin}/tenant`, token_endpoint: `${origin}/token` });

describe("discovery", () => {
  for (const path of ["/.well-known/oauth-authorization-server/tenant", "/tenant/.well-known/openid-configuration"]) {
    it(`finds the token endpoint at ${path}, once`, async () => {
      await using server = await aServer(withMetadata(path, standard));
      const source = aSource(server, { issuer: `${server.origin}/tenant` });
      await source.request(aContext());
      await source.request(aContext());
      assert.equal(server.received.filter((request) => request.path === path).length, 1);
      assert.equal(source.identity.issuer, `${server.origin}/tenant`);
    });
  }

  it("takes the alias for client certificates (RFC 8705 section 5)", async () => {
    const metadata = (origin: string) => ({
      ...standard(origin),
      mtls_endpoint_aliases: { token_endpoint: `${origin}/token-mtls` },
    });
    await using server = await aServer(withMetadata("/.well-known/oauth-authorization-server/tenant", metadata));
    const options = { issuer: `${server.origin}/tenant`, client: tlsClient("c") };
    await aSource(server, options).request(aContext());
    assert.equal(server.received.at(-1)?.path, "/token-mtls");
  });

  const hostile: Record<string, (origin: string) => object> = {
    "another issuer": (origin) => ({ ...standard(origin), issuer: `${origin}/other` }),
    "an issuer with a slash more": (origin) => ({ ...standard(origin), issuer: `${origin}/tenant/` }),
    "no issuer": (origin) => ({ token_endpoint: `${origin}/token` }),
    "an endpoint on another host": (origin) => ({ ...standard(origin), token_endpoint: "https://evil.example/token" }),
    "an endpoint without https": (origin) => ({ ...standard(origin), token_endpoint: "http://evil.example/token" }),
    "an endpoint with credentials": (origin) => ({ ...standard(origin), token_endpoint: "https://a:b@evil.example/" }),
    "an endpoint that is no address": (origin) => ({ ...standard(origin), token_endpoint: "/token" }),
    "no endpoint": (origin) => ({ issuer: `${origin}/tenant` }),
  };
  for (const [name, metadata] of Object.entries(hostile)) {
    it(`refuses ${name} and sends no credentials (RFC 8414 section 3.3)`, async () => {
      await using server = await aServer(withMetadata("/.well-known/oauth-authorization-server/tenant", metadata));
      const source = aSource(server, { issuer: `${server.origin}/tenant` });
      await assert.rejects(source.request(aContext()), { code: "discovery_failed" });
      assert.ok(
        server.received.every(({ headers, method }) => headers.authorization === undefined && method === "GET"),
      );
    });
  }

  it("takes another origin that is named", async () => {
    await using endpoint = await startTokenServer();
    const metadata = (origin: string) => ({ ...standard(origin), token_endpoint: endpoint.tokenEndpoint });
    await using server = await aServer(withMetadata("/.well-known/oauth-authorization-server/tenant", metadata));
    const options = { issuer: `${server.origin}/tenant`, endpointOrigins: [endpoint.origin] };
    await aSource(server, options).request(aContext());
    assert.equal(endpoint.received.length, 1);
  });

  it("looks at the second document when the server leads from the first to a login page", async () => {
    const found = withMetadata("/tenant/.well-known/openid-configuration", standard);
    await using server = await aServer((origin) => (request, count) => {
      if (!request.path.startsWith("/.well-known/")) return found(origin)(request, count);
      return { status: 302, headers: { location: "/login" } };
    });
    const source = aSource(server, { issuer: `${server.origin}/tenant` });
    assert.equal((await source.request(aContext())).accessToken.reveal(), "token-3");
    server.handler = () => ({ status: 302, headers: { location: "/login" } });
    const other = aSource(server, { issuer: `${server.origin}/other` });
    await assert.rejects(other.request(aContext()), { code: "redirect_refused" });
    assert.ok(server.received.every(({ path }) => path !== "/login"));
  });

  it("retries later when the server is down, and when something before it says that there is nothing", async () => {
    await using down = await startTokenServer(() => ({ status: 503 }));
    const options = { issuer: down.origin };
    await assert.rejects(aSource(down, options).request(aContext()), { code: "server_error", retryable: true });
    down.handler = ({ path }) => ({ status: path.includes("openid") ? 404 : 503 });
    await assert.rejects(aSource(down, options).request(aContext()), { code: "server_error", retryable: true });
    down.handler = () => ({ status: 404 });
    await assert.rejects(aSource(down, options).request(aContext()), { code: "metadata_unreadable", retryable: true });
  });

  const unreadable: Record<string, Answer> = {
    "503": { status: 503 },
    "404": { status: 404 },
    HTML: { body: "<html>", headers: { "content-type": "text/html" } },
    "a login page": { status: 302, headers: { location: "/login" } },
    "another issuer": { body: { issuer: "https://other.example", token_endpoint: "https://other.example/token" } },
    "an endpoint elsewhere": { body: { token_endpoint: "https://other.example/token" } },
  };
  for (const [name, answer] of Object.entries(unreadable)) {
    it(`keeps the endpoint that works when metadata are ${name} on the next day, and goes on looking`, async () => {
      let metadata: Answer | undefined;
      await using server = await aServer((origin) => (request, count) => {
        const known = withMetadata("/.well-known/oauth-authorization-server/tenant", standard)(origin);
        return request.path.includes(".well-known") && metadata !== undefined ? metadata : known(request, count);
      });
      const source = aSource(server, { issuer: `${server.origin}/tenant` });
      const context = aContext();
      await source.request(context);
      await context.clock.advance(86_400_000);
      metadata = answer;
      await source.request(context);
      await source.request(context);
      const read = () => server.received.filter(({ path }) => path.includes(".well-known")).length;
      const readTwice = read();
      assert.equal(server.received.filter(({ path }) => path === "/token").length, 3);
      assert.ok(context.events.some(({ type }) => type === "metadata_failed"));
      await context.clock.advance(300_000);
      metadata = undefined;
      await source.request(context);
      assert.equal(read(), readTwice + 1);
    });
  }

  it("reads metadata again after a 404 of the token endpoint, and finds where it moved", async () => {
    let moved = false;
    await using server = await aServer((origin) => (request, count) => {
      const path = moved ? "/token-moved" : "/token";
      const metadata = () => ({ ...standard(origin), token_endpoint: `${origin}${path}` });
      const found = withMetadata("/.well-known/oauth-authorization-server/tenant", metadata)(origin);
      return moved && request.path === "/token" ? { status: 404 } : found(request, count);
    });
    const source = aSource(server, { issuer: `${server.origin}/tenant` });
    await source.request(aContext());
    moved = true;
    await assert.rejects(source.request(aContext()), { code: "unexpected_status", retryable: true });
    await source.request(aContext());
    assert.equal(server.received.at(-1)?.path, "/token-moved");
  });
});

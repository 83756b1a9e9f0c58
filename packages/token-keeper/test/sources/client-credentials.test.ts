import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  type ClientCredentialsOptions,
  clientCredentialsSource,
  publicClient,
  secretPost,
  TokenError,
  tokenKey,
} from "@countersign/token-keeper";
import { aContext, aSource } from "../support/context.ts";
import { freshTokens, refusal, startTokenServer } from "../support/token-server.ts";

describe("clientCredentialsSource()", () => {
  it("sends a form with audience, scope, resources and more parameters", async () => {
    await using server = await startTokenServer();
    const options = { scope: ["b", "a"], resource: ["https://r1", "https://r2"], parameters: { tenant: "t" } };
    const token = await aSource(server, options).request(aContext());
    const [request] = server.received;
    assert.equal(token.accessToken.reveal(), "token-1");
    assert.equal(request?.headers["content-type"], "application/x-www-form-urlencoded");
    assert.equal(request?.headers.authorization, `Basic ${btoa("reports:s3cr3t-value")}`);
    assert.deepEqual(
      [...(request?.parameters ?? [])],
      [
        ["tenant", "t"],
        ["grant_type", "client_credentials"],
        ["audience", "https://api.example.com"],
        ["scope", "b a"],
        ["resource", "https://r1"],
        ["resource", "https://r2"],
      ],
    );
  });

  it("sends JSON on request", async () => {
    await using server = await startTokenServer();
    await aSource(server, { body: "json", client: secretPost("id", "secret"), resource: ["r1", "r2"] }).request(
      aContext(),
    );
    assert.equal(server.received[0]?.headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(server.received[0]?.body ?? ""), {
      grant_type: "client_credentials",
      audience: "https://api.example.com",
      resource: ["r1", "r2"],
      client_id: "id",
      client_secret: "secret",
    });
  });

  it("counts the lifetime from when the request was sent", async () => {
    const context = aContext();
    const sentAt = context.clock.now();
    await using server = await startTokenServer(async (request, count) => {
      // The answer takes four seconds of the client's time.
      await context.clock.advance(4_000);
      return freshTokens(60)(request, count);
    });
    const token = await aSource(server).request(context);
    assert.equal(token.issuedAt, sentAt);
    assert.equal(token.untilExpired(context.clock.now()), 56_000);
  });

  it("learns the server's clock from Date", async () => {
    const context = aContext();
    const date = new Date(context.clock.now() + 300_000).toUTCString();
    await using server = await startTokenServer(() => ({
      body: { access_token: "a", token_type: "Bearer", expires_in: 60 },
      headers: { date },
    }));
    const source = aSource(server);
    await source.request(context);
    const skewMs = context.skew.get(source.identity.issuer) ?? 0;
    assert.ok(Math.abs(skewMs - 300_000) <= 1_000, `${skewMs}`);
  });

  it("tells a server that is away from one that refuses", async () => {
    const server = await startTokenServer();
    const source = aSource(server);
    await server[Symbol.asyncDispose]();
    await assert.rejects(source.request(aContext()), { code: "network_failed", retryable: true });
    await using refusing = await startTokenServer(() => refusal("invalid_client", 401));
    await assert.rejects(aSource(refusing).request(aContext()), { code: "invalid_client", retryable: false });
  });

  it("ends an exchange that takes too long", async () => {
    await using server = await startTokenServer(() => new Promise(() => undefined));
    const context = aContext();
    const request = aSource(server, { timeoutMs: 2_000 }).request(context);
    const settled = assert.rejects(request, { code: "timed_out" });
    while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await context.clock.advance(2_000);
    await settled;
  });

  it("refuses an endpoint without https beyond this machine, at construction", () => {
    const client = publicClient("id");
    const plain = ["http://auth.example.com/token", "ftp://localhost", "token"];
    const odd = ["https://u:p@a.example/", "https://u@a.example/", "https://:p@a.example/", "https://a.example/#f"];
    for (const tokenEndpoint of [...plain, ...odd])
      assert.throws(() => clientCredentialsSource({ tokenEndpoint, client }), TypeError);
    assert.throws(() => clientCredentialsSource({ client }), TypeError);
    clientCredentialsSource({ tokenEndpoint: "http://auth.example.com/token", client, allowInsecureHttp: true });
  });

  const never = () => new Promise<never>(() => undefined);
  const deaf: Record<string, Partial<ClientCredentialsOptions>> = {
    "a fetch": { fetch: never },
    "a body": { fetch: async () => new Response(new ReadableStream({ pull: never })) },
    "a client's authentication": { client: { ...publicClient("kms"), authenticate: never } },
  };
  for (const [name, options] of Object.entries(deaf)) {
    it(`ends by its time-out and by close with ${name} that hangs and hears no signal`, async () => {
      await using server = await startTokenServer();
      const context = aContext();
      const late = aSource(server, options).request(context);
      const timedOut = assert.rejects(late, { code: "timed_out" });
      await context.clock.advance(10_000);
      await timedOut;
      const closing = new AbortController();
      const closed = aSource(server, options).request({ ...context, signal: closing.signal });
      closing.abort(new Error("closed"));
      await assert.rejects(closed, /closed/);
      assert.equal(context.clock.sleepers, 0);
    });
  }

  it("keys by issuer, client, audience, scope, resource, parameters and partition", () => {
    const base = {
      issuer: "https://a.example",
      client: publicClient("c1"),
      audience: "x",
      scope: ["s"],
      resource: ["r"],
    };
    const variants = [
      base,
      { ...base, issuer: "https://b.example" },
      { ...base, client: publicClient("c2") },
      { ...base, audience: "y" },
      { ...base, scope: ["s", "t"] },
      { ...base, resource: ["r2"] },
      { ...base, parameters: { organization: "o" } },
      { ...base, partition: "tenant" },
      { ...base, partition: '[null,[["organization","o"]]]' },
      { ...base, partition: "tenant", parameters: { organization: "o" } },
    ];
    const keys = new Set(variants.map((options) => tokenKey(clientCredentialsSource(options).identity)));
    assert.equal(keys.size, variants.length);
    const same = [{ scope: ["s", "s"] }, { scope: "s" }, { resource: "r" }, { scope: ["s t"] }, { scope: "t  s" }];
    for (const options of same)
      assert.ok(keys.has(tokenKey(clientCredentialsSource({ ...base, ...options }).identity)), JSON.stringify(options));
  });

  it("asks for scope and resource given as text as for lists", async () => {
    await using server = await startTokenServer();
    await aSource(server, { scope: "read write", resource: "https://a.example" }).request(aContext());
    await aSource(server, { scope: ["read", "write"], resource: ["https://a.example"] }).request(aContext());
    const [text, list] = server.received;
    assert.equal(text?.body, list?.body);
    assert.equal(text?.parameters.get("scope"), "read write");
  });

  it("shows the query of a token endpoint, which may hold a secret, in no error, key, event or health", async () => {
    await using server = await startTokenServer(() => ({ status: 503 }));
    const shown: string[] = [];
    for (const tokenEndpoint of [`${server.tokenEndpoint}?key=s3cr3t`, "http://127.0.0.1:1/token?key=s3cr3t"]) {
      const context = aContext();
      const error = await aSource(server, { tokenEndpoint })
        .request(context)
        .catch((e) => e);
      assert.ok(error instanceof TokenError);
      const { identity } = aSource(server, { tokenEndpoint });
      shown.push(inspect([error, context.events], { depth: 9, showHidden: true }), error.message, tokenKey(identity));
    }
    assert.ok(!shown.join().includes("s3cr3t"), shown.join("\n"));
    assert.equal(server.received[0]?.path, "/token?key=s3cr3t");
    for (const text of ["http://a.example/?k=s3cr3t", "no url?s3cr3t", "https://a:s3cr3t@a.example/#x"])
      assert.throws(
        () => aSource(server, { tokenEndpoint: text }),
        (error) => error instanceof TypeError && !error.message.includes("s3cr3t"),
      );
    const keyOf = (query: string) =>
      tokenKey(aSource(server, { tokenEndpoint: `https://a.example/t${query}` }).identity);
    assert.notEqual(keyOf("?tenant=a"), keyOf("?tenant=b"));
    assert.throws(
      () => clientCredentialsSource({ issuer: "https://a.example/?p=1", client: publicClient("c") }),
      TypeError,
    );
  });

  it("learns the server's clock from a new JWT where there is no Date, and not from one that is given again", async () => {
    const context = aContext();
    const now = context.clock.now() / 1_000;
    const iat = now + 600;
    for (const [expiresIn, skewMs] of [
      [1_800, undefined],
      [3_600, 600_000],
    ] as const) {
      const jwt = `e30.${Buffer.from(JSON.stringify({ iat, exp: iat + 3_600 })).toString("base64url")}.c2ln`;
      const body = JSON.stringify({ access_token: jwt, token_type: "Bearer", expires_in: expiresIn });
      const source = clientCredentialsSource({
        tokenEndpoint: "https://a.example/token",
        client: publicClient("c"),
        fetch: async () => new Response(body),
      });
      await source.request(context);
      assert.equal(context.skew.get("https://a.example/token"), skewMs);
    }
  });

  it("throws errors that hold no secret anywhere", async () => {
    await using server = await startTokenServer((request) => ({
      status: 400,
      body: { error: request.body, error_description: request.body },
    }));
    const error = await aSource(server, { client: secretPost("id", "s3cr3t-value") })
      .request(aContext())
      .catch((e) => e);
    assert.ok(error instanceof TokenError);
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes("s3cr3t-value"));
  });
});

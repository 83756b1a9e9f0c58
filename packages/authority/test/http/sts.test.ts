import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { tokenExchange } from "../../src/grants/token-exchange.ts";
import { testAuthority } from "../../src/testing.ts";
import { foreignIssuer } from "../exchange/foreign.ts";

const idp = "https://dev.us.auth0.example/";
const clientId = "IMIprdP4qfSuKANevWkJyhG5F7weEGT0";
const apis = ["https://example.com/server1-api", "https://example.com/server2-api"];
const config = {
  idp,
  jwk_endpoint: `${idp}.well-known/jwks.json`,
  client_id: clientId,
  server_api: apis,
  scope: "openid profile read:admin",
  expiration: 300,
};

/** An authority with the rule file of the original, its identity provider, and the client of its tokens. */
async function broker(client: object = {}) {
  const clock = new FakeClock();
  const provider = await foreignIssuer({
    issuer: idp,
    audience: clientId,
    now: () => clock.now(),
    claims: { sub: "google-oauth2|107" },
  });
  const authority = await testAuthority({
    clock,
    policy: { configs: [config] },
    network: () => async (url) =>
      url === config.jwk_endpoint
        ? new Response(JSON.stringify(provider.jwks), { headers: { "content-type": "application/json" } })
        : new Response(null, { status: 404 }),
    config: { compat: { faces: ["sts"] }, keys: { algorithms: ["RS256"] } },
  });
  await authority.client({
    clientId: "sts",
    authMethod: "none",
    grants: [tokenExchange.type],
    scopes: ["openid", "profile", "read:admin"],
    token: { profile: "jwt", algorithm: "RS256" },
    ...client,
  });
  /** A GET has a body here, which no `Request` may have: so it is made by hand. */
  const ask = async (
    method: string,
    body: string,
    headers: Record<string, string> = { "content-type": "application/json" },
  ) => {
    const response = await authority.respond(
      {
        method,
        url: "http://localhost:8080/stsToken",
        headers: new Headers(headers),
        read: async () => Buffer.from(body),
      },
      { address: "192.0.2.1" },
    );
    const text =
      typeof response.body === "string" ? response.body : Buffer.from(response.body ?? new Uint8Array()).toString();
    return { status: response.status, type: response.headers["content-type"], text };
  };
  const api = (authorization: string) =>
    authority.fetch(new Request("http://localhost:8080/api", { headers: { authorization } }));
  return { authority, provider, ask, api };
}

describe("--compat sts", () => {
  for (const method of ["GET", "POST"]) {
    it(`responds to ${method} /stsToken as confidential-token-broker does`, async () => {
      const { authority, provider, ask, api } = await broker();
      const { status, type, text } = await ask(method, JSON.stringify({ id_token: await provider.sign() }));
      assert.deepEqual([status, type], [200, "text/plain; charset=utf-8"]);
      const [, token = ""] = /^\{"Access Token": "([^"]+)"\}\n$/.exec(text) ?? [];
      const { alg, typ } = decodeProtectedHeader(token);
      const { aud, scope, client_id, exp = 0, iat = 0, sub } = decodeJwt(token);
      assert.deepEqual({ alg, typ }, { alg: "RS256", typ: "JWT" });
      assert.deepEqual(
        { aud, scope, client_id, life: exp - iat, sub },
        { aud: apis, scope: "openid profile read:admin", client_id: "sts", life: 300, sub: `${idp}#google-oauth2|107` },
      );
      const good = await api(`Bearer ${token}`);
      assert.deepEqual([good.status, await good.text()], [200, "Access Token parsed successfully\\n"]);
      await authority.close();
    });
  }

  it("publishes RSA keys alone, with the members that its client reads", async () => {
    const { authority } = await broker();
    const response = await authority.fetch(new Request("http://localhost:8080/.well-known/jwks.json"));
    const { keys } = JSON.parse(await response.text());
    assert.ok(keys.length > 0);
    const rsa = keys.filter(({ kty }: { kty: string }) => kty === "RSA");
    for (const { use, alg, n, e, kid } of rsa)
      assert.deepEqual([use, alg, typeof n, e, typeof kid], ["sig", "RS256", "string", "AQAB", "string"]);
    await authority.close();
  });

  const refusals: Readonly<
    Record<
      string,
      { readonly body: (sign: () => Promise<string>) => Promise<string>; readonly headers?: Record<string, string> }
    >
  > = {
    "no JSON": { body: async () => "id_token" },
    "no id_token": { body: async () => "{}" },
    "a token that is none": { body: async () => '{"id_token":"a.b.c"}' },
    "another type of body": {
      body: async (sign) => JSON.stringify({ id_token: await sign() }),
      headers: { "content-type": "text/plain" },
    },
  };
  for (const [name, { body, headers }] of Object.entries(refusals)) {
    it(`refuses ${name} with JSON and a status that says so`, async () => {
      const { authority, provider, ask } = await broker();
      const { status, text } = await ask("GET", await body(provider.sign), headers);
      assert.ok(status === 400, String(status));
      assert.deepEqual(JSON.parse(text), { msg: "Get access token failed" });
      assert.ok(authority.events.some((event) => event.name === "token.refused" && event.fields.grant === "sts"));
      await authority.close();
    });
  }

  it("takes no token of another provider, whoever's keys it claims", async () => {
    const { authority, provider, ask } = await broker();
    const evil = await foreignIssuer({ issuer: idp, audience: clientId, now: () => authority.clock.now() });
    assert.equal((await ask("GET", JSON.stringify({ id_token: await evil.sign() }))).status, 400);
    assert.equal(
      (await ask("GET", JSON.stringify({ id_token: await provider.sign({ aud: [clientId, "x"] }) }))).status,
      400,
    );
    await authority.close();
  });

  it("wants a public client of its own", async () => {
    for (const client of [{ authMethod: "client_secret_basic" }, { disabled: true }, { clientId: "other" }]) {
      const { authority, provider, ask } = await broker(client);
      assert.equal((await ask("GET", JSON.stringify({ id_token: await provider.sign() }))).status, 401);
      await authority.close();
    }
  });

  it("refuses at /api what is no token in force", async () => {
    const { authority, provider, ask, api } = await broker();
    const { text } = await ask("GET", JSON.stringify({ id_token: await provider.sign() }));
    const token = /"([^"]+)"\}/.exec(text)?.[1] ?? "";
    for (const authorization of ["", "Bearer", "Bearer a.b.c", `Basic ${token}`, `Bearer ${token.slice(0, -4)}AAAA`]) {
      assert.equal((await api(authorization)).status, 401, authorization.slice(0, 12));
    }
    await authority.services.clients.update("sts", { disabled: true }, "test");
    assert.equal((await api(`Bearer ${token}`)).status, 401);
    await authority.close();
  });

  it("is not there unless it is named", async () => {
    const authority = await testAuthority();
    assert.equal(
      (await authority.fetch(new Request("http://localhost:8080/stsToken", { method: "POST" }))).status,
      404,
    );
    assert.equal((await authority.fetch(new Request("http://localhost:8080/api"))).status, 404);
    await authority.close();
  });
});

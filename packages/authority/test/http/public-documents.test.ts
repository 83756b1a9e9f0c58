import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { ConfigInput } from "../../src/config.ts";
import { TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";

async function started(context: TestContext, config: ConfigInput = {}): Promise<TestAuthority> {
  const authority = await testAuthority({ config });
  context.after(() => authority.close());
  return authority;
}

const get = (authority: TestAuthority, path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
  authority.fetch(new Request(`${TEST_ISSUER}${path}`, { method, headers }));

const documents = [
  "/.well-known/jwks.json",
  "/.well-known/jwks-pqc.json",
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
  "/openapi.json",
];

describe("public documents: If-None-Match (RFC 9110 section 13.1.2)", () => {
  const lists: readonly (readonly [ifNoneMatch: (etag: string) => string, status: number])[] = [
    [(etag) => etag, 304],
    [(etag) => `W/${etag}`, 304],
    [() => "*", 304],
    [() => " * ", 304],
    [(etag) => `"other", W/${etag}`, 304],
    [(etag) => `"with, a comma",${etag},"x"`, 304],
    [(etag) => `"other"${etag}`, 304],
    [() => '"other"', 200],
    [() => "", 200],
    [(etag) => etag.slice(1, -1), 200],
    [(etag) => `"x${etag.slice(1)}`, 200],
    [() => '"*"', 200],
  ];
  for (const path of documents) {
    it(path, async (context) => {
      const authority = await started(context);
      const etag = (await get(authority, path)).headers.get("etag") ?? "";
      assert.match(etag, /^"[\w-]{43}"$/);
      for (const [ifNoneMatch, status] of lists) {
        const sent = ifNoneMatch(etag);
        const answer = await get(authority, path, { "if-none-match": sent });
        assert.deepEqual([answer.status, answer.headers.get("etag")], [status, etag], sent);
        assert.equal((await answer.text()) === "", status === 304);
      }
    });
  }
});

describe("CORS (Fetch Standard, CORS protocol)", () => {
  const app = "https://app.example";
  const config = { server: { cors_origins: [app] } };
  const asks = { origin: app, "access-control-request-method": "GET" };

  for (const path of documents) {
    it(`any page may read ${path}: preflight, answer, 304 and refusal`, async (context) => {
      const authority = await started(context, config);
      const origin = { origin: "https://anybody.example" };
      const preflight = await get(authority, path, { ...asks, ...origin }, "OPTIONS");
      assert.deepEqual([preflight.status, preflight.headers.get("access-control-allow-methods")], [204, "GET"]);
      assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /if-none-match/);
      const answers = [
        preflight,
        await get(authority, path, origin),
        await get(authority, path, { ...origin, "if-none-match": "*" }),
        await get(authority, path, origin, "POST"),
      ];
      assert.deepEqual(
        answers.map(({ status, headers }) => [status, headers.get("access-control-allow-origin")]),
        [204, 200, 304, 405].map((status) => [status, "*"]),
      );
      for (const { headers } of answers) assert.equal(headers.get("access-control-allow-credentials"), null);
    });
  }

  const form = { "content-type": "application/x-www-form-urlencoded" };
  const refusals: readonly (readonly [name: string, init: RequestInit, status: number])[] = [
    ["a wrong method", { method: "PUT" }, 405],
    ["a wrong type", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }, 415],
    ["a compressed body", { method: "POST", headers: { ...form, "content-encoding": "gzip" }, body: "x" }, 415],
    ["a body beyond the limit", { method: "POST", headers: form, body: "a".repeat(70_000) }, 413],
    ["an unknown client", { method: "POST", headers: form, body: "client_id=x" }, 401],
  ];
  for (const [name, init, status] of refusals) {
    it(`a page of a configured origin may read how ${name} was refused, another page not`, async (context) => {
      const authority = await started(context, config);
      for (const [origin, allowed] of [
        [app, app],
        ["https://evil.example", null],
      ] as const) {
        const headers = new Headers(init.headers);
        headers.set("origin", origin);
        const answer = await authority.fetch(new Request(`${TEST_ISSUER}/oauth/token`, { ...init, headers }));
        const seen = [answer.status, answer.headers.get("access-control-allow-origin"), answer.headers.get("vary")];
        assert.deepEqual(seen, [status, allowed, "Origin"]);
      }
    });
  }

  it("what a server refuses before the body was read is answered so too", async (context) => {
    const authority = await started(context, config);
    const request = {
      method: "POST",
      url: `${TEST_ISSUER}/oauth/token`,
      headers: new Headers({ origin: app }),
      read: () => assert.fail("the body is read"),
    };
    for (const [code, status] of [
      ["payload_too_large", 413],
      ["unsupported_media_type", 415],
    ] as const) {
      const answer = await authority.refuse(code, request, {});
      assert.deepEqual([answer.status, answer.headers["access-control-allow-origin"]], [status, app]);
    }
    const refusals = authority.events.filter((event) => event.name === "request.refused");
    assert.deepEqual(
      refusals.map(({ fields }) => "code" in fields && fields.code),
      ["payload_too_large", "unsupported_media_type"],
    );
  });

  it("the management API is for no page", async (context) => {
    const authority = await started(context, config);
    const preflight = await get(authority, "/api/v1/client", asks, "OPTIONS");
    assert.deepEqual([preflight.status, preflight.headers.get("access-control-allow-origin")], [405, null]);
  });
});

describe("the content type of a form (RFC 9110 section 8.3.1)", () => {
  const type = "application/x-www-form-urlencoded";
  for (const [contentType, status] of [
    [type, 200],
    [`${type};`, 200],
    [`${type} ; `, 200],
    [`${type}; charset=UTF-8`, 200],
    [`${type};charset="utf-8"`, 200],
    [`${type}; charset=utf-8; boundary=x`, 200],
    [`${type}; q=1;;`, 200],
    [`APPLICATION/X-WWW-Form-UrlEncoded; charset=us-ascii`, 200],
    [`${type}; charset=utf-16`, 415],
    [`${type}; q=1; charset=iso-8859-1`, 415],
    [`${type}; charset=utf-8; charset=utf-16`, 415],
    [`${type}x`, 415],
    [`${type}, text/plain`, 415],
    ["text/plain; application/x-www-form-urlencoded", 415],
    ["multipart/form-data", 415],
  ] as const) {
    it(`${contentType}: ${status}`, async (context) => {
      const authority = await started(context);
      const { client, secret } = await authority.client();
      const body = `grant_type=client_credentials&client_id=${client.clientId}&client_secret=${secret}`;
      const headers = { "content-type": contentType };
      const answer = await authority.fetch(
        new Request(`${TEST_ISSUER}/oauth/token`, { method: "POST", headers, body }),
      );
      assert.equal(answer.status, status);
    });
  }
});

describe("an issuer with a path (RFC 8414 sections 2 and 3)", () => {
  for (const issuer of ["https://id.example/realm/one", "https://id.example/realm/one/"]) {
    it(`${issuer}: everything that the metadata name is there`, async (context) => {
      const authority = await started(context, { issuer });
      const { client, secret } = await authority.client();
      const at = (url: string, init?: RequestInit) => authority.fetch(new Request(url, init));
      const found = await at("https://id.example/.well-known/oauth-authorization-server/realm/one");
      const metadata = await found.json();
      assert.equal(metadata.issuer, issuer);
      assert.deepEqual(
        await (await at("https://id.example/realm/one/.well-known/openid-configuration")).json(),
        metadata,
      );
      const body = new URLSearchParams({ client_id: client.clientId, client_secret: secret, token: "x" });
      body.set("grant_type", "client_credentials");
      assert.equal((await at(metadata.jwks_uri)).status, 200);
      for (const name of ["token_endpoint", "introspection_endpoint", "revocation_endpoint"]) {
        const { status } = await at(metadata[name], { method: "POST", body });
        assert.equal(status, 200, metadata[name]);
      }
      assert.equal((await at("https://id.example/realm/one/api/v1/client")).status, 401);
      assert.equal((await at("https://id.example/oauth/token", { method: "POST", body })).status, 200);
      assert.equal((await at("https://id.example/realm/onetwo/oauth/token", { method: "POST", body })).status, 404);
      assert.equal((await at("https://id.example/realm/oauth/token", { method: "POST", body })).status, 404);
    });
  }
});

describe("the metadata", () => {
  it("offer certificates only where TLS can prove them (RFC 8705), and no empty list (RFC 8414 section 3.2)", async (context) => {
    for (const [issuer, clientCertificates, offers] of [
      ["http://id.example", "self-signed or trusted", []],
      ["https://id.example", undefined, []],
      ["https://id.example", "none", []],
      ["https://id.example", "self-signed", ["self_signed_tls_client_auth"]],
      ["https://id.example", "self-signed or trusted", ["tls_client_auth", "self_signed_tls_client_auth"]],
    ] as const) {
      const seen = clientCertificates === undefined ? {} : { clientCertificates };
      const authority = await testAuthority({ config: { issuer }, ...seen });
      context.after(() => authority.close());
      const metadata = await (await get(authority, "/.well-known/oauth-authorization-server")).json();
      const methods: readonly string[] = metadata.token_endpoint_auth_methods_supported;
      assert.deepEqual(
        methods.filter((method) => method.includes("tls")),
        offers,
        `${issuer} ${clientCertificates}`,
      );
      assert.equal(metadata.tls_client_certificate_bound_access_tokens, offers.length > 0 ? true : undefined);
      assert.ok(metadata.token_endpoint_auth_methods_supported.includes("private_key_jwt"));
      assert.ok(!("response_types_supported" in metadata));
    }
  });
});

describe("no scope left (RFC 6749 section 3.3)", () => {
  it("no empty scope in tokens, answers and introspection", async (context) => {
    const authority = await started(context);
    const { client, secret } = await authority.client({ scopes: ["superuser", "read"] });
    const proof = { client_id: client.clientId, client_secret: secret };
    const issue = async (more = {}) =>
      (await authority.form("/oauth/token", { grant_type: "client_credentials", ...proof, ...more })).body;
    const scoped = await issue({ scope: "read" });
    await authority.services.clients.update(client.clientId, { scopes: ["superuser"] }, "test");
    const bare = await issue();
    assert.ok(!("scope" in bare));
    for (const { access_token: token } of [scoped, bare]) {
      const { body } = await authority.form("/oauth/introspect", { ...proof, token: String(token) });
      assert.deepEqual([body.active, "scope" in body], [true, false]);
    }
  });
});

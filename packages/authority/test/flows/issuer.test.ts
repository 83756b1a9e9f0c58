import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { readResponse, TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";
import { basic } from "../security/table.ts";

const named = { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"vishpat"}' };
const here = { address: "127.0.0.1" };

async function issuer(more: { readonly jwt_issuer_client?: string } = {}): Promise<TestAuthority> {
  return testAuthority({ config: { compat: { faces: ["jwt-issuer"], ...more } } });
}

function post(authority: TestAuthority, init: RequestInit = named, address = here.address): Promise<Response> {
  return authority.fetch(new Request(`${TEST_ISSUER}/auth/token`, init), { address });
}

describe("the jwt-issuer face", () => {
  it("is off until it is named", async () => {
    const authority = await testAuthority();
    assert.equal((await post(authority)).status, 404);
    await authority.close();
  });

  it("answers a name with the bare token, header and claims as the original has them", async () => {
    const authority = await issuer();
    const response = await post(authority);
    const token = await response.text();
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal(token.split(".")[0], "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9");
    const iat = authority.clock.now() / 1000;
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    assert.equal(payload, JSON.stringify({ exp: iat + 3600, iat, sub: "vishpat" }));
    await authority.close();
  });

  it("publishes kty, crv, x and y in that order and nothing else, and they verify its tokens", async () => {
    const authority = await issuer();
    const token = await (await post(authority)).text();
    const response = await authority.fetch(new Request(`${TEST_ISSUER}/auth/jwks`), here);
    const text = await response.text();
    assert.match(text, /^\{"keys":\[\{"kty":"EC","crv":"P-256","x":"[\w-]{43}","y":"[\w-]{43}"\}\]\}$/);
    const { payload } = await jwtVerify(token, createLocalJWKSet(JSON.parse(text)), {
      algorithms: ["ES256"],
      currentDate: new Date(authority.clock.now()),
    });
    assert.equal(payload.sub, "vishpat");
    assert.equal(decodeProtectedHeader(token).kid, undefined);
    await authority.close();
  });

  const refused: readonly (readonly [string, RequestInit, number])[] = [
    ["another content type", { ...named, headers: { "content-type": "text/plain" } }, 400],
    ["broken JSON", { ...named, body: "{" }, 400],
    ["no name", { ...named, body: "{}" }, 400],
    ["an empty name", { ...named, body: '{"name":""}' }, 400],
    ["a name that is not text", { ...named, body: '{"name":1}' }, 400],
    ["a body over the limit", { ...named, body: `{"name":"${"a".repeat(70_000)}"}` }, 413],
  ];
  for (const [name, init, status] of refused) {
    it(`refuses ${name}`, async () => {
      const authority = await issuer();
      assert.equal((await post(authority, init)).status, status);
      await authority.close();
    });
  }

  it("ignores unknown members, as the original does", async () => {
    const authority = await issuer();
    assert.equal((await post(authority, { ...named, body: '{"name":"a","x":1}' })).status, 200);
    await authority.close();
  });

  it("is open to loopback only, and a proxied request is not loopback", async () => {
    const authority = await issuer();
    assert.equal((await post(authority, named, "192.0.2.7")).status, 403);
    const proxied = { ...named, headers: { ...named.headers, "x-forwarded-for": "127.0.0.1" } };
    assert.equal((await post(authority, proxied)).status, 403);
    await authority.close();
  });

  it("gives tokens that open nothing here, whomever they name (A42)", async () => {
    const authority = await issuer();
    const { client, secret } = await authority.client({ scopes: ["introspect"] });
    for (const name of ["admin_id", client.clientId]) {
      const token = await (await post(authority, { ...named, body: JSON.stringify({ name }) })).text();
      const headers = { authorization: `Bearer ${token}` };
      for (const path of ["/api/v1/keys", "/api/v1/user/admin_id"]) {
        const answer = await readResponse(
          await authority.fetch(new Request(`${TEST_ISSUER}${path}`, { headers }), here),
        );
        assert.deepEqual([answer.status, answer.body.error], [401, "invalid_token"]);
      }
      const fields = { client_id: client.clientId, client_secret: secret, token };
      assert.deepEqual((await authority.form("/oauth/introspect", fields)).body, { active: false });
      const grant = { grant_type: "client_credentials", client_id: client.clientId, client_assertion: token };
      const assertion = { ...grant, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
      assert.equal((await authority.form("/oauth/token", assertion)).body.error, "invalid_client");
    }
    await authority.close();
  });

  it("demands the configured client's credential, from anywhere", async () => {
    const authority = await issuer({ jwt_issuer_client: "vault" });
    const { secret } = await authority.client({ clientId: "vault" });
    const other = await authority.client();
    const send = (headers: object) =>
      post(authority, { ...named, headers: { ...named.headers, ...headers } }, "192.0.2.7");
    assert.equal((await send({})).status, 401);
    assert.equal((await send(basic("vault", "wrong"))).status, 401);
    assert.equal((await send(basic(other.client.clientId, other.secret))).status, 401);
    assert.equal((await send(basic("vault", secret))).status, 200);
    await authority.close();
  });
});

describe("an imported key.json", () => {
  it("signs at once when told so, and its tokens verify under the same public key", async () => {
    const authority = await issuer();
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const jwk = await crypto.subtle.exportKey("jwk", pair.privateKey);
    const { readSigningKey } = await import("../../src/keys/convert.ts");
    await authority.services.keys.import(readSigningKey(JSON.stringify(jwk)), "test", { now: true });
    const token = await (await post(authority)).text();
    const { payload } = await jwtVerify(token, pair.publicKey, { currentDate: new Date(authority.clock.now()) });
    assert.equal(payload.sub, "vishpat");
    const answer = await readResponse(await authority.fetch(new Request(`${TEST_ISSUER}/auth/jwks`), here));
    assert.ok(JSON.stringify(answer.body).includes(String(jwk.x)));
    await authority.close();
  });
});

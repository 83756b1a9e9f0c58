import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { importKeys, verifyJwt } from "@countersign/protocol";
import { readResponse, TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";

const block = (letter: string) => letter.repeat(128);
const feedPath = "/.well-known/revocations";

async function scene(context: TestContext) {
  const authority = await testAuthority();
  context.after(() => authority.close());
  const { secret } = await authority.client({ clientId: "ops", scopes: ["superuser", "introspect"] });
  const asOps = { client_id: "ops", client_secret: secret };
  const ask = () => authority.form("/oauth/token", { grant_type: "client_credentials", ...asOps, scope: "superuser" });
  const token = String((await ask()).body.access_token);
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const revoke = async (body: object) => {
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return readResponse(await authority.fetch(new Request(`${TEST_ISSUER}/api/v1/revocations`, init)));
  };
  const get = (path: string, more: Readonly<Record<string, string>> = {}) =>
    authority.fetch(
      new Request(`${TEST_ISSUER}${path}`, { headers: { authorization: headers.authorization, ...more } }),
    );
  return { authority, asOps, ask, token, revoke, get };
}

async function verified(authority: TestAuthority, response: Response) {
  assert.equal(response.status, 200);
  const jwks = JSON.parse(authority.services.keys.published("jwks").body);
  const rules = { profile: "revocation_feed", issuer: TEST_ISSUER, clock: authority.clock, maxLength: 1e6 } as const;
  return (await verifyJwt(await response.text(), importKeys(jwks), rules)).claims;
}

describe("the feed of what is revoked", () => {
  it("is signed, typed as nothing else, and names tokens and blocks until they expire", async (context) => {
    const { authority, asOps, ask, revoke, get } = await scene(context);
    const other = String((await ask()).body.access_token);
    await authority.form("/oauth/revoke", { ...asOps, token: other });
    const expires = Math.floor(authority.clock.now() / 1000) + 60;
    await revoke({ ids: [block("a")], expires_at: expires });
    const response = await get(feedPath);
    assert.equal(response.headers.get("content-type"), "application/revocation-feed+jwt");
    assert.equal(response.headers.get("cache-control"), "public, max-age=10");
    const claims = await verified(authority, response);
    const now = Math.floor(authority.clock.now() / 1000);
    assert.deepEqual([claims.iat, claims.position, claims.since, claims.more], [now, 2, 0, false]);
    const entries = claims.entries as readonly { jti?: string; block?: string; exp: number }[];
    assert.deepEqual(
      entries.map((entry) => Object.keys(entry).join()),
      ["jti,exp", "block,exp"],
    );
    assert.equal(entries[1]?.exp, expires);
    await authority.clock.advance(181_000);
    const later = await verified(authority, await get(feedPath));
    assert.deepEqual([(later.entries as readonly object[]).length, later.position], [1, 2]);
  });

  it("goes on after a position, says how fresh it is, and answers 304 while it is the same", async (context) => {
    const { authority, revoke, get } = await scene(context);
    await revoke({ ids: [block("a"), block("b")] });
    const first = await get(feedPath);
    const etag = first.headers.get("etag") ?? "";
    const { list, position } = await verified(authority, first);
    assert.equal((await get(feedPath, { "if-none-match": etag })).status, 304);
    await revoke({ ids: [block("c")] });
    const next = await verified(authority, await get(`${feedPath}?list=${list}&since=${position}`));
    assert.deepEqual([next.since, next.position], [2, 3]);
    assert.deepEqual(
      (next.entries as readonly { block: string }[]).map((entry) => entry.block),
      [block("c")],
    );
    // What was signed is given out for ten seconds, then signed anew: the date says that it is current.
    assert.equal((await get(feedPath, { "if-none-match": etag })).status, 304);
    await authority.clock.advance(10_000);
    const fresh = await get(feedPath, { "if-none-match": etag });
    const claims = await verified(authority, fresh);
    assert.deepEqual([claims.position, claims.iat], [3, Math.floor(authority.clock.now() / 1000)]);
    assert.equal((await verified(authority, await get(`${feedPath}?list=other&since=3`))).since, 0);
  });

  for (const query of ["since=-1", "since=x", "since=1e3", `since=${"9".repeat(20)}`, "list=a%20b&since=1"]) {
    it(`refuses ${query}`, async (context) => {
      const { get } = await scene(context);
      assert.equal((await get(`${feedPath}?${query}`)).status, 400);
    });
  }

  it("can be read by anybody, browsers of other origins too", async (context) => {
    const { authority } = await scene(context);
    const response = await authority.fetch(new Request(`${TEST_ISSUER}${feedPath}`), { address: "203.0.113.9" });
    assert.deepEqual([response.status, response.headers.get("access-control-allow-origin")], [200, "*"]);
  });
});

describe("POST /api/v1/revocations", () => {
  it("ends an access token by its jti: here, at introspection, and in the list", async (context) => {
    const { authority, asOps, ask, token, revoke, get } = await scene(context);
    const victim = String((await ask()).body.access_token);
    const introspect = async () => (await authority.form("/oauth/introspect", { ...asOps, token: victim })).body;
    const { jti, exp } = await introspect();
    const { status, body } = await revoke({ jtis: [jti], expires_at: exp, reason: "laptop lost" });
    assert.deepEqual([status, body.revoked], [200, 1]);
    assert.deepEqual(await introspect(), { active: false });
    assert.equal((await revoke({ jtis: [jti], expires_at: exp })).body.revoked, 0);
    const listed = await readResponse(await get("/api/v1/revocations"));
    const [entry] = listed.body.revocations as readonly Readonly<Record<string, unknown>>[];
    assert.deepEqual([entry?.kind, entry?.id, entry?.expires_at], ["jti", jti, exp]);
    const [record] = await authority.services.audit.read({ limit: 1, name: "revocation.added" });
    assert.deepEqual(record?.fields, { kind: "jti", id: jti, actor: "ops", reason: "laptop lost" });
    assert.ok(token !== victim);
  });

  const refused: readonly (readonly [string, object])[] = [
    ["nothing", {}],
    ["an id that is no hexadecimal", { ids: ["z".repeat(128)] }],
    ["an id in capitals, which no verifier looks for", { ids: ["A".repeat(128)] }],
    ["an id that is cut", { ids: ["a".repeat(32)] }],
    ["a jti with a space", { jtis: ["a b"] }],
    ["too many", { ids: Array.from({ length: 101 }, () => block("a")) }],
    ["a date in milliseconds", { ids: [block("a")], expires_at: 1_900_000_000_000 }],
  ];
  for (const [id, body] of refused) {
    it(`refuses ${id}, and revokes nothing`, async (context) => {
      const { authority, revoke } = await scene(context);
      assert.equal((await revoke(body)).status, 400);
      assert.equal((await authority.services.revocations.since(undefined, 0, 10)).entries.length, 0);
    });
  }
});

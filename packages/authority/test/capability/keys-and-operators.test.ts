import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Biscuit, PublicKey } from "@countersign/biscuit";
import { verifyIdentity } from "@countersign/protocol/capability";
import { readResponse, TEST_ISSUER, testAuthority } from "../../src/testing.ts";
import { alice, bob, certified, type World, world, worldOf } from "./world.ts";

const asAlice = certified({ uri: alice });
const read = { resource: "orders", operation: "read" };
const day = 86_400_000;

async function publicKeys({ send }: World): Promise<readonly { readonly root_key_id: number }[]> {
  const { public_keys } = (await send("/public_key", {})).body;
  assert.ok(Array.isArray(public_keys));
  return public_keys;
}

describe("root keys", () => {
  it("are announced, follow each other by the timetable, and verify their tokens until these expire", async () => {
    const w = await world({ keys: { rotate_every: 3 * 86_400, publish_before: 86_400 } });
    const { clock, services } = w.authority;
    const first = (await w.get("/public_key", {})).public_key;
    const { token: early = "" } = await w.get("/request_identity_token", {}, { from: asAlice });
    await clock.advance(2 * day + 600_000);
    await services.keys.reload();
    await clock.advance(60_000);
    assert.equal((await w.get("/public_key", {})).public_key, first, "the successor is only announced");
    assert.equal((await publicKeys(w)).length, 2);
    await clock.advance(day - 700_000);
    const { token: last = "" } = await w.get("/request_token", read, { from: asAlice });
    await clock.advance(120_000);
    const second = (await w.get("/public_key", {})).public_key;
    assert.notEqual(second, first);
    await w.get("/verify_token", { token: last, subject: alice, ...read });
    const { token: late = "" } = await w.get("/request_token", read, { from: asAlice });
    await Biscuit.parse(late).verify(PublicKey.fromPem(second));
    const [signs] = await publicKeys(w);
    assert.equal(Biscuit.parse(late).rootKeyId, signs?.root_key_id);
    assert.notEqual(Biscuit.parse(early).rootKeyId, signs?.root_key_id);
    await w.authority.close();
  });

  it("of the other curve sign on until the first of the configured one is known", async () => {
    const first = await world();
    const { store } = first.authority.services;
    const before = (await first.get("/public_key", {})).public_key;
    const w = await world({ capability: { root_key: "secp256r1" } }, { store, clock: first.authority.clock });
    assert.equal((await w.get("/public_key", {})).public_key, before);
    await w.get("/request_token", read, { from: asAlice });
    await w.authority.clock.advance(20 * 60_000);
    await w.authority.services.keys.reload();
    assert.equal(PublicKey.fromPem((await w.get("/public_key", {})).public_key).algorithm, "secp256r1");
    const { token = "" } = await w.get("/request_token", read, { from: asAlice });
    await w.get("/verify_token", { token, subject: alice, ...read });
    await first.authority.close();
  });

  it("are not those of JWTs, and are in no JWK set", async () => {
    const { authority } = await world();
    const roots = authority.services.keys.published("roots").keys.map(({ kid }) => kid);
    const jwts = (["jwks", "pqc"] as const).flatMap((set) => authority.services.keys.published(set).keys);
    assert.equal(roots.length, 1);
    assert.ok(jwts.every(({ kid }) => !roots.includes(kid)));
    await authority.close();
  });

  it("of signoffs stay until they are rotated by command", async () => {
    const w = await world({ capability: { component: "finance" }, keys: { rotate_every: 86_400, publish_before: 0 } });
    const signoff = () => w.authority.services.keys.published("signoffs").keys.map(({ kid }) => kid);
    const before = signoff();
    for (let at = 0; at < 5; at++) await w.authority.clock.advance(day);
    assert.deepEqual(signoff(), before);
    const { kid } = await w.authority.services.keys.rotate("signoff-ed25519", "operator", { now: true });
    assert.equal(signoff()[0], kid);
    await w.authority.close();
  });
});

describe("the identity token of an operator", () => {
  async function issued(body: object, scopes = ["superuser"]) {
    const w = await world();
    const { client, secret } = await w.authority.client({ scopes });
    const grant = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
    const { body: granted } = await w.authority.form("/oauth/token", { ...grant, scope: scopes.join(" ") });
    const request = new Request(`${TEST_ISSUER}/api/v1/identity-tokens`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${granted.access_token}` },
      body: JSON.stringify(body),
    });
    return { w, response: await readResponse(await w.authority.fetch(request, { address: "127.0.0.1" })) };
  }

  it("is good for a subject of the policy, opens the endpoints and is recorded with who issued it", async () => {
    const { w, response } = await issued({ subject: alice, expires_in: 7200 });
    assert.deepEqual([response.status, response.body.identity, response.body.expires_in], [200, alice, 7200]);
    const bearer = String(response.body.token);
    const rootKey = PublicKey.fromPem((await w.get("/public_key", {})).public_key);
    const { isDelegatable } = await verifyIdentity(bearer, {}, { rootKey, clock: w.authority.clock });
    assert.equal(isDelegatable, true);
    await w.get("/request_token", read, { bearer });
    const refreshed = await w.get("/refresh_identity_token", { current_token: bearer });
    assert.equal(refreshed.expires_in, 3600);
    const records = await w.authority.services.audit.read({ limit: 10 });
    const record = records.find(({ name, fields }) => name === "capability.issued" && "actor" in fields);
    assert.ok(record?.name === "capability.issued");
    assert.deepEqual(
      [record.fields.kind, record.fields.subject, record.fields.rule],
      ["identity", alice, "subjects[0]"],
    );
    assert.match(record.fields.revocationId, /^[0-9a-f]{128}$/);
  });

  it("may be delegated only where the policy says so", async () => {
    const { w, response } = await issued({ subject: bob });
    const rootKey = PublicKey.fromPem((await w.get("/public_key", {})).public_key);
    const identity = await verifyIdentity(String(response.body.token), {}, { rootKey, clock: w.authority.clock });
    assert.equal(identity.isDelegatable, false);
  });

  const refused: readonly (readonly [string, object, string[], number])[] = [
    ["somebody whom the policy does not know", { subject: "urn:example:nobody" }, ["superuser"], 403],
    ["a name that is none", { subject: "urn:example:" }, ["superuser"], 400],
    ["more than a day", { subject: alice, expires_in: 86_401 }, ["superuser"], 400],
    ["no time", { subject: alice, expires_in: 0 }, ["superuser"], 400],
    ["an operator who is none", { subject: alice }, ["read"], 403],
  ];
  for (const [name, body, scopes, status] of refused) {
    it(`is refused for ${name}`, async () => assert.equal((await issued(body, scopes)).response.status, status));
  }
});

describe("an authority without a policy", () => {
  it("has the endpoints, and gives nobody anything", async () => {
    const w = worldOf(await testAuthority());
    const { status } = await w.send("/request_token", read, { from: asAlice });
    assert.equal(status, 401);
    assert.equal(
      w.refusal().detail,
      "there is no policy: set one with countersign policy set, or name it in policy.file",
    );
  });

  it("has none where capability.enabled is false", async () => {
    const w = await world({ capability: { enabled: false } });
    const { status } = await readResponse(await w.authority.fetch(new Request(`${TEST_ISSUER}/public_key`)));
    assert.equal(status, 404);
    assert.equal(w.authority.services.keys.published("roots").keys.length, 0);
  });
});

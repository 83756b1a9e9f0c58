import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { sign, signerFor, unsignedToken } from "../../src/core/mint.ts";
import { readSigningKey } from "../../src/keys/convert.ts";
import type { ManagedKeyRing } from "../../src/keys/ring.ts";
import type { SigningAlgorithm } from "../../src/store/records.ts";
import { TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";
import { anotherNode } from "../security/another-node.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();

async function importAs(keys: ManagedKeyRing, algorithm: SigningAlgorithm): Promise<string> {
  return (await keys.import(readSigningKey(pem, algorithm), "test", { now: true })).kid;
}

/** The header of a token that verifies under the published keys. */
async function headerOfToken(authority: TestAuthority, algorithm: SigningAlgorithm) {
  const { client, secret } = await authority.client({ token: { algorithm } });
  const form = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
  const { body } = await authority.form("/oauth/token", form);
  const token = String(body.access_token);
  const keys = createLocalJWKSet({ keys: [...authority.services.keys.published("jwks").keys] });
  await jwtVerify(token, keys, { currentDate: new Date(authority.clock.now()), algorithms: [algorithm] });
  return decodeProtectedHeader(token);
}

describe("mint: the header names the algorithm the key signs with", () => {
  it("after an RSA key was withdrawn and imported for the other algorithm", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const { keys } = authority.services;
    const kid = await importAs(keys, "RS256");
    assert.deepEqual(await headerOfToken(authority, "RS256"), { alg: "RS256", typ: "at+jwt", kid });
    await keys.revoke(kid, "test");
    await importAs(keys, "PS256");
    assert.deepEqual(await headerOfToken(authority, "PS256"), { alg: "PS256", typ: "at+jwt", kid });
  });

  it("when another node did so between two readings of the ring", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const { keys } = authority.services;
    const kid = await importAs(keys, "RS256");
    const kept = await keys.signer("RS256");
    assert.equal(kept.kid, kid);
    const other = await anotherNode(authority, 7);
    context.after(() => other.services.keys.close());
    await other.services.keys.revoke(kid, "test");
    await importAs(other.services.keys, "PS256");
    await keys.reload();
    assert.deepEqual(await headerOfToken(authority, "PS256"), { alg: "PS256", typ: "at+jwt", kid });
    await assert.rejects(kept.sign("header.claims"), { code: "temporarily_unavailable", detail: /for PS256 now/ });
  });
});

describe("mint: the audience of superuser", () => {
  const api = "https://api.example";
  const rows: readonly {
    readonly name: string;
    readonly ask: Readonly<Record<string, string | readonly string[]>>;
    readonly expect: string | readonly string[];
  }[] = [
    { name: "the API that a client has, without superuser", ask: { scope: "read" }, expect: api },
    { name: "the issuer alone, when no target is asked for", ask: { scope: "read superuser" }, expect: TEST_ISSUER },
    { name: "the API alone, when it is asked for", ask: { scope: "read superuser", resource: api }, expect: api },
    {
      name: "both, when both are asked for",
      ask: { scope: "superuser", resource: [api, TEST_ISSUER] },
      expect: [api, TEST_ISSUER],
    },
  ];
  for (const { name, ask, expect } of rows) {
    it(`is ${name}`, async (context) => {
      const authority = await testAuthority();
      context.after(() => authority.close());
      const { client, secret } = await authority.client({
        scopes: ["read", "superuser"],
        token: { audience: [api] },
      });
      const who = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
      const { body } = await authority.form("/oauth/token", { ...who, ...ask });
      const token = String(body.access_token);
      const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
      assert.deepEqual(claims.aud, expect);
      const asked = new Request(`${TEST_ISSUER}/api/v1/client`, { headers: { authorization: `Bearer ${token}` } });
      const answered = await authority.fetch(asked, { address: "127.0.0.1" });
      const opens = [expect].flat().includes(TEST_ISSUER) && String(ask.scope).includes("superuser");
      assert.equal(answered.status, opens ? 200 : 401);
    });
  }
});

describe("mint: the profile jwt", () => {
  it("has the claims of RFC 9068 under typ JWT, and opens what the other opens", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const claimsOf = async (profile: "at+jwt" | "jwt") => {
      const { client, secret } = await authority.client({ clientId: `a-${profile.length}`, token: { profile } });
      const proof = { client_id: client.clientId, client_secret: secret };
      const { body } = await authority.form("/oauth/token", { grant_type: "client_credentials", ...proof });
      const token = String(body.access_token);
      assert.equal(decodeProtectedHeader(token).typ, profile === "jwt" ? "JWT" : "at+jwt");
      const introspected = await authority.form("/oauth/introspect", { ...proof, token });
      assert.equal(introspected.body.active, true);
      return { ...introspected.body, jti: "", client_id: "", sub: typeof introspected.body.sub };
    };
    assert.deepEqual(await claimsOf("jwt"), await claimsOf("at+jwt"));
    const claims = await ownClaims(authority);
    assert.deepEqual([claims.aud, claims.sub], [TEST_ISSUER, "one-more"]);
  });
});

async function ownClaims(authority: TestAuthority) {
  const { client, secret } = await authority.client({ clientId: "one-more", token: { profile: "jwt" } });
  const proof = { client_id: client.clientId, client_secret: secret };
  const { body } = await authority.form("/oauth/token", { grant_type: "client_credentials", ...proof });
  return decodeJwt(String(body.access_token));
}

describe("mint: what a token rests on", () => {
  it("is refused when it expired meanwhile, and bounds the token before", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const { client } = await authority.client();
    const { clock, services } = authority;
    const resting = (expiresAt: number) => ({
      request: { grantType: "test", parameters: new Map<string, string>(), targets: [] },
      caller: { client, confidential: true },
      authorization: { scopeLimits: [], defaultScopes: [], expiresAt },
      permission: { scopes: [], audience: [] },
    });
    assert.equal(unsignedToken(resting(clock.now() + 5000), services).lifetimeMs, 5000);
    assert.throws(() => unsignedToken(resting(clock.now() + 999), services), { code: "invalid_request" });
  });
});

describe("mint: the subject of a plain token", () => {
  const subjects = [
    ["none of a client that acts for itself", {}, undefined],
    ["whom another issuer vouches for", { subject: { id: "job" } }, "job"],
  ] as const;
  for (const [name, about, expected] of subjects) {
    it(`is ${name}`, async (context) => {
      const authority = await testAuthority();
      context.after(() => authority.close());
      const { services } = authority;
      const { client } = await authority.client({ token: { profile: "plain" } });
      const caller = { client, confidential: true };
      const authorized = {
        request: { grantType: "test", parameters: new Map<string, string>(), targets: [] },
        caller,
        authorization: { scopeLimits: [], defaultScopes: [], ...about },
        permission: { scopes: [], audience: [] },
      };
      const token = await sign(
        unsignedToken(authorized, services),
        authorized,
        await signerFor(caller, services),
        services,
      );
      assert.equal(decodeJwt(token).sub, expected);
    });
  }

  it("is the user who logged in", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const person = { username: "alice", password: "correct horse battery", fullName: "Alice", scopes: [] };
    const { userId } = await authority.services.users.register(person, "test");
    const { client } = await authority.client({
      authMethod: "none",
      grants: ["password"],
      token: { profile: "plain" },
    });
    const { username, password } = person;
    const form = { grant_type: "password", client_id: client.clientId, username, password };
    const { body } = await authority.form("/oauth/token", form);
    assert.equal(decodeJwt(String(body.access_token)).sub, userId);
  });
});

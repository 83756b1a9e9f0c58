import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  clientCredentialsSource,
  memoryCache,
  privateKeyJwt,
  publicClient,
  refreshTokenSource,
  secretBasic,
  secretPost,
  systemClock,
  TokenManager,
} from "@countersign/token-keeper";
import { fileCache } from "@countersign/token-keeper/node";
import { startAuthority } from "./support/authority.ts";
import { aContext, aFolder } from "./support/context.ts";

const context = () => aContext({ clock: systemClock });

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());
}

describe("against the authority", () => {
  for (const [method, authenticate] of Object.entries({
    client_secret_basic: secretBasic,
    client_secret_post: secretPost,
  })) {
    it(`client credentials with ${method}, the endpoint discovered`, async () => {
      await using authority = await startAuthority();
      const audience = ["https://a.example", "https://b.example"];
      // The keys of the table are the methods' registered names.
      const authMethod = method as "client_secret_basic" | "client_secret_post";
      const { client, secret = "" } = await authority.client({
        scopes: ["read", "write"],
        token: { audience },
        authMethod,
      });
      const source = clientCredentialsSource({
        issuer: authority.issuer,
        client: authenticate(client.clientId, secret),
        scope: ["read"],
        resource: ["https://b.example"],
      });
      const token = await source.request(context());
      const { aud, iss, scope } = claimsOf(token.accessToken.reveal());
      assert.deepEqual({ aud, iss, scope }, { aud: "https://b.example", iss: authority.issuer, scope: "read" });
      assert.equal(token.lifetimeMs, 900_000);
      assert.deepEqual(token.scope, ["read"]);
    });
  }

  it("client credentials with private_key_jwt", async () => {
    await using authority = await startAuthority();
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const jwk = {
      ...(await crypto.subtle.exportKey("jwk", pair.publicKey)),
      kty: "EC",
      alg: "ES256",
      use: "sig",
      kid: "k1",
    };
    const { client } = await authority.client({ authMethod: "private_key_jwt", jwks: { keys: [jwk] } });
    const source = clientCredentialsSource({
      issuer: authority.issuer,
      client: privateKeyJwt(client.clientId, { key: pair.privateKey, algorithm: "ES256", keyId: "k1" }),
    });
    await source.request(context());
    assert.equal((await source.request(context())).tokenType, "Bearer");
  });

  it("a wrong secret is terminal", async () => {
    await using authority = await startAuthority();
    const { client } = await authority.client();
    await using manager = new TokenManager({ timers: false });
    const source = clientCredentialsSource({ issuer: authority.issuer, client: secretBasic(client.clientId, "wrong") });
    await assert.rejects(manager.getToken(source), { code: "invalid_client", retryable: false });
  });

  it("a scope the client has not is terminal", async () => {
    await using authority = await startAuthority();
    const { client, secret = "" } = await authority.client({ scopes: ["read"] });
    await using manager = new TokenManager({ timers: false });
    const options = { issuer: authority.issuer, client: secretBasic(client.clientId, secret), scope: ["admin"] };
    await assert.rejects(manager.getToken(clientCredentialsSource(options)), { code: "invalid_scope" });
  });

  it("two managers with one cache share one token", async () => {
    await using authority = await startAuthority();
    const { client, secret = "" } = await authority.client();
    const caches = [memoryCache()];
    const options = { issuer: authority.issuer, client: secretBasic(client.clientId, secret) };
    await using one = new TokenManager({ caches });
    await using two = new TokenManager({ caches });
    const [first, second] = await Promise.all([
      one.getToken(clientCredentialsSource(options)),
      two.getToken(clientCredentialsSource(options)),
    ]);
    assert.equal(first.accessToken.reveal(), second.accessToken.reveal());
  });

  it("a login lives on through rotations and restarts, and ends when it is reused", async () => {
    await using authority = await startAuthority();
    await using folder = await aFolder();
    const { client } = await authority.client({
      authMethod: "none",
      grants: ["password", "refresh_token"],
      scopes: ["offline_access"],
    });
    await authority.user("ada", "correct horse battery");
    const refreshToken = await authority.login(client.clientId, "ada", "correct horse battery");
    assert.equal(typeof refreshToken, "string");
    const restart = () =>
      refreshTokenSource({
        issuer: authority.issuer,
        client: publicClient(client.clientId),
        subject: "ada",
        refreshToken,
        store: fileCache({ folder: folder.path, keys: [new Uint8Array(32).fill(5)] }),
      });
    const subjects = new Set<unknown>();
    for (let process = 0; process < 3; process++) {
      const source = restart();
      for (let i = 0; i < 3; i++) subjects.add(claimsOf((await source.request(context())).accessToken.reveal()).sub);
    }
    assert.equal(subjects.size, 1);
    const concurrent = [restart(), restart(), restart(), restart()];
    await Promise.all(concurrent.map((source) => source.request(context())));
    const thief = refreshTokenSource({
      ...{ issuer: authority.issuer, client: publicClient(client.clientId) },
      subject: "ada",
      refreshToken,
    });
    await assert.rejects(thief.request(context()), { code: "invalid_grant" });
    await assert.rejects(restart().request(context()), { code: "invalid_grant" });
  });
});

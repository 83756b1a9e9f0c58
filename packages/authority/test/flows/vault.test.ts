import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ClientSettings } from "../../src/clients/client-settings.ts";
import { signingAlgorithms } from "../../src/store/records.ts";
import { readResponse, TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";
import { loginToVault, readDiscovery, readKeySet, type VaultRole } from "./vault-role.ts";

/**
 * What HashiCorp Vault's jwt auth method checks, rule by rule, against what the authority issues. `vault-role.ts` holds
 * the rules; it verifies signatures for real.
 */
describe("Vault's configuration rules", () => {
  it("discovery: issuer equals the configured string byte for byte", async () => {
    for (const issuer of ["http://localhost:8080", "https://id.example.com/tenant"]) {
      const authority = await testAuthority({ config: { issuer } });
      const document = await fetchJson(authority, "/.well-known/openid-configuration");
      assert.equal(readDiscovery(document, issuer).jwksUri, `${issuer}/.well-known/jwks.json`);
      assert.throws(() => readDiscovery(document, `${issuer}/`), /did not match/);
      await authority.close();
    }
  });

  it("the key set answers 200 as JSON from the first moment, and holds no kty that go-jose cannot read", async () => {
    const authority = await testAuthority({ config: { keys: { algorithms: [...signingAlgorithms] } } });
    const keys = readKeySet(await fetchJson(authority, "/.well-known/jwks.json"));
    assert.deepEqual(keys.map((key) => key.alg).sort(), ["ES256", "EdDSA", "PS256", "RS256"]);
    const pqc = await fetchJson(authority, "/.well-known/jwks-pqc.json");
    assert.throws(() => readKeySet(pqc), /unknown json web key type/);
    await authority.close();
  });
});

interface LoginCase {
  readonly name: string;
  readonly client: Partial<ClientSettings>;
  readonly role: VaultRole;
  readonly refused?: RegExp;
  /** How long the token waits before it is shown. */
  readonly waitMs?: number;
}

const jwtRole: VaultRole = { userClaim: "sub", roleType: "jwt" };

const cases: readonly LoginCase[] = [
  {
    name: "a plain token passes a role that binds a claim and no audience",
    client: { token: { profile: "plain" } },
    role: { ...jwtRole, userClaim: "client_id", boundClaims: { client_id: "ci" } },
  },
  {
    name: "a plain token of a client has no sub, so user_claim sub fails",
    client: { token: { profile: "plain" } },
    role: { ...jwtRole, boundClaims: { client_id: "ci" } },
    refused: /claim "sub" not found/,
  },
  {
    name: "an RFC 9068 token fails a role without bound_audiences",
    client: {},
    role: { ...jwtRole, boundSubject: "ci" },
    refused: /no audiences bound/,
  },
  {
    name: "an RFC 9068 token passes a role that binds its audience and subject",
    client: { token: { audience: ["vault"] } },
    role: { ...jwtRole, boundAudiences: ["vault"], boundSubject: "ci" },
  },
  {
    name: "another audience fails",
    client: { token: { audience: ["vault"] } },
    role: { ...jwtRole, boundAudiences: ["other"] },
    refused: /audience/,
  },
  {
    name: "another subject fails",
    client: { token: { audience: ["vault"] } },
    role: { ...jwtRole, boundAudiences: ["vault"], boundSubject: "somebody" },
    refused: /subject/,
  },
  { name: "a role that binds nothing is refused", client: {}, role: jwtRole, refused: /at least one bound constraint/ },
  {
    name: "bound_issuer equals iss",
    client: { token: { audience: ["vault"] } },
    role: { ...jwtRole, boundAudiences: ["vault"], boundIssuer: TEST_ISSUER },
  },
  {
    name: "a trailing slash in bound_issuer fails",
    client: { token: { audience: ["vault"] } },
    role: { ...jwtRole, boundAudiences: ["vault"], boundIssuer: `${TEST_ISSUER}/` },
    refused: /issuer/,
  },
  {
    name: "an expired token fails after the clock skew of 60 s",
    client: { token: { audience: ["vault"], accessTokenTtlMs: 60_000 } },
    role: { ...jwtRole, boundAudiences: ["vault"] },
    waitMs: 121_000,
    refused: /expired/,
  },
  {
    name: "every algorithm Vault accepts: EdDSA",
    client: { token: { audience: ["vault"], algorithm: "EdDSA" } },
    role: { ...jwtRole, boundAudiences: ["vault"] },
  },
  {
    name: "every algorithm Vault accepts: RS256",
    client: { token: { audience: ["vault"], algorithm: "RS256" } },
    role: { ...jwtRole, boundAudiences: ["vault"] },
  },
  {
    name: "every algorithm Vault accepts: PS256",
    client: { token: { audience: ["vault"], algorithm: "PS256" } },
    role: { ...jwtRole, boundAudiences: ["vault"] },
  },
];

describe("Vault's login rules", () => {
  for (const { name, client, role, refused, waitMs = 0 } of cases) {
    it(name, async () => {
      const { algorithm = "ES256" } = client.token ?? {};
      const authority = await testAuthority({ config: { keys: { algorithms: [algorithm] } } });
      const { secret } = await authority.client({ clientId: "ci", ...client });
      const { body } = await authority.form("/oauth/token", {
        grant_type: "client_credentials",
        client_id: "ci",
        client_secret: secret,
      });
      await authority.clock.advance(waitMs);
      const keys = readKeySet(await fetchJson(authority, "/.well-known/jwks.json"));
      const login = loginToVault(String(body.access_token), role, keys, authority.clock.now());
      if (refused !== undefined) await assert.rejects(login, refused);
      else assert.equal((await login).alias, "ci");
      await authority.close();
    });
  }

  it("a token of the jwt-issuer face passes the role of its README", async () => {
    const authority = await testAuthority({ config: { compat: { faces: ["jwt-issuer"] } } });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"name":"vishpat"}' };
    const response = await authority.fetch(new Request(`${TEST_ISSUER}/auth/token`, init), { address: "::1" });
    const keys = readKeySet(await fetchJson(authority, "/auth/jwks"));
    const role: VaultRole = { ...jwtRole, boundSubject: "vishpat" };
    assert.equal((await loginToVault(await response.text(), role, keys, authority.clock.now())).alias, "vishpat");
    await authority.close();
  });

  it("survives a rotation: the retired key stays published as long as its tokens live", async () => {
    const authority = await testAuthority();
    const { secret } = await authority.client({ clientId: "ci", token: { audience: ["vault"] } });
    const form = { grant_type: "client_credentials", client_id: "ci", client_secret: secret };
    const before = await authority.form("/oauth/token", form);
    await authority.services.keys.rotate("ES256", "test", { now: true });
    const after = await authority.form("/oauth/token", form);
    const keys = readKeySet(await fetchJson(authority, "/.well-known/jwks.json"));
    const role: VaultRole = { ...jwtRole, boundAudiences: ["vault"] };
    for (const { body } of [before, after]) {
      assert.equal((await loginToVault(String(body.access_token), role, keys, authority.clock.now())).alias, "ci");
    }
    await authority.close();
  });
});

async function fetchJson(authority: TestAuthority, path: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await readResponse(
    await authority.fetch(new Request(`http://localhost:8080${path}`), { address: "127.0.0.1" }),
  );
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /json/);
  return answer.body;
}

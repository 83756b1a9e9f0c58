import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { createRemoteJWKSet, customFetch, jwtVerify } from "jose";
import type { ClientSettings } from "../../src/clients/client-settings.ts";
import { keys, owners } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SigningAlgorithm } from "../../src/store/records.ts";
import { TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";

const second = 1000;
const minute = 60 * second;

/** jose's own key set with its cool-down and cache, on the clock of the authority. */
function aVerifier(context: TestContext, authority: TestAuthority) {
  context.mock.timers.enable({ apis: ["Date"], now: authority.clock.now() });
  const keys = createRemoteJWKSet(new URL(`${TEST_ISSUER}/.well-known/jwks.json`), {
    [customFetch]: (url, init) => authority.fetch(new Request(url, init as RequestInit), { address: "127.0.0.1" }),
  });
  return async (token: string) => {
    context.mock.timers.setTime(authority.clock.now());
    await jwtVerify(token, keys, { issuer: TEST_ISSUER, currentDate: new Date(authority.clock.now()) });
  };
}

async function aClient(authority: TestAuthority, token: ClientSettings["token"] = {}) {
  const { client, secret } = await authority.client({ token });
  const fields = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
  return () => authority.form("/oauth/token", fields);
}

describe("the first key of an algorithm, beside a verifier that holds the set of before", () => {
  const later: readonly SigningAlgorithm[] = ["EdDSA", "RS256"];
  for (const algorithm of later) {
    it(`signs nothing that the verifier refuses: ${algorithm}`, async (context) => {
      const authority = await testAuthority();
      context.after(() => authority.close());
      const verify = aVerifier(context, authority);
      const old = await aClient(authority);
      await verify(String((await old()).body.access_token));
      const young = await aClient(authority, { algorithm });
      let waited = 0;
      for (;;) {
        const answer = await young();
        await verify(String((await old()).body.access_token));
        if (answer.status === 200) {
          await verify(String(answer.body.access_token));
          break;
        }
        assert.deepEqual([answer.status, answer.body.error], [503, "temporarily_unavailable"]);
        const left = Number(answer.headers.get("retry-after")) * second;
        assert.equal(left, 19 * minute - waited);
        // Just before a cache may be renewed, and at last just when the wait is over.
        const step = Math.min(left, 7 * minute);
        await authority.clock.advance(step);
        waited += step;
      }
      assert.equal(waited, 19 * minute);
      assert.ok(
        authority.events.some((event) => JSON.stringify(event).includes(`first key for ${algorithm} signs from`)),
        JSON.stringify(authority.events.at(-3)),
      );
    });
  }

  it("is signed with at once after the very first start, when nobody can hold a set", async (context) => {
    const authority = await testAuthority({ config: { keys: { algorithms: ["EdDSA"] } } });
    context.after(() => authority.close());
    const verify = aVerifier(context, authority);
    await verify(String((await (await aClient(authority))()).body.access_token));
    await verify(String((await (await aClient(authority, { algorithm: "EdDSA" }))()).body.access_token));
  });

  it("is published at the start for clients that came past the client service", async (context) => {
    const clock = new FakeClock();
    const store = createMemoryStore({ clock });
    const before = await testAuthority({ clock, store });
    const { client } = await before.client({ clientId: "restored" });
    await before.services.keys.close();
    const key = keys.client(client.clientId);
    const item = await store.get(key);
    assert.ok(item !== undefined);
    await store.swap(key, item.version, {
      value: { ...client, token: { algorithm: "EdDSA" } },
      owner: owners.clients(),
    });
    const after = await testAuthority({ clock, store });
    context.after(() => after.close());
    await clock.advance(0);
    const published = () => after.services.keys.published("jwks").keys.map(({ alg }) => alg);
    for (let turn = 0; turn < 100 && published().length < 2; turn++) await new Promise(setImmediate);
    assert.deepEqual(published(), ["ES256", "EdDSA"]);
  });

  it("leaves a refresh token alone while it waits", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const login = { username: "alice", password: "correct horse battery" };
    await authority.services.users.register({ ...login, fullName: "Alice", scopes: [] }, "test");
    const scopes = ["offline_access"];
    const { client } = await authority.client({ authMethod: "none", grants: ["password", "refresh_token"], scopes });
    const { clientId } = client;
    const issued = await authority.form("/oauth/token", {
      grant_type: "password",
      client_id: clientId,
      scope: "offline_access",
      ...login,
    });
    await authority.services.clients.update(clientId, { token: { algorithm: "EdDSA" } }, "test");
    const refresh = () =>
      authority.form("/oauth/token", {
        grant_type: "refresh_token",
        client_id: clientId,
        refresh_token: String(issued.body.refresh_token),
      });
    const refused = await refresh();
    assert.equal(refused.status, 503, JSON.stringify([refused.body, issued.body]));
    await authority.clock.advance(19 * minute);
    assert.equal((await refresh()).status, 200);
  });
});

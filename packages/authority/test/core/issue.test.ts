import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { SignJWT } from "jose";
import { createMemoryStore } from "../../src/store/memory.ts";
import { TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";
import { type Around, aroundStore } from "../users/around-store.ts";

const person = { username: "alice", password: "correct horse battery", fullName: "Alice", scopes: ["read"] };
const unavailable = new CountersignError("temporarily_unavailable", { detail: "for this test" });

/** An authority on a store that a test can get in the way of, with a login on it. */
async function scene(context: TestContext) {
  const clock = new FakeClock();
  const inner = createMemoryStore({ clock });
  let around: Around = (_, run) => run();
  const authority = await testAuthority({ clock, store: aroundStore(inner, (call, run) => around(call, run)) });
  context.after(() => authority.close());
  await authority.services.users.register(person, "test");
  const scopes = ["read", "offline_access"];
  await authority.client({ clientId: "app", grants: ["password", "refresh_token"], authMethod: "none", scopes });
  const { username, password } = person;
  const ask = (fields: Readonly<Record<string, string>>) =>
    authority.form("/oauth/token", { client_id: "app", ...fields });
  const login = await ask({ grant_type: "password", username, password, scope: "read offline_access" });
  assert.equal(login.status, 200, JSON.stringify(login.body));
  const refresh = () => ask({ grant_type: "refresh_token", refresh_token: String(login.body.refresh_token) });
  const getInTheWay = (other: Around) => {
    around = other;
  };
  return { authority, inner, refresh, getInTheWay };
}

function issued({ events }: TestAuthority): number {
  return events.filter(({ name }) => name === "token.issued").length;
}

/** A request of a client that signs, for the one who may be asked again. */
async function signedForm(authority: TestAuthority): Promise<Readonly<Record<string, string>>> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kty: "EC", alg: "ES256" };
  await authority.client({ clientId: "signer", authMethod: "private_key_jwt", jwks: { keys: [jwk] } });
  const iat = Math.floor(authority.clock.now() / 1000);
  const claims = { iss: "signer", sub: "signer", aud: TEST_ISSUER, iat, exp: iat + 60, jti: "one" };
  return {
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(privateKey),
  };
}

describe("issue", () => {
  it("gives up with 503 where others change a login before each of its commits", async (context) => {
    const { authority, inner, refresh, getInTheWay } = await scene(context);
    let races = 0;
    getInTheWay(async ({ verb, keys = [] }, run) => {
      const key = keys.find((one) => one.startsWith("RTF#"));
      const item = verb === "commit" && key !== undefined ? await inner.get(key) : undefined;
      if (item !== undefined) {
        const { key: place, version, ...draft } = item;
        assert.ok(await inner.swap(place, version, draft));
        races += 1;
      }
      return run();
    });
    const { status, headers, body } = await refresh();
    assert.deepEqual([status, body.error, headers.get("retry-after")], [503, "temporarily_unavailable", "1"]);
    assert.deepEqual([races, issued(authority)], [4, 1]);
  });

  it("gives no token where signing fails, though the record was written", async (context) => {
    const { authority, refresh } = await scene(context);
    const { keys } = authority.services;
    const signer = { ...(await keys.signer("ES256")), sign: () => Promise.reject(unavailable) };
    context.mock.method(keys, "signer", async () => signer);
    const { status, body } = await refresh();
    assert.deepEqual([status, body.error], [503, "temporarily_unavailable"]);
  });

  it("takes a store that fails while an assertion is remembered for no fault of the client", async (context) => {
    const { authority, getInTheWay } = await scene(context);
    const form = await signedForm(authority);
    getInTheWay(({ verb }, run) => (verb === "swap" ? Promise.reject(unavailable) : run()));
    const failed = await authority.form("/oauth/token", form);
    assert.deepEqual([failed.status, failed.body.error], [503, "temporarily_unavailable"]);
    getInTheWay((_, run) => run());
    assert.equal((await authority.form("/oauth/token", form)).status, 200);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FormFields, type TestAuthority, type TestResponse, testAuthority } from "../../src/testing.ts";

interface Scene {
  readonly authority: TestAuthority;
  readonly clientId: string;
  readonly userId: string;
  /** The live refresh token of a login. */
  readonly token: string;
  send(path: string, fields: FormFields): Promise<TestResponse>;
}

const config = { tokens: { refresh_idle_ttl: 3600, refresh_absolute_ttl: 7200 } };
const password = "correct horse battery";
const hourMs = 3_600_000;

async function makeScene(): Promise<Scene> {
  const authority = await testAuthority({ config });
  const { users } = authority.services;
  const person = { username: "alice", password, fullName: "Alice", scopes: ["read", "write"] };
  const { userId } = await users.register(person, "test");
  const { client, secret } = await authority.client({
    scopes: ["read", "write", "offline_access"],
    grants: ["password", "refresh_token"],
  });
  const { clientId } = client;
  const send = (path: string, fields: FormFields) =>
    authority.form(path, { client_id: clientId, client_secret: secret, ...fields });
  const login = { grant_type: "password", username: "alice", password, scope: "read write offline_access" };
  const { body } = await send("/oauth/token", login);
  return { authority, clientId, userId, token: String(body.refresh_token), send };
}

async function refreshed({ send }: Scene, token: string): Promise<string> {
  const { status, body } = await send("/oauth/token", { grant_type: "refresh_token", refresh_token: token });
  assert.equal(status, 200);
  return String(body.refresh_token);
}

/** What is done to a login before its token is introspected, if not another token, and the scopes that it then has. */
interface Row {
  readonly name: string;
  readonly build: (scene: Scene) => Promise<string | undefined> | undefined;
  /** `undefined` where the token is not active. */
  readonly expect: string | undefined;
}

const all = "read write offline_access";

const rows: readonly Row[] = [
  { name: "a live token", build: () => undefined, expect: all },
  { name: "its successor", build: (scene) => refreshed(scene, scene.token), expect: all },
  {
    name: "a spent token",
    build: async (scene) => {
      await refreshed(scene, scene.token);
      return scene.token;
    },
    expect: undefined,
  },
  {
    name: "a token whose last secret character is another",
    build: async ({ token }) => `${token.slice(0, -24)}${token.at(-24) === "A" ? "B" : "A"}${token.slice(-23)}`,
    expect: undefined,
  },
  {
    name: "a token of a login that was revoked",
    build: async ({ send, token }) => {
      await send("/oauth/revoke", { token });
      return undefined;
    },
    expect: undefined,
  },
  {
    name: "a token unused for as long as it may be",
    build: async ({ authority }) => {
      await authority.clock.advance(hourMs);
      return undefined;
    },
    expect: undefined,
  },
  {
    name: "a token on its last millisecond",
    build: async ({ authority }) => {
      await authority.clock.advance(hourMs - 1);
      return undefined;
    },
    expect: all,
  },
  {
    name: "a token of a login at its end, however often it was used",
    build: async (scene) => {
      let { token } = scene;
      for (let i = 0; i < 3; i++) {
        await scene.authority.clock.advance(hourMs / 2);
        token = await refreshed(scene, token);
      }
      await scene.authority.clock.advance(hourMs / 2);
      return token;
    },
    expect: undefined,
  },
  {
    name: "a token of a user that was disabled",
    build: async ({ authority, userId }) => {
      await authority.services.users.setDisabled(userId, true, "test");
      return undefined;
    },
    expect: undefined,
  },
  {
    name: "a token of a user that was disabled and is no more",
    build: async ({ authority, userId }) => {
      for (const disabled of [true, false]) await authority.services.users.setDisabled(userId, disabled, "test");
      return undefined;
    },
    expect: undefined,
  },
  {
    name: "a token of a user whose password was changed",
    build: async ({ authority, userId }) => {
      await authority.services.users.setPassword(userId, "another horse battery", "test");
      return undefined;
    },
    expect: undefined,
  },
  {
    name: "a token of a user that was deleted",
    build: async ({ authority, userId }) => {
      await authority.services.users.delete(userId, "test");
      return undefined;
    },
    expect: undefined,
  },
  {
    name: "a token of a client that has lost a scope",
    build: async ({ authority, clientId }) => {
      await authority.services.clients.update(clientId, { scopes: ["read", "offline_access"] }, "test");
      return undefined;
    },
    expect: "read offline_access",
  },
];

describe("POST /oauth/introspect: refresh tokens (RFC 7662)", () => {
  for (const { name, build, expect } of rows) {
    it(`${name} is ${expect === undefined ? "inactive" : `active with "${expect}"`}`, async () => {
      const scene = await makeScene();
      const token = (await build(scene)) ?? scene.token;
      const { status, body } = await scene.send("/oauth/introspect", { token });
      assert.equal(status, 200);
      if (expect === undefined) assert.deepEqual(body, { active: false });
      else assert.deepEqual([body.active, body.scope, body.sub], [true, expect, scene.userId]);
      await scene.authority.close();
    });
  }

  it("says nothing to another client, whatever it may introspect", async () => {
    const scene = await makeScene();
    const { client, secret } = await scene.authority.client({ scopes: ["introspect"] });
    const fields = { client_id: client.clientId, client_secret: secret, token: scene.token };
    assert.deepEqual((await scene.authority.form("/oauth/introspect", fields)).body, { active: false });
    await scene.authority.close();
  });

  it("takes as long as it lives from the login, in seconds", async () => {
    const scene = await makeScene();
    const { body } = await scene.send("/oauth/introspect", { token: scene.token });
    assert.equal(Number(body.exp) - Number(body.iat), hourMs / 1000);
    await scene.authority.close();
  });
});

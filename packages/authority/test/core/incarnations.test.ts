import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { keys, owners } from "../../src/store/keys.ts";
import type { UserRecord } from "../../src/store/records.ts";
import { TEST_ISSUER, type TestAuthority, type TestAuthorityOptions, testAuthority } from "../../src/testing.ts";
import { openAt, storePath } from "../store/stores.ts";

const password = "correct horse battery";
const scopes = ["read", "offline_access", "superuser"];
const grants = ["password", "refresh_token", "client_credentials"] as const;

async function aScene(options: TestAuthorityOptions = {}) {
  const authority = await testAuthority(options);
  const watcher = await authority.client({ clientId: "watcher", scopes: ["introspect"] });
  // The last one who can be superuser could not be deleted.
  await authority.client({ clientId: "spare", scopes: ["superuser"] });
  const person = { username: "alice", password, fullName: "Alice", scopes: ["read", "superuser"] };
  const alice = await authority.services.users.register(person, "test");
  return { authority, watcher: watcher.secret, alice };
}

/** A client under an id, and what is done with it. */
async function anApp(authority: TestAuthority, watcher: string) {
  const { secret } = await authority.client({ clientId: "app", scopes, grants });
  const asApp = { client_id: "app", client_secret: secret };
  const form = (fields: Readonly<Record<string, string>>) => authority.form("/oauth/token", { ...asApp, ...fields });
  const isActive = async (token: string) => {
    const asWatcher = { client_id: "watcher", client_secret: watcher };
    return (await authority.form("/oauth/introspect", { ...asWatcher, token })).body.active;
  };
  return {
    login: async () => {
      const { status, body } = await form({
        grant_type: "password",
        username: "alice",
        password,
        scope: scopes.join(" "),
      });
      assert.equal(status, 200, JSON.stringify(body));
      return { access: String(body.access_token), refresh: String(body.refresh_token) };
    },
    own: async () => String((await form({ grant_type: "client_credentials", scope: "superuser" })).body.access_token),
    refresh: (token: string) => form({ grant_type: "refresh_token", refresh_token: token }),
    revoke: (token: string) => authority.form("/oauth/revoke", { ...asApp, token }),
    isActive,
    opens: async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      const request = new Request(`${TEST_ISSUER}/api/v1/client`, { headers });
      return (await authority.fetch(request, { address: "127.0.0.1" })).status;
    },
  };
}

describe("a client that was made under a clock that is put back", () => {
  for (const aheadMs of [1, 1000, 3_600_000]) {
    it(`has logins that work, can be ended and can be seen, ${aheadMs} ms ahead`, async () => {
      const { authority, watcher } = await aScene();
      authority.clock.jump(aheadMs);
      const app = await anApp(authority, watcher);
      authority.clock.jump(-aheadMs);
      const { access, refresh } = await app.login();
      assert.equal(await app.opens(access), 200);
      // Introspection before the instant at which the client was made, and after.
      assert.equal(await app.isActive(access), true);
      authority.clock.jump(Math.min(aheadMs, 600_000));
      assert.equal(await app.isActive(access), true);
      const again = await app.refresh(refresh);
      assert.equal(again.status, 200, JSON.stringify(again.body));
      const last = String(again.body.refresh_token);
      assert.equal((await app.revoke(last)).status, 200);
      assert.equal((await app.refresh(last)).body.error, "invalid_grant");
      await authority.close();
    });
  }
});

describe("what was given to somebody who had the id before", () => {
  it("is dead for a client that was deleted and made again at the same instant", async () => {
    const { authority, watcher } = await aScene();
    const app = await anApp(authority, watcher);
    const { access, refresh } = await app.login();
    const own = await app.own();
    for (const token of [access, own]) assert.equal(await app.opens(token), 200);
    await authority.services.clients.delete("app", "test");
    const remade = await anApp(authority, watcher);
    for (const token of [access, own]) {
      assert.equal(await remade.opens(token), 401);
      assert.equal(await remade.isActive(token), false);
    }
    assert.equal((await remade.refresh(refresh)).body.error, "invalid_grant");
    assert.equal((await remade.revoke(refresh)).status, 200);
    assert.equal(await remade.opens(await remade.own()), 200);
    await authority.close();
  });

  it("is dead for a user that was deleted and made again at the same instant", async () => {
    const { authority, watcher, alice } = await aScene();
    const { store, users } = authority.services;
    const app = await anApp(authority, watcher);
    const { access, refresh } = await app.login();
    await users.delete(alice.userId, "test");
    // As whoever recovers the administrator does, whose id is always the same.
    const remade: UserRecord = { ...alice, incarnation: "another1" };
    const { failed } = await store.commit([
      { key: keys.user(alice.userId), expectedVersion: 0, draft: { value: remade, owner: owners.users() } },
      { key: keys.username("alice"), expectedVersion: 0, draft: { value: { userId: alice.userId } } },
    ]);
    assert.equal(failed, undefined);
    assert.equal(await app.opens(access), 401);
    assert.equal(await app.isActive(access), false);
    assert.equal((await app.refresh(refresh)).body.error, "invalid_grant");
    assert.deepEqual(await users.families(alice.userId), []);
    assert.equal(await app.opens((await app.login()).access), 200);
    await authority.close();
  });
});

describe("changes that a password proves, at once", () => {
  const asJson = { "content-type": "application/json" };
  const send = (authority: TestAuthority, path: string, method: string, body: object, headers = {}) =>
    authority.fetch(
      new Request(`${TEST_ISSUER}${path}`, { method, body: JSON.stringify(body), headers: { ...asJson, ...headers } }),
      { address: "127.0.0.1" },
    );

  it("answer 204 to one of four, whose password works", async () => {
    const { authority } = await aScene();
    const answers = await Promise.all(
      [0, 1, 2, 3].map((n) =>
        send(authority, "/api/v1/username/alice/password", "PATCH", {
          current_password: password,
          new_password: `another password ${n}`,
        }),
      ),
    );
    const done = answers.flatMap(({ status }, n) => (status === 204 ? [n] : []));
    assert.equal(done.length, 1, answers.map(({ status }) => status).join());
    const login = { username: "alice", password: `another password ${done[0]}`, clientId: "app" };
    assert.equal((await authority.services.users.authenticate(login)).username, "alice");
    await authority.close();
  });

  it("give one of sixteen rotations a secret, and that works", async (context) => {
    const clock = new FakeClock();
    const { authority, watcher } = await aScene({ store: await openAt(storePath(context), context, { clock }), clock });
    const app = await anApp(authority, watcher);
    const headers = { authorization: `Bearer ${await app.own()}` };
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => send(authority, "/api/v1/client/app/secret", "POST", {}, headers)),
    );
    const given = answers.filter(({ status }) => status === 200);
    assert.deepEqual(
      answers.filter((answer) => !given.includes(answer)).map(({ status }) => status),
      Array(15).fill(409),
    );
    const [text = ""] = await Promise.all(given.map((answer) => answer.text()));
    const fields = {
      client_id: "app",
      client_secret: JSON.parse(text).client_secret,
      grant_type: "client_credentials",
    };
    assert.equal((await authority.form("/oauth/token", fields)).status, 200);
    await authority.close();
  });
});

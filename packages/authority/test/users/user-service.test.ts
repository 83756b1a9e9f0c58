import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError, sha256 } from "@countersign/protocol";
import { keys, owners } from "../../src/store/keys.ts";
import type { FamilyRecord } from "../../src/store/records.ts";
import { aroundStore } from "./around-store.ts";
import { aRegistration, makeNode, type Node } from "./world.ts";

const login = { username: "alice", password: "correct horse battery", clientId: "app" };

async function withAlice(options: Parameters<typeof makeNode>[0] = {}) {
  const node = makeNode(options);
  const alice = await node.users.register(aRegistration({ scopes: ["read"] }), "test");
  return { ...node, alice };
}

async function addFamily({ store, clock, users }: Node, fields: Partial<FamilyRecord>): Promise<void> {
  const user = fields.userId === undefined ? undefined : await users.byId(fields.userId);
  const family: FamilyRecord = {
    familyId: "f1",
    userId: "u",
    clientId: "app",
    scopes: ["read"],
    audience: [],
    deviceName: "phone",
    createdAt: clock.now(),
    currentHash: sha256("token"),
    rotatedAt: clock.now(),
    generation: 0,
    userEpoch: 1,
    userIncarnation: user?.incarnation ?? "",
    clientIncarnation: "",
    idleExpiresAt: clock.now() + 1000,
    absoluteExpiresAt: clock.now() + 5000,
    ...fields,
  };
  const draft = { value: family, owner: owners.familiesOf(family.userId), expiresAt: family.absoluteExpiresAt };
  assert.notEqual(await store.swap(keys.family(family.familyId), 0, draft), undefined);
}

describe("UserService.register", () => {
  it("adds a user who can be found, and log in, under every spelling of the name", async () => {
    const { users, alice } = await withAlice();
    assert.match(alice.userId, /^user_[0-9a-f-]{36}$/);
    assert.deepEqual(await users.byId(alice.userId), alice);
    assert.deepEqual(await users.byUsername("ＡＬＩＣＥ"), alice);
    assert.deepEqual(await users.authenticate({ ...login, username: "Alice" }), alice);
  });

  it("refuses a taken name and leaves the owner as it was", async () => {
    const { users, alice } = await withAlice();
    await assert.rejects(users.register(aRegistration({ username: "ALICE" }), "test"), { code: "already_exists" });
    assert.deepEqual(await users.byUsername("alice"), alice);
    assert.equal((await users.list({ limit: 10 })).length, 1);
  });

  const refusals = [
    { id: "a malformed name", fields: { username: "a b" }, code: "invalid_username" },
    { id: "a short password", fields: { password: "short" }, code: "invalid_password" },
    {
      id: "the name as password",
      fields: { username: "alice.smith", password: "Alice.Smith" },
      code: "invalid_password",
    },
    { id: "an empty full name", fields: { fullName: " " }, code: "invalid_request" },
    { id: "a full name of 257 characters", fields: { fullName: "x".repeat(257) }, code: "invalid_request" },
    { id: "a full name with a newline", fields: { fullName: "Alice\r\nSet-Cookie: a" }, code: "invalid_request" },
    { id: "a scope with a space", fields: { scopes: ["a b"] }, code: "invalid_scope" },
    { id: "an unknown invitation", fields: { invitation: "guess" }, code: "access_denied" },
    { id: "an empty invitation", fields: { invitation: "" }, code: "access_denied" },
  ] as const;
  for (const { id, fields, code } of refusals) {
    it(`refuses ${id} and writes nothing`, async () => {
      const { users, audit } = makeNode();
      await assert.rejects(users.register(aRegistration(fields), "test"), { code });
      assert.deepEqual(await users.list({ limit: 10 }), []);
      assert.deepEqual(await audit.read({ limit: 10 }), []);
    });
  }
});

describe("UserService.rename", () => {
  it("moves the name, frees the old one at once, and keeps id, logins and password", async () => {
    const { users, alice } = await withAlice();
    const renamed = await users.rename(alice.userId, { username: "Alicia" }, "test");
    assert.deepEqual(renamed, { ...alice, username: "alicia" });
    assert.equal(await users.byUsername("alice"), undefined);
    await assert.rejects(users.authenticate(login), { code: "invalid_grant" });
    assert.equal((await users.authenticate({ ...login, username: "alicia" })).userId, alice.userId);
    const second = await users.register(aRegistration(), "test");
    assert.notEqual(second.userId, alice.userId);
  });

  it("changes name and password together, which ends the logins, or neither", async () => {
    const { users, alice } = await withAlice();
    const attempts = ["short", "alicia-anne", "a".repeat(1025)].map((password) => ({
      username: "alicia-anne",
      password,
    }));
    for (const to of attempts) {
      await assert.rejects(users.rename(alice.userId, to, "test"), { code: "invalid_password" });
    }
    await users.register(aRegistration({ username: "bob" }), "test");
    const password = "another fine password";
    await assert.rejects(users.rename(alice.userId, { username: "bob", password }, "test"), { code: "already_exists" });
    assert.deepEqual(await users.authenticate(login), alice);
    assert.equal((await users.rename(alice.userId, { username: "alicia", password }, "test")).epoch, alice.epoch + 1);
    const third = { username: "alicia", password: "a third fine password" };
    assert.equal((await users.rename(alice.userId, third, "test")).epoch, alice.epoch + 2);
    assert.equal((await users.authenticate({ ...login, ...third })).userId, alice.userId);
  });

  it("records whether the password changed too", async () => {
    const { users, alice, audit } = await withAlice();
    await users.rename(alice.userId, { username: "alicia" }, "test");
    await users.rename(alice.userId, { username: "alice", password: "another fine password" }, "test");
    assert.deepEqual(
      (await audit.read({ limit: 2 })).map(({ fields }) => "what" in fields && fields.what),
      ["username password", "username"],
    );
  });

  it("refuses a taken name, a malformed one, and an unknown user", async () => {
    const { users, alice } = await withAlice();
    await users.register(aRegistration({ username: "bob" }), "test");
    await assert.rejects(users.rename(alice.userId, { username: "BOB" }, "test"), { code: "already_exists" });
    await assert.rejects(users.rename(alice.userId, { username: "b b" }, "test"), { code: "invalid_username" });
    await assert.rejects(users.rename("user_none", { username: "carol" }, "test"), { code: "not_found" });
    assert.deepEqual(await users.byUsername("alice"), alice);
  });

  it("changes and records nothing when the name stays", async () => {
    const { users, alice, audit } = await withAlice();
    assert.deepEqual(await users.rename(alice.userId, { username: "ALICE" }, "test"), alice);
    assert.equal((await audit.read({ limit: 10 })).length, 1);
  });
});

describe("UserService changes", () => {
  const revoking = [
    { id: "setPassword", act: ({ users }: Node, id: string) => users.setPassword(id, "another password", "test") },
    { id: "setScopes", act: ({ users }: Node, id: string) => users.setScopes(id, ["write", "write"], "test") },
    { id: "setDisabled", act: ({ users }: Node, id: string) => users.setDisabled(id, true, "test") },
    { id: "revokeAllFamilies", act: ({ users }: Node, id: string) => users.revokeAllFamilies(id, "test") },
    { id: "delete", act: ({ users }: Node, id: string) => users.delete(id, "test") },
  ] as const;
  for (const { id, act } of revoking) {
    it(`C13 ${id} ends every login of the user`, async () => {
      const node = await withAlice();
      await addFamily(node, { userId: node.alice.userId });
      assert.equal((await node.users.families(node.alice.userId)).length, 1);
      await act(node, node.alice.userId);
      assert.deepEqual(await node.users.families(node.alice.userId), []);
      assert.notEqual((await node.users.byId(node.alice.userId))?.epoch, node.alice.epoch);
    });

    // The last three are no ids, and no key of the store could be made of them.
    for (const unknown of ["user_none", "", "x".repeat(5000), "user_\ud800"]) {
      it(`${id} refuses the unknown user ${JSON.stringify(unknown.slice(0, 10))} and records nothing`, async () => {
        const node = makeNode();
        await assert.rejects(act(node, unknown), { code: "not_found" });
        assert.deepEqual(await node.audit.read({ limit: 10 }), []);
      });
    }
  }

  it("setPassword makes the new password good and the old one bad, and ends the delay", async () => {
    const { users, alice } = await withAlice();
    for (let n = 0; n < 6; n++) await assert.rejects(users.authenticate({ ...login, password: "wrong" }));
    await users.setPassword(alice.userId, "another password", "test");
    assert.equal((await users.authenticate({ ...login, password: "another password" })).userId, alice.userId);
    await assert.rejects(users.authenticate(login), { code: "invalid_grant" });
  });

  it("setScopes keeps each scope once and refuses malformed ones", async () => {
    const { users, alice } = await withAlice();
    assert.deepEqual((await users.setScopes(alice.userId, ["b", "a", "b"], "test")).scopes, ["b", "a"]);
    await assert.rejects(users.setScopes(alice.userId, ['quo"te'], "test"), { code: "invalid_scope" });
  });

  it("setDisabled shuts a user out and lets it in again", async () => {
    const { users, alice } = await withAlice();
    await users.setDisabled(alice.userId, true, "test");
    await assert.rejects(users.authenticate(login), { code: "invalid_grant" });
    await users.setDisabled(alice.userId, false, "test");
    assert.equal((await users.authenticate(login)).userId, alice.userId);
  });

  it("delete frees the name", async () => {
    const { users, alice } = await withAlice();
    await users.delete(alice.userId, "test");
    assert.equal(await users.byId(alice.userId), undefined);
    assert.equal(await users.byUsername("alice"), undefined);
    await users.register(aRegistration(), "test");
  });

  it("loses none of many changes at once", async () => {
    const { users, alice } = await withAlice();
    await Promise.all(Array.from({ length: 10 }, () => users.revokeAllFamilies(alice.userId, "test")));
    assert.equal((await users.byId(alice.userId))?.epoch, alice.epoch + 10);
  });
});

describe("UserService changes that a password proves", () => {
  it("happen once of many at once that prove the same password; the others are refused", async () => {
    const { users, alice } = await withAlice({ config: { limits: { password_queue_ms: 10_000 } } });
    const proof = { password: login.password, credential: alice.credential };
    const wanted = Array.from({ length: 4 }, (_, n) => `another password ${n}`);
    const outcomes = await Promise.allSettled(
      wanted.map((password) => users.setPassword(alice.userId, password, "test", proof)),
    );
    const [happened = "", ...others] = wanted.filter((_, n) => outcomes[n]?.status === "fulfilled");
    assert.deepEqual(others, []);
    await users.authenticate({ ...login, password: happened });
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason.code] : []));
    assert.deepEqual(refused, ["invalid_grant", "invalid_grant", "invalid_grant"]);
    const renaming = users.rename(alice.userId, { username: "alicia" }, "test", proof);
    await assert.rejects(renaming, { code: "invalid_grant" });
    assert.equal(await users.byUsername("alicia"), undefined);
  });

  it("happen when a login made another hash of the same password meanwhile", async () => {
    const { store, clock, alice } = await withAlice();
    const dearer = makeNode({ store, clock, cost: { memoryKib: 16, passes: 1, lanes: 1 } }).users;
    await dearer.authenticate(login);
    const proof = { password: login.password, credential: alice.credential };
    await dearer.setPassword(alice.userId, "another password", "test", proof);
    await dearer.authenticate({ ...login, password: "another password" });
  });
});

describe("UserService.authenticate", () => {
  it("makes a hash of former parameters anew, and leaves the logins alone", async () => {
    const { store, clock, users, alice } = await withAlice();
    const cost = { memoryKib: 16, passes: 1, lanes: 1 };
    const dearer = makeNode({ store, clock, cost }).users;
    await assert.rejects(dearer.authenticate({ ...login, password: "wrong" }), { code: "invalid_grant" });
    assert.equal((await users.byId(alice.userId))?.credential, alice.credential);
    await dearer.authenticate(login);
    const after = await users.byId(alice.userId);
    assert.match(after?.credential ?? "", /m=16,t=1,p=1/);
    assert.equal(after?.epoch, alice.epoch);
    await dearer.authenticate(login);
    assert.deepEqual(await users.byId(alice.userId), after);
  });

  it("lets a login pass whose new hash cannot be written", async () => {
    const { store, clock } = await withAlice();
    const broken = aroundStore(store, (call, run) =>
      call.verb === "swap" && call.key.startsWith("U#")
        ? Promise.reject(new CountersignError("temporarily_unavailable"))
        : run(),
    );
    const dearer = makeNode({ store: broken, clock, cost: { memoryKib: 16, passes: 1, lanes: 1 } }).users;
    assert.equal((await dearer.authenticate(login)).username, "alice");
  });

  it("hides no fault of this program in a login whose new hash cannot be written", async () => {
    const { store, clock } = await withAlice();
    const fault = new TypeError("a fault");
    const broken = aroundStore(store, (call, run) =>
      call.verb === "swap" && call.key.startsWith("U#") ? Promise.reject(fault) : run(),
    );
    const dearer = makeNode({ store: broken, clock, cost: { memoryKib: 16, passes: 1, lanes: 1 } }).users;
    await assert.rejects(dearer.authenticate(login), fault);
  });

  it("takes the password in either normal form", async () => {
    const { users } = makeNode();
    await users.register(aRegistration({ password: "pass\u00E9-partout" }), "test");
    await users.authenticate({ ...login, password: "passe\u0301-partout" });
  });

  it("forgets wrong attempts after a right one", async () => {
    const { users } = await withAlice();
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 4; n++) await assert.rejects(users.authenticate({ ...login, password: "wrong" }));
      await users.authenticate(login);
    }
  });
});

describe("UserService.families", () => {
  it("lists the families that can still be refreshed", async () => {
    const node = await withAlice();
    const { userId, epoch } = node.alice;
    const now = node.clock.now();
    await addFamily(node, { familyId: "live", userId });
    await addFamily(node, { familyId: "idle", userId, idleExpiresAt: now });
    await addFamily(node, { familyId: "revoked", userId, revokedAt: now, revokedBecause: "logout" });
    await addFamily(node, { familyId: "former", userId, userEpoch: epoch - 1 });
    await addFamily(node, { familyId: "other", userId: "user_other" });
    node.clock.jump(1);
    assert.deepEqual(
      (await node.users.families(userId)).map(({ value }) => value.familyId),
      ["live"],
    );
  });
});

describe("UserService.revokeFamily", () => {
  it("revokes one device and keeps its item's owner and expiry", async () => {
    const node = await withAlice();
    const { userId } = node.alice;
    await addFamily(node, { familyId: "f1", userId });
    await addFamily(node, { familyId: "f2", userId });
    const before = await node.store.get<FamilyRecord>(keys.family("f1"));
    await node.users.revokeFamily(userId, "f1", "test");
    const after = await node.store.get<FamilyRecord>(keys.family("f1"));
    assert.deepEqual([after?.owner, after?.expiresAt], [before?.owner, before?.expiresAt]);
    assert.deepEqual([after?.value.revokedAt, after?.value.revokedBecause], [node.clock.now(), "administrator"]);
    assert.deepEqual(
      (await node.users.families(userId)).map(({ value }) => value.familyId),
      ["f2"],
    );
    await node.users.revokeFamily(userId, "f1", "test");
    assert.equal((await node.audit.read({ limit: 10, name: "family.revoked" })).length, 1);
  });

  it("D9 finds no family of another user, and says no more than for none at all", async () => {
    const node = await withAlice();
    await addFamily(node, { familyId: "f1", userId: "user_other" });
    for (const familyId of ["f1", "none"]) {
      await assert.rejects(node.users.revokeFamily(node.alice.userId, familyId, "test"), { code: "not_found" });
    }
    assert.equal((await node.store.get<FamilyRecord>(keys.family("f1")))?.value.revokedAt, undefined);
  });

  it("wins against a device that refreshes all the time", async () => {
    const node = await withAlice();
    const { userId } = node.alice;
    await addFamily(node, { familyId: "f1", userId });
    let refreshes = 0;
    const busy = aroundStore(node.store, async (call, run) => {
      const result = await run();
      if (call.verb === "get" && call.key === keys.family("f1") && refreshes++ < 5) {
        const item = await node.store.get<FamilyRecord>(call.key);
        assert.ok(item);
        const { version, key, ...draft } = item;
        await node.store.swap(key, version, { ...draft, value: { ...item.value, generation: refreshes } });
      }
      return result;
    });
    await makeNode({ store: busy, clock: node.clock, seed: 2 }).users.revokeFamily(userId, "f1", "test");
    const family = (await node.store.get<FamilyRecord>(keys.family("f1")))?.value;
    assert.deepEqual([family?.generation, family?.revokedAt], [5, node.clock.now()]);
  });
});

describe("UserService.list", () => {
  it("pages in the order of the ids, each user once", async () => {
    const { users } = makeNode();
    for (const username of ["a1", "b2", "c3", "d4", "e5"]) await users.register(aRegistration({ username }), "test");
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await users.list({ limit: 2, ...(after === undefined ? {} : { after }) });
      seen.push(...page.map(({ userId }) => userId));
      after = page.at(-1)?.userId;
      if (page.length < 2) break;
    }
    assert.equal(seen.length, 5);
    assert.deepEqual(seen, [...new Set(seen)].sort());
  });

  it("searches names and ids in any case, and goes on after a hit", async () => {
    const { users, alice } = await withAlice();
    await users.register(aRegistration({ username: "bob", fullName: "Bob ALICEson" }), "test");
    await users.register(aRegistration({ username: "carol", fullName: "Carol" }), "test");
    const found = await users.list({ limit: 10, search: "aLiCe" });
    assert.deepEqual(found.map(({ username }) => username).sort(), ["alice", "bob"]);
    assert.deepEqual(await users.list({ limit: 10, search: alice.userId }), [alice]);
    const [first, ...rest] = found;
    assert.deepEqual(await users.list({ limit: 10, search: "alice", after: first?.userId ?? "" }), rest);
    assert.deepEqual(await users.list({ limit: 10, search: "nobody" }), []);
  });
});

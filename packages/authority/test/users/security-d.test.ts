import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { argon2id, type DeriveInput } from "../../src/limits/passwords.ts";
import { keys, owners } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { UserRecord } from "../../src/store/records.ts";
import type { Store } from "../../src/store/store.ts";
import { prepareFirstStart } from "../../src/users/first-start.ts";
import { createInvitations } from "../../src/users/invitations.ts";
import { openAt, storePath } from "../store/stores.ts";
import { aroundStore } from "./around-store.ts";
import { aRegistration, leastCost, makeNode, type Node } from "./world.ts";

/** One row of the catalogue: what is done, and what must come of it. */
interface Row {
  readonly id: string;
  readonly name: string;
  readonly build: (node: Node) => Promise<unknown>;
  readonly expect: unknown;
}

const login = { username: "alice", password: "correct horse battery", clientId: "app" };
const register = (node: Node, fields: Parameters<typeof aRegistration>[0] = {}) =>
  node.users.register(aRegistration(fields), "test");

/** The code of a refusal; anything else is an error of the test. */
async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof CountersignError, String(error));
    return error.code;
  }
}

/** How many of the actions ended how. */
async function tally(actions: readonly Promise<unknown>[]): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const code of await Promise.all(actions.map(codeOf))) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

/** Other nodes on the same store, whose calls give way to each other. */
function nodesOn({ store, clock }: Node, count: number): readonly Node[] {
  const slow = aroundStore(store, async (_, run) => {
    await new Promise(setImmediate);
    return run();
  });
  const config = { limits: { password_queue_ms: 10_000, password_parallel: 64 } };
  return Array.from({ length: count }, (_, seed) => makeNode({ store: slow, clock, config, seed: `node ${seed}` }));
}

function onNodes(nodes: readonly Node[], count: number, act: (node: Node, index: number) => Promise<unknown>) {
  return Array.from({ length: count }, (_, index) => {
    const node = nodes[index % nodes.length];
    assert.ok(node);
    return act(node, index);
  });
}

const spellings = ["Alice", "ALICE", "ａｌｉｃｅ", "AL\u0131CE", "𝐚𝐥𝐢𝐜𝐞"];

/** Text that is code somewhere: it must come back as it went in. */
const hostileText = [
  "'; DROP TABLE item; --",
  `" OR ""="`,
  "1; UPDATE item SET value='{}'",
  "Robert'); DELETE FROM item WHERE ('1'='1",
  "%' OR 1=1 /*",
  "\\'; --",
  "%{jndi:ldap://x}",
  "{{7*7}}",
  "<script>alert(1)</script>",
  '{"$ne":null}',
  ":v",
  "#a",
  "attribute_not_exists(pk)",
  "SIZE",
  "__proto__",
  "constructor",
  "null",
  "undefined",
  "U#admin_id",
  "A\u0000B".replace("\u0000", "\u2400"),
  "𝕿𝖍𝖊 𝖖𝖚𝖎𝖈𝖐",
  "田中さんにあげて下さい",
  "🏳️‍🌈 éa̐",
];

/** Names that mean something to a key or an expression, as far as they can be usernames. */
const hostileNames = ["x#u#admin", "u#", "#a", ":v", "size", "a/../b", "%55%23admin", "'or'1'='1", "__proto__", "null"];

const rows: readonly Row[] = [
  {
    id: "D1",
    name: "one account answers to every spelling of its name",
    build: async (node) => {
      const { userId } = await register(node);
      const found = await Promise.all(spellings.map((name) => node.users.byUsername(name)));
      return found.every((user) => user?.userId === userId);
    },
    expect: true,
  },
  {
    id: "D2",
    name: "100 parallel registrations of one normal form on four nodes",
    build: async (node) => {
      const spelling = (index: number) => spellings[index % spellings.length] ?? "";
      const counts = await tally(onNodes(nodesOn(node, 4), 100, (one, n) => register(one, { username: spelling(n) })));
      return { counts, users: (await node.users.list({ limit: 200 })).length };
    },
    expect: { counts: { accepted: 1, already_exists: 99 }, users: 1 },
  },
  {
    id: "D2",
    name: "100 parallel registrations of 50 names: each name has one owner",
    build: async (node) => {
      const nodes = nodesOn(node, 4);
      const counts = await tally(onNodes(nodes, 100, (one, n) => register(one, { username: `user${n % 50}` })));
      return { counts, users: (await node.users.list({ limit: 200 })).length };
    },
    expect: { counts: { accepted: 50, already_exists: 50 }, users: 50 },
  },
  {
    id: "D3",
    name: "wrong attempts under variants of a name count together; malformed variants reach no account",
    build: async (node) => {
      await register(node);
      const wrong = [...spellings, "alice ", "al\u200Bice", "\u202Ealice"];
      const attempts = await tally(
        wrong.map((username) => node.users.authenticate({ ...login, username, password: "wrong password" })),
      );
      return { attempts, right: await codeOf(node.users.authenticate(login)) };
    },
    expect: { attempts: { invalid_grant: 8 }, right: "invalid_grant" },
  },
  {
    id: "D4",
    name: "20 users who all want one name: one gets it, all keep a name they can log in with",
    build: async (node) => {
      const users = await Promise.all(
        Array.from({ length: 20 }, (_, n) => register(nodeOf(node, n), { username: `user${n}` })),
      );
      const counts = await tally(
        onNodes(nodesOn(node, 4), 20, (one, n) =>
          one.users.rename(users[n]?.userId ?? "", { username: "wanted" }, "test"),
        ),
      );
      const stored = await Promise.all(users.map(({ userId }) => node.users.byId(userId)));
      const logins = await tally(
        stored.map((user) => node.users.authenticate({ ...login, username: user?.username ?? "" })),
      );
      return { counts, logins };
    },
    expect: { counts: { accepted: 1, already_exists: 19 }, logins: { accepted: 20 } },
  },
  {
    id: "D4",
    name: "a name that was left goes to one of many who register it, and the old owner cannot log in with it",
    build: async (node) => {
      const { userId } = await register(node);
      const renamed = await node.users.rename(userId, { username: "former" }, "test");
      const counts = await tally(
        onNodes(nodesOn(node, 4), 20, (one, n) => register(one, { password: `another password ${n}` })),
      );
      const asOld = await codeOf(node.users.authenticate(login));
      const asNew = await node.users.authenticate({ ...login, username: "former" });
      return { counts, asOld, sameUser: asNew.userId === userId, sameEpoch: asNew.epoch === renamed.epoch };
    },
    expect: {
      counts: { accepted: 1, already_exists: 19 },
      asOld: "invalid_grant",
      sameUser: true,
      sameEpoch: true,
    },
  },
  {
    id: "D5",
    name: "passwords that nobody can have are refused before they are hashed, when set and when tried",
    build: async () => {
      let hashes = 0;
      const derive = (input: DeriveInput) => {
        hashes += 1;
        return argon2id(input);
      };
      const node = makeNode({ derive });
      const { userId } = await register(node);
      hashes = 0;
      const impossible = ["", "short", "x".repeat(1025), "x".repeat(1_048_576), "NUL\0inside", "\uD800 surrogate"];
      const set = await tally(impossible.map((password) => node.users.setPassword(userId, password, "test")));
      const registered = await tally(
        impossible.map((password, n) => register(node, { username: `user${n}`, password })),
      );
      return { set, registered, hashes };
    },
    expect: { set: { invalid_password: 6 }, registered: { invalid_password: 6 }, hashes: 0 },
  },
  {
    id: "D5",
    name: "passwords that differ after 72 bytes are different passwords",
    build: async (node) => {
      const password = `${"x".repeat(100)}1`;
      await register(node, { password });
      return codeOf(node.users.authenticate({ ...login, password: `${"x".repeat(100)}2` }));
    },
    expect: "invalid_grant",
  },
  {
    id: "D6",
    name: "registering a name that is taken costs as many hashes as one that is free",
    build: async () => {
      const hashes: number[] = [];
      const node = makeNode({
        derive: (input) => {
          hashes.push(input.cost.memoryKib * input.cost.passes);
          return argon2id(input);
        },
      });
      const outcomes = [await codeOf(register(node)), await codeOf(register(node))];
      return { outcomes, hashes };
    },
    expect: { outcomes: ["accepted", "already_exists"], hashes: [leastCost.memoryKib, leastCost.memoryKib] },
  },
  {
    id: "D7",
    name: "members that a registration does not have are not taken over",
    build: async (node) => {
      const hostile = { ...aRegistration(), userId: "admin_id", epoch: 9, disabled: true, createdAt: 0, isAdmin: true };
      const { userId, epoch, disabled, createdAt, ...rest } = await node.users.register(hostile, "test");
      return {
        isGenerated: userId.startsWith("user_"),
        epoch,
        disabled,
        isNow: createdAt > 0,
        rest: Object.keys(rest),
      };
    },
    expect: {
      isGenerated: true,
      epoch: 1,
      disabled: false,
      isNow: true,
      rest: ["username", "fullName", "credential", "scopes", "incarnation"],
    },
  },
  {
    id: "D9",
    name: "what is not there and what is another's are refused alike",
    build: async (node) => {
      const { userId } = await register(node);
      const missing = ["user_none", "", "x".repeat(5000), "../admin_id", "\uD800", "U#admin_id"];
      return {
        found: (await Promise.all(missing.map((id) => node.users.byId(id)))).filter(Boolean).length,
        clients: (await Promise.all(missing.map((id) => node.clients.byId(id)))).filter(Boolean).length,
        families: await tally(missing.map((id) => node.users.revokeFamily(userId, id, "test"))),
        users: await tally(missing.map((id) => node.users.revokeFamily(id, "f1", "test"))),
        after: await tally(missing.slice(1).map((after) => node.users.list({ limit: 1, after }))),
      };
    },
    expect: {
      found: 0,
      clients: 0,
      families: { not_found: 6 },
      users: { not_found: 6 },
      after: { invalid_request: 5 },
    },
  },
  {
    id: "D14",
    name: "the administrator's password is in no record, no event and no item",
    build: async (node) => {
      const { adminPassword = "", confirmShown } = await prepareFirstStart(node);
      await confirmShown();
      const listed = await Promise.all(
        [owners.users(), owners.clients(), owners.auditStreams()].map((owner) =>
          node.store.list(owner, { limit: 100 }),
        ),
      );
      const trail = await node.audit.read({ limit: 100 });
      const everything = JSON.stringify([listed, trail, node.events, await node.store.get(keys.bootstrap())]);
      return { length: adminPassword.length, isKept: everything.includes(adminPassword) };
    },
    expect: { length: 32, isKept: false },
  },
  {
    id: "D15",
    name: "text that is code somewhere is stored and searched literally",
    build: async (node) => {
      const changed: string[] = [];
      for (const [n, text] of hostileText.entries()) {
        const user = await register(node, { username: `user${n}`, fullName: text, password: `${text} password` });
        const { client } = await node.clients.create(
          {
            clientName: text,
            scopes: [],
            grants: [],
            loopback: false,
            authMethod: "none",
            token: {},
            disabled: false,
          },
          text,
        );
        const stored = await node.users.byId(user.userId);
        const found = await node.users.list({ limit: 100, search: text });
        const isSame = stored?.fullName === text.normalize("NFC") && client.clientName === text.normalize("NFC");
        const isFound = found.some(({ userId }) => userId === user.userId);
        await node.users.authenticate({ ...login, username: `user${n}`, password: `${text} password` });
        if (!isSame || !isFound) changed.push(text);
      }
      return { changed, users: (await node.users.list({ limit: 100 })).length };
    },
    expect: { changed: [], users: hostileText.length },
  },
  {
    id: "D16/D17",
    name: "a name reaches into no other key, and means nothing to an expression",
    build: async (node) => {
      const { adminPassword = "", confirmShown } = await prepareFirstStart(node);
      await confirmShown();
      const made = await tally(hostileNames.map((username) => register(node, { username })));
      const found = await Promise.all(hostileNames.map((name) => node.users.byUsername(name)));
      const own = hostileNames.map((name) => keys.username(name));
      return {
        made,
        isOwn: found.every((user, n) => user?.username === hostileNames[n]),
        keysApart: new Set(own).size === hostileNames.length && own.every((key) => /^UN#[^#]+$/.test(key)),
        admin: await codeOf(node.users.authenticate({ ...login, username: "admin", password: adminPassword })),
      };
    },
    expect: { made: { accepted: hostileNames.length }, isOwn: true, keysApart: true, admin: "accepted" },
  },
  {
    id: "D16",
    name: "a name of 2,049 bytes is refused before the store",
    build: async ({ clock, store }) => {
      let calls = 0;
      const counted = aroundStore(store, (_, run) => {
        calls += 1;
        return run();
      });
      const node = makeNode({ clock, store: counted });
      const codes = await tally([
        register(node, { username: "x".repeat(2049) }),
        register(node, { username: "a\0b" }),
        node.users.byUsername("x".repeat(2049)),
        node.users.rename("x".repeat(2049), { username: "b" }, "test"),
      ]);
      return { codes, calls };
    },
    expect: { codes: { invalid_username: 3, not_found: 1 }, calls: 0 },
  },
];

function nodeOf({ store, clock }: Node, seed: number): Node {
  return makeNode({ store, clock, seed });
}

const engines: readonly {
  readonly engine: string;
  readonly open: (clock: FakeClock, context: TestContext) => Promise<Store>;
}[] = [
  { engine: "memory", open: async (clock) => createMemoryStore({ clock }) },
  { engine: "SQLite", open: (clock, context) => openAt(storePath(context), context, { clock }) },
];

for (const { engine, open } of engines) {
  describe(`section D: users, clients, administration, on ${engine}`, () => {
    for (const { id, name, build, expect } of rows) {
      it(`${id} ${name}`, async (context) => {
        const clock = new FakeClock();
        const node = makeNode({ clock, store: await open(clock, context) });
        assert.deepEqual(await build(node), expect);
      });
    }
  });
}

/** Every change an administrator can make, and the one record it leaves. */
const changes: readonly {
  readonly event: string;
  readonly act: (node: Node, made: { readonly userId: string; readonly clientId: string }) => Promise<unknown>;
}[] = [
  { event: "user.registered", act: (node) => register(node, { username: "bob" }) },
  { event: "user.changed", act: ({ users }, { userId }) => users.rename(userId, { username: "bob" }, "test") },
  { event: "user.changed", act: ({ users }, { userId }) => users.setPassword(userId, "another password", "test") },
  { event: "user.changed", act: ({ users }, { userId }) => users.setScopes(userId, ["x"], "test") },
  { event: "user.changed", act: ({ users }, { userId }) => users.setDisabled(userId, true, "test") },
  { event: "user.changed", act: ({ users }, { userId }) => users.revokeAllFamilies(userId, "test") },
  { event: "user.deleted", act: ({ users }, { userId }) => users.delete(userId, "test") },
  { event: "family.revoked", act: ({ users }, { userId }) => users.revokeFamily(userId, "f1", "test") },
  { event: "client.created", act: ({ clients }) => clients.create(aClient("second"), "test") },
  { event: "client.changed", act: ({ clients }, { clientId }) => clients.update(clientId, { scopes: ["x"] }, "test") },
  { event: "client.changed", act: ({ clients }, { clientId }) => clients.rotateSecret(clientId, 0, "test") },
  { event: "client.deleted", act: ({ clients }, { clientId }) => clients.delete(clientId, "test") },
  { event: "invitation.created", act: (node) => createInvitations(node).create(3_600_000, "test") },
];

function aClient(clientId: string) {
  return {
    clientId,
    clientName: "App",
    scopes: [],
    grants: [],
    loopback: false,
    authMethod: "client_secret_basic" as const,
    token: {},
    disabled: false,
  };
}

describe("section D: the audit trail", () => {
  for (const [index, { event, act }] of changes.entries()) {
    it(`D18 ${event} (${index}): one record a change, before the answer`, async () => {
      const node = makeNode();
      const made = await makeSubjects(node);
      const before = (await node.audit.read({ limit: 100 })).length;
      await act(node, made);
      const records = await node.audit.read({ limit: 100 });
      assert.equal(records.length, before + 1);
      assert.equal(records[0]?.name, event);
      assert.ok(records[0] !== undefined && "actor" in records[0].fields && records[0].fields.actor === "test");
    });

    it(`D18 ${event} (${index}): no change when it cannot be recorded`, async () => {
      const { clock, store } = makeNode();
      const made = await makeSubjects(makeNode({ clock, store }));
      const before = await snapshot(store, made);
      const full = aroundStore(store, (call, run) =>
        call.keys?.some((key) => key.startsWith("A#"))
          ? Promise.reject(new CountersignError("temporarily_unavailable"))
          : run(),
      );
      assert.equal(await codeOf(act(makeNode({ clock, store: full, seed: 2 }), made)), "temporarily_unavailable");
      assert.deepEqual(await snapshot(store, made), before);
    });
  }
});

async function makeSubjects(node: Node): Promise<{ readonly userId: string; readonly clientId: string }> {
  const { userId } = await register(node);
  await node.clients.create(aClient("app"), "test");
  const now = node.clock.now();
  const family = { familyId: "f1", userId, userEpoch: 1, idleExpiresAt: now + 1e6, absoluteExpiresAt: now + 1e6 };
  await node.store.swap(keys.family("f1"), 0, { value: family, owner: owners.familiesOf(userId) });
  return { userId, clientId: "app" };
}

/** What users and clients there are, and which names lead to them. */
async function snapshot(store: Store, { userId }: { readonly userId: string }) {
  const node = makeNode({ store });
  const families = await store.list(owners.familiesOf(userId), { limit: 10 });
  const users = await store.list<UserRecord>(owners.users(), { limit: 10 });
  const clients = await store.list(owners.clients(), { limit: 10 });
  const invitations = await store.list(owners.invitations(), { limit: 10 });
  const names = await Promise.all(["alice", "bob"].map((name) => node.users.byUsername(name)));
  return { users, clients, families, invitations, names };
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { keys, owners } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { UserRecord } from "../../src/store/records.ts";
import type { Store } from "../../src/store/store.ts";
import { prepareFirstStart } from "../../src/users/first-start.ts";
import { administrator } from "../../src/users/user-items.ts";
import { type Around, aroundStore } from "./around-store.ts";
import { type Actor, everything, explore, type Outcome } from "./explore.ts";
import { aMachine, aRegistration, makeNode, type Node } from "./world.ts";

const adminId = administrator.userId;
const login = { username: "admin", clientId: "loopback" };

/** After the eighth call the first node has made the administrator; the rest takes minutes. */
const crashes = process.env.COUNTERSIGN_LONG_TESTS === "1" ? [8, 9, Number.POSITIVE_INFINITY] : [2, 5, 8];

/** One node's first start, to the password it has shown. */
async function start(node: Node): Promise<string | undefined> {
  const { adminPassword, confirmShown } = await prepareFirstStart(node);
  await confirmShown();
  return adminPassword;
}

/** Another way to become superuser, without which the administrator cannot be removed. */
function addAnother({ clients }: Node) {
  return clients.create(aMachine(), "test");
}

describe("prepareFirstStart", () => {
  it("D14 makes the administrator and the loopback client, and a password of 32 characters", async () => {
    const node = makeNode();
    const password = await start(node);
    assert.match(password ?? "", /^[A-Za-z0-9_-]{32}$/);
    const admin = await node.users.authenticate({ ...login, password: password ?? "" });
    const { userId, username, fullName, scopes, disabled } = admin;
    assert.deepEqual(
      { userId, username, fullName, scopes, disabled },
      { userId: "admin_id", username: "admin", fullName: "Administrator", scopes: ["superuser"], disabled: false },
    );
    const { createdAt, incarnation, ...loopback } = (await node.clients.byId("loopback")) ?? {};
    assert.deepEqual(loopback, {
      clientId: "loopback",
      clientName: "loopback",
      scopes: ["superuser"],
      grants: ["password"],
      loopback: true,
      disabled: false,
      authMethod: "none",
      token: {},
      secrets: [],
    });
  });

  it("D14 shows no password on a second start, and changes nothing", async () => {
    const node = makeNode();
    const password = await start(node);
    const before = await node.users.byId(adminId);
    assert.equal(await start(node), undefined);
    assert.equal(await start(makeNode({ store: node.store, clock: node.clock, seed: 2 })), undefined);
    assert.deepEqual(await node.users.byId(adminId), before);
    await node.users.authenticate({ ...login, password: password ?? "" });
  });

  it("D14 makes a new password when a start crashed before it was shown; the old one is void", async () => {
    const node = makeNode();
    const { adminPassword: lost } = await prepareFirstStart(node);
    const next = makeNode({ store: node.store, clock: node.clock, seed: 2 });
    const started = start(next);
    await node.clock.advance(5250);
    const password = await started;
    assert.notEqual(password, lost);
    await node.users.authenticate({ ...login, password: password ?? "" });
    await assert.rejects(node.users.authenticate({ ...login, password: lost ?? "" }), { code: "invalid_grant" });
  });

  it("D14 waits for nobody after a crash when nobody else can write to the store", async () => {
    const { store, clock } = makeWorld();
    const { adminPassword: lost } = await prepareFirstStart(makeNode({ store, clock }));
    const next = makeNode({ store: { ...aroundStore(store, (_, run) => run()), exclusive: true }, clock, seed: 2 });
    const password = await start(next);
    await next.users.authenticate({ ...login, password: password ?? "" });
    await assert.rejects(next.users.authenticate({ ...login, password: lost ?? "" }), { code: "invalid_grant" });
  });

  it("D14 tells a start that was overtaken that its password is void", async () => {
    const node = makeNode();
    const slow = await prepareFirstStart(node);
    const started = start(makeNode({ store: node.store, clock: node.clock, seed: 2 }));
    await node.clock.advance(5250);
    await started;
    await assert.rejects(slow.confirmShown(), { code: "conflict" });
  });

  it("D14 waits 5 s at most for a crashed start whose clock was an hour ahead", async () => {
    const { store, clock } = makeWorld();
    await prepareFirstStart(makeNode({ store, clock: new FakeClock(clock.now() + 3_600_000) }));
    const started = start(makeNode({ store, clock, seed: 2 }));
    for (let poll = 0; poll <= 20; poll++) await clock.advance(250);
    assert.equal((await started)?.length, 32);
  });

  it("D14 does not bring back an administrator or client that was removed since", async () => {
    const node = makeNode();
    await start(node);
    await addAnother(node);
    await node.users.delete(adminId, "test");
    await node.clients.delete("loopback", "test");
    assert.equal(await start(node), undefined);
    assert.equal(await node.users.byId(adminId), undefined);
    assert.equal(await node.clients.byId("loopback"), undefined);
  });

  it("D14 has one winner of twenty nodes that start at once", async () => {
    const clock = new FakeClock();
    const store = aroundStore(createMemoryStore({ clock }), async (_, run) => {
      await new Promise(setImmediate);
      return run();
    });
    const nodes = Array.from({ length: 20 }, (_, seed) => makeNode({ clock, store, seed }));
    const all = Promise.all(nodes.map(start));
    for (let poll = 0; poll < 20; poll++) await clock.advance(250);
    const shown = (await all).filter((password) => password !== undefined);
    assert.equal(shown.length, 1);
    await nodes[0]?.users.authenticate({ ...login, password: shown[0] ?? "" });
    assert.equal((await store.list(owners.clients(), { limit: 10 })).length, 1);
    assert.equal((await store.list(owners.users(), { limit: 10 })).length, 1);
  });

  it("D14 ends, after a crash before any call, with one password that works", async () => {
    for (let crashAfter = 0; crashAfter < 20; crashAfter++) {
      const { store, clock } = makeWorld();
      const crashing = makeNode({ store: aroundStore(store, crashAt(crashAfter)), clock });
      await start(crashing).catch(assertCrash);
      const next = makeNode({ store, clock, seed: 2 });
      const started = start(next);
      await clock.advance(5250);
      const password = await started;
      if (password === undefined) continue;
      await next.users.authenticate({ ...login, password });
      assert.notEqual(await next.clients.byId("loopback"), undefined);
    }
  });

  it("D14 shows one password that works, under every interleaving of two nodes that sleep and crash", async () => {
    for (const crashAfter of crashes) {
      const schedules = await explore(async () => {
        const world = await makeExploredWorld();
        return {
          actors: [makeActor(world, 1, crashAfter), makeActor(world, 2)],
          always: async () => {},
          finally: (outcomes) => assertOnePassword(world, outcomes),
        };
      });
      assert.ok(schedules > 3, "nothing was interleaved");
    }
  });
});

interface World {
  readonly store: Store;
  readonly clock: FakeClock;
}

function makeWorld(): World {
  const clock = new FakeClock();
  return { clock, store: createMemoryStore({ clock }) };
}

/** A world that has the loopback client already, to leave fewer steps to interleave. */
async function makeExploredWorld(): Promise<World> {
  const world = makeWorld();
  await world.store.swap(keys.client("loopback"), 0, { value: {} });
  return world;
}

/** A node whose waiting is a step that takes as long as a hold lasts; it gives up after one. */
function makeActor({ store, clock }: World, seed: number, crashAfter?: number): Actor {
  return {
    run: (around) => {
      let sleeps = 0;
      const sleepy = Object.assign(Object.create(clock), {
        now: () => clock.now(),
        sleep: () =>
          sleeps++ < 1
            ? around({ verb: "swap", key: everything }, async () => clock.jump(5001))
            : Promise.reject(new CountersignError("temporarily_unavailable")),
      });
      const node = makeNode({ store: aroundStore(store, around), clock: sleepy, seed });
      return start(node);
    },
    ...(crashAfter === undefined ? {} : { crashAfter }),
  };
}

/** Whatever was shown and confirmed is the administrator's password; if nothing was, the next start shows one. */
async function assertOnePassword({ store, clock }: World, outcomes: readonly Outcome[]): Promise<void> {
  const node = makeNode({ store, clock, seed: 99 });
  const shown = outcomes.flatMap((outcome) => (outcome.ended === "value" ? [outcome.value] : []));
  const passwords = shown.filter((value) => typeof value === "string");
  assert.ok(passwords.length <= 1, "two passwords were shown");
  clock.jump(5001);
  const last = await start(node);
  if (last !== undefined) passwords.push(last);
  assert.equal(passwords.length, 1, "no password was shown");
  const admin = (await store.get<UserRecord>(keys.user(adminId)))?.value;
  assert.equal(await node.passwords.verify(passwords[0] ?? "", admin?.credential), true);
}

class Crash extends Error {}

function crashAt(after: number): Around {
  let calls = 0;
  return (_, run) => (calls++ < after ? run() : Promise.reject(new Crash()));
}

function assertCrash(error: unknown): void {
  assert.ok(error instanceof Crash, String(error));
}

describe("the administrator's name", () => {
  it("D14 goes to nobody else, before the first start and after", async () => {
    const node = makeNode();
    const { userId } = await node.users.register(aRegistration(), "test");
    const attempts = [
      () => node.users.register(aRegistration({ username: "ＡＤＭＩＮ" }), "test"),
      () => node.users.rename(userId, { username: "Adm\u0131n" }, "test"),
    ];
    for (const attempt of attempts) await assert.rejects(attempt, { code: "already_exists" });
    await start(node);
    await addAnother(node);
    await node.users.delete(adminId, "test");
    for (const attempt of attempts) await assert.rejects(attempt, { code: "already_exists" });
  });

  it("D14 can be changed by the administrator, and taken back", async () => {
    const node = makeNode();
    await start(node);
    await node.users.rename(adminId, { username: "root" }, "test");
    assert.equal((await node.users.rename(adminId, { username: "admin" }, "test")).username, "admin");
  });
});

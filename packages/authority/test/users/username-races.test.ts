import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { keys, owners } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { UsernameRecord, UserRecord } from "../../src/store/records.ts";
import type { Store } from "../../src/store/store.ts";
import type { UserService } from "../../src/users/user-service.ts";
import { aroundStore } from "./around-store.ts";
import { type Actor, explore, type Outcome, type Scenario } from "./explore.ts";
import { aRegistration, makeNode } from "./world.ts";

/** Who acts on the users, each on a node of its own. */
type Act = (users: UserService) => Promise<unknown>;

interface Race {
  readonly id: string;
  /** User ids and names that are there before: `x` is named `a`. */
  readonly users: Readonly<Record<string, string>>;
  readonly acts: readonly Act[];
  /** What holds when all acts have ended, crashed ones not counted. */
  readonly check?: (outcomes: readonly Outcome[], world: World) => Promise<void> | void;
}

interface World {
  readonly store: Store;
  readonly clock: FakeClock;
}

const register =
  (username: string): Act =>
  (users) =>
    users.register(aRegistration({ username }), "test");
const rename =
  (userId: string, username: string): Act =>
  (users) =>
    users.rename(userId, { username }, "test");
const remove =
  (userId: string): Act =>
  (users) =>
    users.delete(userId, "test");
const setScopes =
  (userId: string): Act =>
  (users) =>
    users.setScopes(userId, ["read"], "test");

const races: readonly Race[] = [
  {
    id: "two registrations of one name",
    users: {},
    acts: [register("Alice"), register("ＡＬＩＣＥ")],
    check: (outcomes) => assert.equal(succeeded(outcomes), 1),
  },
  {
    id: "two users renamed to one name",
    users: { x: "a", y: "b" },
    acts: [rename("x", "c"), rename("y", "c")],
    check: (outcomes) => assert.equal(succeeded(outcomes), 1),
  },
  {
    id: "one user renamed to two names",
    users: { x: "a" },
    acts: [rename("x", "b"), rename("x", "c")],
    check: (outcomes) => assert.equal(succeeded(outcomes), 2),
  },
  {
    id: "one user renamed to one name twice",
    users: { x: "a" },
    acts: [rename("x", "b"), rename("x", "b")],
    check: (outcomes) => assert.equal(succeeded(outcomes), 2),
  },
  {
    id: "a name taken while its owner leaves it",
    users: { x: "a" },
    acts: [rename("x", "b"), register("a")],
    check: (outcomes) => assert.equal(outcomes[0]?.ended, "value"),
  },
  {
    id: "two users who swap their names",
    users: { x: "a", y: "b" },
    acts: [rename("x", "b"), rename("y", "a")],
  },
  {
    id: "a user renamed away and back",
    users: { x: "a" },
    acts: [
      rename("x", "b"),
      async (users) => [
        await users.rename("x", { username: "c" }, "t"),
        await users.rename("x", { username: "a" }, "t"),
      ],
    ],
  },
  {
    id: "a user renamed and deleted",
    users: { x: "a" },
    acts: [rename("x", "b"), remove("x")],
    check: async (outcomes, { store }) => {
      assert.equal(outcomes[1]?.ended, "value");
      assert.equal(await store.get(keys.user("x")), undefined);
    },
  },
  {
    id: "a name registered while its owner is deleted",
    users: { x: "a" },
    acts: [remove("x"), register("a")],
    check: (outcomes) => assert.equal(outcomes[0]?.ended, "value"),
  },
  {
    id: "a user renamed and changed",
    users: { x: "a" },
    acts: [rename("x", "b"), setScopes("x")],
    check: async (outcomes, { store }) => {
      assert.equal(succeeded(outcomes), 2);
      const user = (await store.get<UserRecord>(keys.user("x")))?.value;
      assert.deepEqual([user?.username, user?.scopes], ["b", ["read"]]);
    },
  },
];

describe("usernames under every interleaving", () => {
  for (const race of races) {
    it(`${race.id}: no name has two owners and no user loses its name`, async () => {
      const schedules = await explore(() => makeScenario(race, {}));
      assert.ok(schedules > 1, "nothing was interleaved");
    });

    it(`${race.id}: nor when a node crashes between any two steps; every free name can be had again`, async () => {
      for (let crashAfter = 0; crashAfter < maxCalls; crashAfter++) {
        await explore(() => makeScenario(race, { crashAfter }));
      }
    });
  }
});

/** No act takes more calls than this without a race. */
const maxCalls = 12;

interface Trouble {
  /** The first actor crashes after so many calls. */
  readonly crashAfter?: number;
}

async function makeScenario(race: Race, { crashAfter }: Trouble): Promise<Scenario> {
  const world = await makeWorld(race.users);
  const actors = race.acts.map(
    (act, index): Actor => ({
      run: (around) => act(nodeOf(world, aroundStore(world.store, around), index)),
      ...(index === 0 && crashAfter !== undefined ? { crashAfter } : {}),
    }),
  );
  return {
    actors,
    always: () => assertOwnership(world.store),
    finally: async (outcomes: readonly Outcome[]) => {
      for (const outcome of outcomes) assertExpected(outcome);
      if (crashAfter === undefined) await race.check?.(outcomes, world);
      await assertNamesCanBeHad(world);
    },
  };
}

async function makeWorld(users: Race["users"]): Promise<World> {
  const clock = new FakeClock();
  const store = createMemoryStore({ clock });
  for (const [userId, username] of Object.entries(users)) {
    const user = {
      userId,
      username,
      fullName: "X",
      credential: "",
      scopes: [],
      disabled: false,
      createdAt: 0,
      epoch: 1,
      incarnation: userId,
    };
    await store.swap<UserRecord>(keys.user(userId), 0, { value: user, owner: owners.users() });
    await store.swap<UsernameRecord>(keys.username(username), 0, { value: { userId } });
  }
  return { store, clock };
}

function nodeOf({ clock }: World, store: Store, seed: number): UserService {
  return makeNode({ clock, store, seed: `node ${seed}` }).users;
}

/** Every user holds the name that it bears, and no name is held by anybody else: none has two owners, none is lost. */
async function assertOwnership(store: Store): Promise<void> {
  const users = (await store.list<UserRecord>(owners.users(), { limit: 100 })).map(({ value }) => value);
  for (const username of ["alice", "a", "b", "c"]) {
    const holder = (await store.get<UsernameRecord>(keys.username(username)))?.value.userId;
    const bearers = users.filter((user) => user.username === username).map(({ userId }) => userId);
    assert.deepEqual(bearers, holder === undefined ? [] : [holder], username);
  }
}

/** Whatever crashed, every name that nobody bears can be had at once. */
async function assertNamesCanBeHad(world: World): Promise<void> {
  const { store } = world;
  const users = nodeOf(world, store, 99);
  const borne = (await store.list<UserRecord>(owners.users(), { limit: 100 })).map(({ value }) => value.username);
  for (const username of ["alice", "a", "b", "c"]) {
    const registration = users.register(aRegistration({ username }), "test");
    if (borne.includes(username)) await assert.rejects(registration, { code: "already_exists" });
    else await registration;
  }
  await assertOwnership(store);
}

const refusals: ReadonlySet<string> = new Set(["already_exists", "conflict", "not_found"]);

function assertExpected(outcome: Outcome): void {
  if (outcome.ended !== "error") return;
  assert.ok(outcome.error instanceof CountersignError && refusals.has(outcome.error.code), String(outcome.error));
}

function succeeded(outcomes: readonly Outcome[]): number {
  return outcomes.filter(({ ended }) => ended === "value").length;
}

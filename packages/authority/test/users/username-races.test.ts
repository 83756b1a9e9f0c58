import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { keys, owners } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { UsernameClaim, UserRecord } from "../../src/store/records.ts";
import type { Store } from "../../src/store/store.ts";
import { abandonedAfterMs, claimUsername } from "../../src/users/username-claims.ts";
import type { UserService } from "../../src/users/users.ts";
import { aroundStore } from "./around-store.ts";
import { type Actor, everything, explore, type Outcome, type Scenario } from "./explore.ts";
import { aRegistration, makeNode } from "./world.ts";

/** Who acts on the users, each on a node of its own. */
type Act = (users: UserService) => Promise<unknown>;

interface Race {
  readonly id: string;
  /** User ids and names that are there before: `x` is named `a`. */
  readonly users: Readonly<Record<string, string>>;
  readonly acts: readonly Act[];
  /** Has too many schedules to try them with sleeping nodes every time. */
  readonly isLong?: boolean;
  /** What holds when all acts have ended, crashed ones not counted. */
  readonly check?: (outcomes: readonly Outcome[], world: World) => Promise<void> | void;
}

interface World {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly audit: Store;
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
    isLong: true,
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

/** Tries everything together: minutes instead of seconds. */
const tryAll = process.env.COUNTERSIGN_LONG_TESTS === "1";

describe("usernames under every interleaving", () => {
  for (const race of races) {
    it(`${race.id}: no name has two owners and no user loses its name`, async () => {
      const schedules = await explore(() => makeScenario(race, { sleeps: false }));
      assert.ok(schedules > 1, "nothing was interleaved");
    });

    it(`${race.id}: nor when a node sleeps for longer than claims are respected`, {
      skip: skipLong(race),
    }, async () => {
      await explore(() => makeScenario(race, { sleeps: true }));
    });

    it(`${race.id}: nor when a node crashes between any two steps; every free name can be had again`, async () => {
      for (let crashAfter = 0; crashAfter < mostCalls; crashAfter++) {
        await explore(() => makeScenario(race, { sleeps: tryAll, crashAfter }));
      }
    });
  }
});

function skipLong({ isLong = false }: Race): string | false {
  return isLong && !tryAll && "takes minutes: set COUNTERSIGN_LONG_TESTS=1";
}

/** No act takes more calls than this without a race. */
const mostCalls = 12;
const passTime = { verb: "swap", key: everything } as const;

interface Trouble {
  /** Whether time passes at some step, so that abandoned claims can be overtaken. */
  readonly sleeps: boolean;
  /** The first actor crashes after so many calls. */
  readonly crashAfter?: number;
}

async function makeScenario(race: Race, { sleeps, crashAfter }: Trouble): Promise<Scenario> {
  const world = await makeWorld(race.users);
  const actors = race.acts.map(
    (act, index): Actor => ({
      run: (around) => act(nodeOf(world, aroundStore(world.store, around), index)),
      ...(index === 0 && crashAfter !== undefined ? { crashAfter } : {}),
    }),
  );
  const sleep: Actor = { run: (around) => around(passTime, async () => world.clock.jump(abandonedAfterMs + 1)) };
  return {
    actors: sleeps ? [...actors, sleep] : actors,
    always: () => assertOwnership(world.store),
    finally: async (outcomes: readonly Outcome[]) => {
      for (const outcome of outcomes) assertExpected(outcome);
      if (!sleeps && crashAfter === undefined) await race.check?.(outcomes, world);
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
    };
    await store.swap<UserRecord>(keys.user(userId), 0, { value: user, owner: owners.users() });
    await store.swap<UsernameClaim>(keys.username(username), 0, { value: { userId, claimedAt: 0 } });
  }
  return { store, clock, audit: createMemoryStore({ clock }) };
}

function nodeOf({ clock, audit }: World, store: Store, seed: number): UserService {
  return makeNode({ clock, store, auditStore: audit, seed: `node ${seed}` }).users;
}

/** Whoever's record bears a name holds the claim on it: so a name has one owner, and no owner can be overlooked. */
async function assertOwnership(store: Store): Promise<void> {
  for (const { value } of await store.list<UserRecord>(owners.users(), { limit: 100 })) {
    const claim = await store.get<UsernameClaim>(keys.username(value.username));
    assert.equal(claim?.value.userId, value.userId, `${value.userId} does not hold ${value.username}`);
  }
}

/** Once abandoned claims are no longer respected, every name that nobody bears can be had. */
async function assertNamesCanBeHad({ store, clock }: World): Promise<void> {
  clock.jump(abandonedAfterMs + 1);
  const borne = (await store.list<UserRecord>(owners.users(), { limit: 100 })).map(({ value }) => value.username);
  for (const username of ["alice", "a", "b", "c"]) {
    const claim = claimUsername({ store, clock }, username, "newcomer");
    if (borne.includes(username)) await assert.rejects(claim, { code: "already_exists" });
    else await claim;
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

import assert from "node:assert/strict";
import { after, describe, it, type TestContext } from "node:test";
import { systemClock } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { createDynamodbTable, openDynamodbStore } from "../../src/store/dynamodb.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openPostgresStore } from "../../src/store/postgres.ts";
import type { Item, Store } from "../../src/store/store.ts";
import { FakeDynamodb } from "./dynamodb-fake.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { checkHistories } from "./histories.ts";
import { type Operation, unexplained } from "./linearizability.ts";
import { postgresServer } from "./postgres-server.ts";
import { openAt, storePath } from "./stores.ts";

// What the SDK finds where nothing is given: emulators take any.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });

const server = await postgresServer();
after(() => server?.stop());

const never = Number.POSITIVE_INFINITY;
const get = (invokedAt: number, returnedAt: number, found?: string): Operation => ({
  key: "k",
  kind: "get",
  invokedAt,
  returnedAt,
  found,
});
const take = (invokedAt: number, returnedAt: number, found?: string): Operation => ({
  key: "k",
  kind: "take",
  invokedAt,
  returnedAt,
  found,
});
const swap = (
  invokedAt: number,
  returnedAt: number,
  [expected, written]: readonly [string | undefined, string],
  isDone?: boolean,
): Operation => {
  return { key: "k", kind: "swap", invokedAt, returnedAt, expected, written, isDone };
};

describe("unexplained", () => {
  const sound: readonly (readonly [string, readonly Operation[]])[] = [
    ["one after the other", [swap(0, 1, [undefined, "a"], true), get(2, 3, "a"), take(4, 5, "a"), get(6, 7)]],
    ["a read beside a write, before it", [swap(0, 3, [undefined, "a"], true), get(1, 2)]],
    ["a read beside a write, after it", [swap(0, 3, [undefined, "a"], true), get(1, 2, "a")]],
    ["of two writers one", [swap(0, 3, [undefined, "a"], true), swap(1, 2, [undefined, "b"], false), get(4, 5, "a")]],
    ["a write without an answer that was done", [swap(0, never, [undefined, "a"]), get(1, 2), get(3, 4, "a")]],
    ["a write without an answer that was not", [swap(0, never, [undefined, "a"]), get(1, 2), get(3, 4)]],
  ];
  for (const [id, history] of sound) it(`explains ${id}`, () => assert.deepEqual(unexplained(history), []));

  const planted: readonly (readonly [string, readonly Operation[]])[] = [
    ["a stale read", [swap(0, 1, [undefined, "a"], true), get(2, 3)]],
    ["a lost update", [swap(0, 1, [undefined, "a"], true), swap(2, 3, ["a", "b"], true), get(4, 5, "a")]],
    ["two winners", [swap(0, 3, [undefined, "a"], true), swap(1, 2, [undefined, "b"], true)]],
    ["an item taken twice", [swap(0, 1, [undefined, "a"], true), take(2, 5, "a"), take(3, 4, "a")]],
    ["a write that was refused and done", [swap(0, 1, [undefined, "a"], false), get(2, 3, "a")]],
    ["a read that goes back", [swap(0, 9, [undefined, "a"], true), get(1, 2, "a"), get(3, 4)]],
    ["a write that comes and goes", [swap(0, never, [undefined, "a"]), get(1, 2, "a"), get(3, 4)]],
  ];
  for (const [id, history] of planted) it(`finds ${id}`, () => assert.deepEqual(unexplained(history), ["k"]));
});

describe("histories of concurrent operations", () => {
  const size = { histories: 30, clients: 6, operationsPerClient: 6 };
  const check = (stores: readonly Store[], histories = size.histories) =>
    checkHistories({ ...size, histories, stores, random: seededRandom("histories") });

  it("on SQLite have an order", async (context) => {
    const { faults, operations } = await check([await openAt(storePath(context), context)]);
    assert.deepEqual(faults, []);
    assert.ok(operations > 1000, `${operations}`);
  });

  const threeAt = async (context: TestContext, location: string, patienceMs: number) => {
    const open = () => openPostgresStore({ location, clock: systemClock, patienceMs });
    const stores = [await open(), await open(), await open()];
    context.after(() => Promise.all(stores.map((store) => store.close())));
    return stores;
  };

  it("on PostgreSQL, over three nodes, have an order", { skip: server === undefined }, async (context) => {
    const stores = await threeAt(context, server?.location() ?? "", 6000);
    assert.deepEqual((await check(stores)).faults, []);
  });

  it("on PostgreSQL have an order though answers are lost", { skip: server === undefined }, async (context) => {
    const location = server?.location() ?? "";
    const proxy = await FaultProxy.start(server?.port ?? 0, "countersign_commit");
    context.after(() => proxy[Symbol.asyncDispose]());
    const stores = await threeAt(context, location.replace(`:${server?.port}/`, `:${proxy.port}/`), 2000);
    await stores[0]?.swap("first", 0, { value: 1 });
    proxy.mode = "lose answer";
    const random = seededRandom("answers");
    const breaking = setInterval(() => {
      proxy.left = (random.bytes(1)[0] ?? 0) % 3;
    }, 20);
    try {
      assert.deepEqual((await check(stores, 4)).faults, []);
    } finally {
      clearInterval(breaking);
    }
    assert.ok(proxy.faults > 3, `${proxy.faults}`);
  });

  it("on DynamoDB, a fake of ours, have an order though much goes wrong", async (context) => {
    const fake = await FakeDynamodb.start();
    const location = `dynamodb:countersign?region=eu-central-1&endpoint=${encodeURIComponent(fake.endpoint)}`;
    await createDynamodbTable(location);
    const stores = [
      await openDynamodbStore({ location, clock: systemClock }),
      await openDynamodbStore({ location, clock: systemClock }),
    ];
    context.after(async () => {
      for (const store of stores) await store.close();
      await fake[Symbol.asyncDispose]();
    });
    const faults = ["lose answer", "lose request", "throttle", "conflict", "fail after", "fail before"] as const;
    const random = seededRandom("faults");
    const breaking = setInterval(() => {
      const fault = faults[(random.bytes(1)[0] ?? 0) % faults.length];
      if (fault !== undefined && fake.faults.length < 1) fake.faults.push(fault);
    }, 80);
    try {
      assert.deepEqual((await check(stores, 4)).faults, []);
    } finally {
      clearInterval(breaking);
    }
  });

  const broken: readonly (readonly [string, (store: Store) => Partial<Store>])[] = [
    [
      "a swap that expects nothing",
      (store) => ({
        swap: async (key, _expected, draft) => store.swap(key, (await store.get(key))?.version ?? 0, draft),
      }),
    ],
    ["a cache that others' writes do not reach", cached],
    [
      "a take that reads before it removes",
      (store) => ({
        take: async <Value>(key: string) => {
          const item = await store.get<Value>(key);
          await Promise.resolve();
          await store.take(key);
          return item;
        },
      }),
    ],
  ];
  for (const [id, breakIt] of broken) {
    it(`find ${id}`, async () => {
      const stores = [1, 2].map(() => undefined);
      const whole = createMemoryStore({ clock: systemClock });
      const { faults } = await check(stores.map(() => ({ ...delayed(whole), ...breakIt(delayed(whole)) })));
      assert.notDeepEqual(faults, []);
    });
  }
});

/** Each call takes some turns, as over a network. */
function delayed(store: Store): Store {
  const turns = seededRandom("turns");
  const later = async <Result>(call: () => Promise<Result>) => {
    for (let left = (turns.bytes(1)[0] ?? 0) % 4; left > 0; left--)
      await new Promise((resolve) => setImmediate(resolve));
    return call();
  };
  return {
    get: (key) => later(() => store.get(key)),
    commit: (changes, options) => later(() => store.commit(changes, options)),
    swap: (key, version, draft) => later(() => store.swap(key, version, draft)),
    take: (key, version) => later(() => store.take(key, version)),
    list: (owner, page) => later(() => store.list(owner, page)),
    close: () => store.close(),
  };
}

function cached(store: Store): Partial<Store> {
  const items = new Map<string, Item<unknown> | undefined>();
  return {
    async get<Value>(key: string) {
      if (!items.has(key)) items.set(key, await store.get(key));
      // A cache leaves the shape to whoever wrote it.
      return items.get(key) as Item<Value> | undefined;
    },
    async swap(key, version, draft) {
      const written = await store.swap(key, version, draft);
      items.delete(key);
      return written;
    },
  };
}

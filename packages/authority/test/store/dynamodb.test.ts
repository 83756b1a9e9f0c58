import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, describe, it, type TestContext } from "node:test";
import { systemClock } from "@countersign/protocol";
import dynalite from "dynalite";
import { createDynamodbTable, type DynamodbStoreOptions, openDynamodbStore } from "../../src/store/dynamodb.ts";
import type { Change, Store } from "../../src/store/store.ts";
import { type DynamodbFault, FakeDynamodb } from "./dynamodb-fake.ts";
import { type MakeStore, storeContract } from "./store-contract.ts";

// What the SDK finds where nothing is given: emulators take any.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });

let tables = 0;
const locationAt = (endpoint: string) => {
  return `dynamodb:countersign-${process.pid}-${tables++}?region=eu-central-1&endpoint=${encodeURIComponent(endpoint)}`;
};

/** Makes a table of its own for each store. */
const storesAt =
  (endpoint: string): MakeStore =>
  async (clock, context) => {
    const location = locationAt(endpoint);
    await createDynamodbTable(location);
    const store = await openDynamodbStore({ location, clock });
    context.after(() => store.close());
    return store;
  };

const fake = await FakeDynamodb.start();
const emulator = dynalite({ createTableMs: 0 });
emulator.listen(0, "127.0.0.1");
await once(emulator, "listening");
after(async () => {
  await fake[Symbol.asyncDispose]();
  emulator.closeAllConnections();
  emulator.close();
});

storeContract("DynamoDB, a fake of ours", storesAt(fake.endpoint), { effort: 0.3 });
// It has no transactions. listen() on a port gives an address of this kind.
storeContract("DynamoDB, dynalite", storesAt(`http://127.0.0.1:${(emulator.address() as AddressInfo).port}`), {
  transactions: false,
  effort: 0.2,
});

const given = process.env.COUNTERSIGN_DYNAMODB_ENDPOINT ?? "";
if (given !== "") storeContract(`DynamoDB at ${given}`, storesAt(given));

const write = (key: string, expectedVersion: number, value: unknown = key): Change => {
  return { key, expectedVersion, draft: { value } };
};
const unavailable = { code: "temporarily_unavailable" };

async function opened(context: TestContext, options: Partial<DynamodbStoreOptions> = {}) {
  const service = await FakeDynamodb.start();
  const location = locationAt(service.endpoint);
  await createDynamodbTable(location);
  const open = () => openDynamodbStore({ location, clock: systemClock, ...options });
  const [store, beside] = await Promise.all([open(), open()]);
  context.after(async () => {
    await Promise.all([store.close(), beside.close()]);
    await service[Symbol.asyncDispose]();
  });
  service.seen.clear();
  return { service, store, beside };
}

describe("DynamoDB: faults", () => {
  const passing: readonly { readonly faults: readonly DynamodbFault[]; readonly because: string }[] = [
    { faults: ["lose answer"], because: "the answer was lost (J7)" },
    { faults: ["lose request"], because: "the request was lost" },
    { faults: ["fail after"], because: "the service failed after it was done" },
    { faults: ["fail before"], because: "the service failed before it was done" },
    { faults: ["html after"], because: "a proxy answered in its place" },
    { faults: ["throttle", "throttle"], because: "it was throttled (J8)" },
    { faults: ["conflict", "conflict"], because: "another transaction was at one of its items" },
    { faults: ["lose answer", "lose answer", "throttle", "conflict"], because: "everything went wrong at once" },
  ];
  const commits: readonly { readonly id: string; readonly run: (store: Store) => Promise<number | undefined> }[] = [
    {
      id: "a replacement",
      run: async (store) => store.swap("k", (await store.get("k"))?.version ?? 0, { value: "new" }),
    },
    {
      id: "a commit of two",
      run: async (store) => (await store.commit([write("k", 0, "new"), write("audit", 0)])).version,
    },
    {
      id: "a commit with an id",
      run: async (store) => (await store.commit([write("k", 0, "new")], { id: "i" })).version,
    },
  ];
  for (const { faults, because } of passing) {
    for (const { id, run } of commits) {
      it(`${id} is made once, and known to be made, though ${because}`, async (context) => {
        const { service, store, beside } = await opened(context);
        if (id === "a replacement") await store.swap("k", 0, { value: "old" });
        service.faults.push(...faults);
        const version = await run(store);
        assert.ok(service.faults.length < faults.length);
        assert.deepEqual(await beside.get("k"), { key: "k", version, value: "new" });
      });
    }
  }

  it("a write whose answer was lost is known by another item of its commit, though one was changed since", async (context) => {
    const { service, store, beside } = await opened(context);
    // Ten minutes later no token helps.
    service.onLost = async () => {
      await beside.take("k");
      service.now += 600_000;
    };
    service.faults.push("lose answer");
    const { version } = await store.commit([write("k", 0), write("audit", 0)]);
    assert.equal((await beside.get("audit"))?.version, version);
    assert.equal(await beside.get("k"), undefined);
  });

  it("a write whose answer was lost stays in doubt when all that it wrote was changed since", async (context) => {
    const { service, store, beside } = await opened(context);
    service.onLost = async () => {
      const item = await beside.get("k");
      await beside.swap("k", item?.version ?? 0, { value: "theirs" });
    };
    service.faults.push("lose answer");
    await assert.rejects(store.swap("k", 0, { value: "ours" }), unavailable);
    assert.equal((await beside.get("k"))?.value, "theirs");
  });

  it("a lone creation whose answer was lost is known where it stands", async (context) => {
    const { service, store, beside } = await opened(context);
    service.faults.push("lose answer");
    const version = await store.swap("k", 0, { value: 1 });
    assert.equal((await beside.get("k"))?.version, version);
  });

  it("a lone creation whose answer was lost does not bring back what was taken since", async (context) => {
    const { service, store, beside } = await opened(context);
    service.onLost = async () => {
      await beside.take("k");
    };
    service.faults.push("lose answer");
    await assert.rejects(store.swap("k", 0, { value: 1 }), unavailable);
    assert.equal(await beside.get("k"), undefined);
  });

  it("a commit that lost its race is a lost race, whatever became of its first answer", async (context) => {
    const { service, store, beside } = await opened(context);
    const version = (await beside.swap("kept", 0, { value: 1 })) ?? 0;
    await beside.swap("taken", 0, { value: 1 });
    service.faults.push("lose answer");
    assert.deepEqual(await store.commit([write("kept", version), write("taken", 0)]), { failed: ["taken"] });
  });

  it("a conflict alone never says that an item was changed", async (context) => {
    const { service, store } = await opened(context);
    const version = (await store.swap("k", 0, { value: 1 })) ?? 0;
    service.faults.push("conflict", "conflict", "conflict");
    assert.ok(await store.swap("k", version, { value: 2 }));
  });

  it("an item whose removal had no answer is gone and unknown", async (context) => {
    const { service, store, beside } = await opened(context);
    await store.swap("k", 0, { value: 1 });
    service.faults.push("lose answer");
    await assert.rejects(store.take("k"), unavailable);
    assert.equal(await beside.get("k"), undefined);
  });

  it("throttling that does not end is a 503 with Retry-After, and changes nothing", async (context) => {
    const { service, store } = await opened(context, { patienceMs: 300 });
    service.faults.push(...Array.from({ length: 500 }, () => "throttle" as const));
    const refused = { ...unavailable, retryAfterMs: 1000 };
    await assert.rejects(store.swap("k", 0, { value: 1 }), refused);
    assert.match((await store.failure?.()) ?? "", /ThrottlingException/);
    service.faults.length = 0;
    assert.equal(await store.get("k"), undefined);
    assert.ok(await store.swap("k", 0, { value: 1 }));
  });

  it("more commits than may be on their way are refused", async (context) => {
    const { store } = await opened(context, { maxWaiting: 5 });
    const results = await Promise.allSettled(Array.from({ length: 9 }, (_, n) => store.swap(`k${n}`, 0, { value: n })));
    assert.equal(results.filter(({ status }) => status === "rejected").length, 4);
  });

  it("one change costs no transaction", async (context) => {
    const { service, store } = await opened(context);
    const version = (await store.swap("k", 0, { value: 1 })) ?? 0;
    await store.commit([{ key: "k", expectedVersion: version, remove: true }]);
    assert.deepEqual(Object.fromEntries(service.seen), { PutItem: 1, DeleteItem: 1 });
  });
});

describe("openDynamodbStore", () => {
  it("says how to make a table that is not there", async () => {
    const open = openDynamodbStore({ location: locationAt(fake.endpoint), clock: systemClock });
    await assert.rejects(open, /there is no table countersign-.*; countersign store create makes it/);
  });

  it("refuses a table of a newer program", async () => {
    const location = locationAt(fake.endpoint);
    await createDynamodbTable(location, 2);
    await assert.rejects(openDynamodbStore({ location, clock: systemClock }), /schema version 2 is newer than 1/);
  });

  for (const [location, expect] of [
    ["dynamodb:", /must be dynamodb:TABLE/],
    ["dynamodb:ab", /must be dynamodb:TABLE/],
    ["dynamodb:table?reigon=eu-central-1", /no parameter reigon/],
    ["dynamodb:table?endpoint=http://db.example.com", /must be an https URL/],
    ["dynamodb:table?endpoint=file:///etc/passwd", /must be an https URL/],
  ] as const) {
    it(`refuses ${location}`, async () => {
      await assert.rejects(
        openDynamodbStore({ location, clock: systemClock }),
        (error) => error instanceof RangeError && expect.test(error.message),
      );
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { copyStore } from "../../src/store/copy-store.ts";
import { createDynamodbTable, openDynamodbStore } from "../../src/store/dynamodb.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { FakeDynamodb } from "./dynamodb-fake.ts";
import { openAt, storePath } from "./stores.ts";

// What the SDK finds where nothing is given: emulators take any.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });

async function filled(clock: FakeClock): Promise<Store> {
  const store = createMemoryStore({ clock });
  for (let n = 0; n < 1203; n++) await store.swap(`k${n}`, 0, { value: { n }, owner: `o${n % 3}` });
  await store.swap("expires", 0, { value: 1, expiresAt: clock.now() + 5 });
  await store.swap("expired", 0, { value: 1, expiresAt: clock.now() });
  await store.swap("\u0000", 0, { value: "NUL" });
  return store;
}

describe("copyStore", () => {
  it("copies all that lives, with owners and expiry, from one engine to the next", async (context) => {
    const clock = new FakeClock();
    const fake = await FakeDynamodb.start();
    const location = `dynamodb:countersign?region=eu-central-1&endpoint=${encodeURIComponent(fake.endpoint)}`;
    await createDynamodbTable(location);
    const dynamodb = await openDynamodbStore({ location, clock });
    const sqlite = await openAt(storePath(context), context, { clock });
    const memory = await filled(clock);
    const again = createMemoryStore({ clock });
    assert.equal(await copyStore(memory, sqlite), 1205);
    assert.equal(await copyStore(sqlite, dynamodb), 1205);
    assert.equal(await copyStore(dynamodb, again), 1205);
    const { version: _, ...item } = (await again.get("expires")) ?? assert.fail("not copied");
    assert.deepEqual(item, { key: "expires", value: 1, expiresAt: clock.now() + 5 });
    assert.equal((await again.list("o1", { limit: 1000 })).length, 401);
    assert.equal(await again.get("expired"), undefined);
    await dynamodb.close();
    await fake[Symbol.asyncDispose]();
  });

  it("refuses a target that holds something", async () => {
    const clock = new FakeClock();
    const target = createMemoryStore({ clock });
    await target.swap("U#secret", 0, { value: 1 });
    await assert.rejects(copyStore(await filled(clock), target), /not empty: it holds U#…/);
  });

  it("sees that the source was written to meanwhile", async () => {
    const clock = new FakeClock();
    const [source, target] = [await filled(clock), createMemoryStore({ clock })];
    const writing: Store["commit"] = async (changes, options) => {
      const item = await source.get("k0");
      await source.swap("k0", item?.version ?? 0, { value: "changed" });
      return target.commit(changes, options);
    };
    const watched = {
      scan: () => target.scan?.() ?? assert.fail("no scan"),
      get: <Value>(key: string) => target.get<Value>(key),
      commit: writing,
    };
    await assert.rejects(copyStore(source, watched), /written to while it was copied: k0#…/);
  });
});

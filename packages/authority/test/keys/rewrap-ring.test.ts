import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import { silentObserver } from "../../src/audit/observer.ts";
import { createAuditTrail } from "../../src/audit/trail.ts";
import { createKeyEncryptionKey, type KeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import { rewrapKeyRing, ringSealedUnder } from "../../src/keys/ring-record.ts";
import { keys } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { openTestRing } from "./harness.ts";

const from = createKeyEncryptionKey(seededRandom("from").bytes(32));
const to = createKeyEncryptionKey(seededRandom("to").bytes(32));

/** A store whose ring has keys of two algorithms, sealed under `from`. */
async function aWorld() {
  const clock = new FakeClock();
  const world = { clock, store: createMemoryStore({ clock }) };
  const { ring } = await openTestRing(world, { keyEncryptionKey: from });
  await ring.rotate("EdDSA", "test");
  const before = { kids: ring.list().map(({ kid }) => kid), derived: ring.derive("refresh", "x") };
  await ring.close();
  const random = seededRandom("audit");
  const audit = createAuditTrail({ ...world, random, observer: silentObserver, retentionMs: 1000 });
  return { ...world, audit, before, actor: "test" };
}

async function open(world: Awaited<ReturnType<typeof aWorld>>, keyEncryptionKey: KeyEncryptionKey) {
  const { ring } = await openTestRing(world, { keyEncryptionKey });
  await ring.close();
  return { kids: ring.list().map(({ kid }) => kid), derived: ring.derive("refresh", "x") };
}

describe("rewrapKeyRing", () => {
  it("leaves the same keys and the same derivation, under the new key alone", async () => {
    const world = await aWorld();
    await rewrapKeyRing({ ...world, from, to });
    assert.deepEqual(await open(world, to), world.before);
    await assert.rejects(open(world, from), /sealed under key-encryption key/);
    const stored = JSON.stringify(await world.store.get(keys.ring()));
    assert.ok(!stored.includes(from.id), "nothing is left under the key before");
    assert.equal(await ringSealedUnder(world.store), to.id);
  });

  it("is in the audit trail with both ids, once, however often it is repeated", async () => {
    const world = await aWorld();
    await rewrapKeyRing({ ...world, from, to });
    await rewrapKeyRing({ ...world, from, to });
    const records = await world.audit.read({ limit: 10, name: "key.rewrapped" });
    assert.deepEqual(
      records.map(({ fields }) => fields),
      [{ keyEncryptionKey: to.id, previous: from.id, actor: "test" }],
    );
  });

  it("does not happen when it cannot be recorded", async () => {
    const world = await aWorld();
    const audit = { commit: () => Promise.reject(new CountersignError("temporarily_unavailable")) };
    await assert.rejects(rewrapKeyRing({ ...world, audit, from, to }), { code: "temporarily_unavailable" });
    assert.deepEqual(await open(world, from), world.before);
  });

  it("refuses a store without a ring", async () => {
    const world = { ...(await aWorld()), store: createMemoryStore({ clock: new FakeClock() }) };
    await assert.rejects(rewrapKeyRing({ ...world, from, to }), { code: "not_found" });
    assert.equal(await ringSealedUnder(world.store), undefined);
  });

  it("refuses to replace a ring that changed meanwhile", async () => {
    const world = await aWorld();
    const audit: Parameters<typeof rewrapKeyRing>[0]["audit"] = {
      async commit(changes, events) {
        const item = await world.store.get(keys.ring());
        await world.store.swap(keys.ring(), item?.version ?? 0, { value: item?.value });
        return world.audit.commit(changes, events);
      },
    };
    await assert.rejects(rewrapKeyRing({ ...world, audit, from, to }), { code: "conflict" });
    assert.deepEqual(await open(world, from), world.before);
    assert.deepEqual(await world.audit.read({ limit: 1 }), []);
  });

  const other = createKeyEncryptionKey(seededRandom("other").bytes(32));
  const rows: readonly { id: string; from?: KeyEncryptionKey; to?: KeyEncryptionKey; expect: RegExp }[] = [
    { id: "a key that the ring is not sealed under", from: other, expect: /sealed under key-encryption key/ },
    { id: "a key of the right id that is another", from: { ...other, id: from.id }, expect: /was changed/ },
    { id: "a new key that does not unwrap", to: { ...to, unwrap: other.unwrap }, expect: /was changed/ },
    { id: "a new key that wraps as another", to: { ...to, wrap: other.wrap }, expect: /was changed/ },
  ];
  for (const row of rows) {
    it(`writes nothing with ${row.id}`, async () => {
      const world = await aWorld();
      await assert.rejects(rewrapKeyRing({ ...world, from, to, ...row }), row.expect);
      assert.deepEqual(await open(world, from), world.before);
      assert.deepEqual(await world.audit.read({ limit: 10, name: "key.rewrapped" }), []);
    });
  }
});

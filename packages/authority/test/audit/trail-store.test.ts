import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import type { AuthorityEvent } from "../../src/audit/events.ts";
import { createAuditTrail } from "../../src/audit/trail-store.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { type Around, aroundStore } from "../users/around-store.ts";

const dayMs = 86_400_000;

function makeTrail(options: { store?: Store; clock?: FakeClock; seed?: number; around?: Around } = {}) {
  const { clock = new FakeClock(), seed = 1, around = (_, run) => run() } = options;
  const { store = createMemoryStore({ clock }) } = options;
  const heard: AuthorityEvent[] = [];
  const audit = createAuditTrail({
    store: aroundStore(store, around),
    clock,
    random: seededRandom(seed),
    observer: { event: (event) => heard.push(event), exchange: () => {} },
    retentionMs: 400 * dayMs,
  });
  return { audit, clock, store, heard };
}

const deleted = (userId: string) => ({ userId, actor: "admin_id" });

describe("AuditTrail.record", () => {
  it("D18 resolves only when the record is in the store, and tells the observers then", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { audit, heard } = makeTrail({ around: async (_, run) => promise.then(run) });
    let isRecorded = false;
    const recorded = audit.record("user.deleted", deleted("u1")).then(() => {
      isRecorded = true;
    });
    await new Promise(setImmediate);
    assert.deepEqual([isRecorded, heard.length], [false, 0]);
    resolve();
    await recorded;
    assert.equal((await audit.read({ limit: 10 })).length, 1);
    assert.equal(heard.length, 1);
  });

  it("D18 rejects when the store does, and tells nobody", async () => {
    const failure = new CountersignError("temporarily_unavailable");
    const { audit, heard } = makeTrail({ around: () => Promise.reject(failure) });
    await assert.rejects(audit.record("user.deleted", deleted("u1")), failure);
    assert.deepEqual(heard, []);
  });

  it("keeps every one of many records of one millisecond on two nodes, in each node's order", async () => {
    const { audit, clock, store } = makeTrail();
    const other = makeTrail({ store, clock, seed: 2 }).audit;
    const ids = Array.from({ length: 200 }, (_, n) => `u${n}`);
    await Promise.all(ids.map((id, n) => (n % 2 === 0 ? audit : other).record("user.deleted", deleted(id))));
    const read = (await audit.read({ limit: 500 })).map((record) => aboutWhom(record));
    assert.deepEqual([...read].sort(), [...ids].sort());
    const even = (list: readonly (string | undefined)[]) => list.filter((id) => Number(id?.slice(1)) % 2 === 0);
    assert.deepEqual(even(read), even(ids).reverse());
  });
});

describe("AuditTrail.notice", () => {
  it("tells the observers and writes nothing", async () => {
    const { audit, heard } = makeTrail();
    audit.notice("login.locked", { clientId: "app" });
    assert.deepEqual(
      heard.map(({ name }) => name),
      ["login.locked"],
    );
    assert.deepEqual(await audit.read({ limit: 10 }), []);
  });
});

describe("AuditTrail.read", () => {
  it("reads newest first over days, and page after page without a gap or a repetition", async () => {
    const { audit, clock } = makeTrail();
    const written: string[] = [];
    for (let day = 0; day < 5; day++) {
      for (let n = 0; n < 7; n++) {
        const id = `u${day}-${n}`;
        await audit.record("user.deleted", deleted(id));
        written.push(id);
        if (n % 3 === 0) clock.jump(1000);
      }
      clock.jump(1.5 * dayMs);
    }
    const read: (string | undefined)[] = [];
    let before: string | undefined;
    do {
      const { records, next } = await audit.page({ limit: 5, ...(before === undefined ? {} : { before }) });
      assert.equal(records.length, 5);
      read.push(...records.map((record) => aboutWhom(record)));
      before = next;
    } while (before !== undefined);
    assert.deepEqual(read, written.reverse());
  });

  it("filters by name, by what is mentioned and by time", async () => {
    const { audit, clock } = makeTrail();
    const start = clock.now();
    await audit.record("user.registered", { userId: "u1", actor: "self" });
    clock.jump(10);
    await audit.record("user.changed", { userId: "u2", what: "scopes", actor: "admin_id" });
    clock.jump(10);
    await audit.record("client.created", { clientId: "c1", actor: "u1" });
    const names = async (query: object) => (await audit.read({ limit: 10, ...query })).map(({ name }) => name);
    assert.deepEqual(await names({ name: "user" }), ["user.changed", "user.registered"]);
    assert.deepEqual(await names({ name: "user.changed" }), ["user.changed"]);
    assert.deepEqual(await names({ name: "use" }), []);
    assert.deepEqual(await names({ about: "u1" }), ["client.created", "user.registered"]);
    assert.deepEqual(await names({ since: start + 10 }), ["client.created", "user.changed"]);
    assert.deepEqual(await names({ until: start + 10 }), ["user.registered"]);
    assert.deepEqual(await names({ since: start + 10, until: start + 20 }), ["user.changed"]);
  });

  it("reads past a full page of records that do not match", async () => {
    const { audit } = makeTrail();
    await audit.record("user.deleted", deleted("wanted"));
    for (let n = 0; n < 2500; n++) await audit.record("user.deleted", deleted("other"));
    assert.equal((await audit.read({ limit: 1, about: "wanted" })).length, 1);
  });

  it("sees records of a node whose clock is ahead", async () => {
    const { audit, store } = makeTrail();
    const ahead = new FakeClock(Date.UTC(2030, 0, 1, 0, 10));
    await makeTrail({ store, clock: ahead, seed: 2 }).audit.record("user.deleted", deleted("u1"));
    assert.equal((await audit.read({ limit: 1 })).length, 1);
  });

  it("finds what is older than many days without a record", async () => {
    const { audit, clock } = makeTrail();
    await audit.record("user.deleted", deleted("u1"));
    clock.jump(399 * dayMs);
    assert.equal((await audit.read({ limit: 1 })).length, 1);
  });

  it("looks at no more than a page of records that are too old", async () => {
    const verbs: string[] = [];
    const { audit, clock } = makeTrail({
      around: (call, run) => {
        verbs.push(call.verb);
        return run();
      },
    });
    for (let n = 0; n < 2500; n++) await audit.record("user.deleted", deleted("old"));
    clock.jump(1000);
    await audit.record("user.deleted", deleted("new"));
    verbs.length = 0;
    assert.equal((await audit.read({ limit: 10, since: clock.now() })).length, 1);
    // The day of another node's clock, which may be ahead, and its own.
    assert.deepEqual(verbs, ["list", "list"]);
  });

  it("looks at a bounded number of records, and says where to go on", async () => {
    let lists = 0;
    const clock = new FakeClock();
    const { audit } = makeTrail({
      clock,
      around: async (call, run) => {
        if (call.verb !== "list") return run();
        lists += 1;
        const event = { name: "user.deleted", at: clock.now(), fields: deleted("other") };
        // Stands in for a trail without end: every page is full.
        const page = Array.from({ length: 1000 }, (_, n) => ({ key: `A#${lists}#${n}`, version: 1, value: event }));
        return page as Awaited<ReturnType<typeof run>>;
      },
    });
    const latestAt = clock.now();
    assert.deepEqual(await audit.page({ limit: 1, about: "nobody" }), { records: [], next: "100-999", latestAt });
    assert.equal(lists, 101);
  });

  it("says how far it has seen, whatever matches", async () => {
    const { audit, clock } = makeTrail();
    assert.deepEqual(await audit.page({ limit: 10 }), { records: [] });
    await audit.record("user.deleted", deleted("u1"));
    clock.jump(2000);
    await audit.record("user.deleted", deleted("u2"));
    const latestAt = clock.now();
    for (const query of [{}, { about: "u1" }, { about: "nobody" }, { since: latestAt }]) {
      assert.equal((await audit.page({ limit: 10, ...query })).latestAt, latestAt);
    }
    assert.equal((await audit.page({ limit: 10, until: latestAt })).latestAt, latestAt - 2000);
    assert.deepEqual(await audit.page({ limit: 10, since: latestAt + 1 }), { records: [] });
  });

  it("forgets records after the retention", async () => {
    const { audit, clock } = makeTrail();
    await audit.record("user.deleted", deleted("u1"));
    clock.jump(400 * dayMs - 1);
    assert.equal((await audit.read({ limit: 1 })).length, 1);
    clock.jump(1);
    assert.equal((await audit.read({ limit: 1, since: 0 })).length, 0);
  });

  for (const before of ["", "x", "A#1", "0".repeat(3000), "001893456000000-00000000pmhfO2LVe_x!"]) {
    it(`refuses to go on after ${JSON.stringify(before.slice(0, 40))}`, async () => {
      await assert.rejects(makeTrail().audit.read({ limit: 1, before }), { code: "invalid_request" });
    });
  }
});

function aboutWhom({ fields }: AuthorityEvent): string | undefined {
  return "userId" in fields ? fields.userId : undefined;
}

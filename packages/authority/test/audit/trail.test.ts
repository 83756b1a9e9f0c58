import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import type { AuthorityEvent } from "../../src/audit/events.ts";
import { silentObserver } from "../../src/audit/observer.ts";
import { positionOf } from "../../src/audit/stream-reader.ts";
import { type AuditTrail, createAuditTrail } from "../../src/audit/trail.ts";
import { keys } from "../../src/store/keys.ts";
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
    observer: { event: (event) => heard.push(event), request: () => {} },
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
    // The streams there are, and the end of one.
    assert.deepEqual(verbs, ["list", "list"]);
  });

  it("looks at a bounded number of records, and says where to go on", async () => {
    let lists = 0;
    const clock = new FakeClock();
    const { audit } = makeTrail({
      clock,
      around: async (call, run) => {
        if (call.verb !== "list" || !call.key.startsWith("A#")) return run();
        const at = clock.now() - ++lists;
        const event = { name: "user.deleted", at, fields: deleted("other") };
        // Stands in for a trail without end: every page is full.
        const page = Array.from({ length: 100 }, (_, n) => ({
          key: `${call.key}#${99 - n}`,
          version: 1,
          value: event,
        }));
        return page as Awaited<ReturnType<typeof run>>;
      },
    });
    await audit.record("user.deleted", deleted("u1"));
    const { records, next, latestAt } = await audit.page({ limit: 1, about: "nobody" });
    assert.deepEqual([records, latestAt, lists], [[], clock.now() - 1, 1001]);
    assert.match(next ?? "", /^[0-9a-z]{9}\.\w{12}\.0$/);
  });

  it("says how far it has seen, whatever matches", async () => {
    const { audit, clock } = makeTrail();
    assert.deepEqual((await audit.page({ limit: 10 })).records, []);
    await audit.record("user.deleted", deleted("u1"));
    clock.jump(2000);
    await audit.record("user.deleted", deleted("u2"));
    const latestAt = clock.now();
    for (const query of [{}, { about: "u1" }, { about: "nobody" }, { since: latestAt }]) {
      assert.equal((await audit.page({ limit: 10, ...query })).latestAt, latestAt);
    }
    assert.equal((await audit.page({ limit: 10, until: latestAt })).latestAt, latestAt - 2000);
    const { cursor, ...none } = await audit.page({ limit: 10, since: latestAt + 1 });
    assert.deepEqual([typeof cursor, none], ["string", { records: [] }]);
  });

  it("forgets records after the retention", async () => {
    const { audit, clock } = makeTrail();
    await audit.record("user.deleted", deleted("u1"));
    clock.jump(400 * dayMs - 1);
    assert.equal((await audit.read({ limit: 1 })).length, 1);
    clock.jump(1);
    assert.equal((await audit.read({ limit: 1, since: 0 })).length, 0);
  });

  for (const before of ["", "x", "A#1", "0".repeat(3000), "0kg9b5xc0.stream.0000000!"]) {
    it(`refuses to go on after ${JSON.stringify(before.slice(0, 40))}`, async () => {
      await assert.rejects(makeTrail().audit.read({ limit: 1, before }), { code: "invalid_request" });
    });
  }
});

function aboutWhom({ fields }: AuthorityEvent): string | undefined {
  return "userId" in fields ? fields.userId : undefined;
}

/** The user ids of what a trail tells from a cursor on, page by page, and the cursor behind it. */
async function followed(audit: AuditTrail, from: string | undefined, limit = 3) {
  const ids: (string | undefined)[] = [];
  let cursor = from ?? assert.fail("no cursor");
  for (;;) {
    const page = await audit.page({ limit, after: cursor });
    ids.push(...page.records.map((record) => aboutWhom(record)));
    cursor = page.cursor ?? assert.fail("no cursor");
    if (page.records.length < limit) return { ids, cursor };
  }
}

describe("AuditTrail under clocks that step", () => {
  const jumps: readonly { readonly id: string; readonly ms: number }[] = [
    { id: "20 s back", ms: -20_000 },
    { id: "an hour back", ms: -3_600_000 },
    { id: "a month back", ms: -30 * dayMs },
    { id: "two days ahead", ms: 2 * dayMs },
    { id: "to the year 2626", ms: 600 * 365 * dayMs },
  ];
  for (const { id, ms } of jumps) {
    it(`loses nothing ${id} and back again, to whoever follows and to whoever reads since the latest`, async () => {
      const { audit, clock } = makeTrail();
      await audit.record("user.deleted", deleted("first"));
      const { cursor, latestAt = 0 } = await audit.page({ limit: 10 });
      const seen: (string | undefined)[] = [];
      let [at, since] = [cursor, latestAt];
      const written: string[] = [];
      for (const [round, jump] of [ms, 0, -ms, 10, ms, -ms, 5].entries()) {
        clock.jump(jump + 1000);
        await audit.record("user.deleted", deleted(`u${round}`));
        written.push(`u${round}`);
        const next = await followed(audit, at);
        seen.push(...next.ids);
        at = next.cursor;
        const late = await audit.page({ limit: 100, since });
        assert.ok(
          late.records.some((record) => aboutWhom(record) === `u${round}`),
          `u${round} since the latest`,
        );
        since = Math.floor((late.latestAt ?? assert.fail()) / 1000) * 1000;
      }
      assert.deepEqual(seen, written);
      const all = (await audit.read({ limit: 100 })).map((record) => aboutWhom(record));
      assert.deepEqual(all, [...written.reverse(), "first"]);
    });
  }

  it("keeps what was recorded under a clock that is behind for as long as the rest", async () => {
    const { audit, clock } = makeTrail();
    await audit.record("user.deleted", deleted("before"));
    clock.jump(-dayMs);
    await audit.record("user.deleted", deleted("behind"));
    clock.jump(400 * dayMs + dayMs - 1);
    assert.deepEqual(
      (await audit.read({ limit: 9 })).map(({ at }) => at > 0),
      [true, true],
    );
  });

  /** A store that only one process uses: whoever comes next goes on with its stream. */
  function exclusively(store: Store, clock: FakeClock, seed: number): AuditTrail {
    const exclusive = { ...aroundStore(store, (_, run) => run()), exclusive: true };
    const options = { clock, random: seededRandom(seed), observer: silentObserver, retentionMs: 400 * dayMs };
    return createAuditTrail({ store: exclusive, ...options });
  }

  const behind: readonly { readonly id: string; readonly ms: number }[] = [
    { id: "by two days", ms: 2 * dayMs },
    { id: "by a year", ms: 365 * dayMs },
    { id: "since 1970, as without a battery", ms: new FakeClock().now() - 5000 },
  ];
  for (const { id, ms } of behind) {
    it(`keeps what was recorded under a clock that was behind ${id} for its whole time, over restarts too`, async () => {
      const { clock, store } = makeTrail();
      await exclusively(store, clock, 2).record("user.deleted", deleted("before"));
      clock.jump(-ms);
      const during = exclusively(store, clock, 3);
      await during.record("user.deleted", deleted("behind"));
      await exclusively(store, clock, 4).record("user.deleted", deleted("behind, after a restart"));
      clock.jump(ms + 400 * dayMs - 1);
      const kept = async () => (await exclusively(store, clock, 5).read({ limit: 9 })).length;
      assert.equal(await kept(), 3);
      clock.jump(10 * dayMs);
      assert.equal(await kept(), 0);
    });
  }

  it("keeps records no longer than twice the time after a clock was ahead, and after a month as always", async () => {
    const { audit, clock, store } = makeTrail();
    clock.jump(600 * 365 * dayMs);
    await audit.record("user.deleted", deleted("ahead"));
    clock.jump(-600 * 365 * dayMs);
    const right = clock.now();
    await audit.record("user.deleted", deleted("in doubt"));
    clock.jump(30 * dayMs);
    await audit.record("user.deleted", deleted("believed"));
    const ends = new Map<string | undefined, number | undefined>();
    for (const { value } of await store.list<{ streamId: string }>("audit", { limit: 9 })) {
      const records = await store.list<AuthorityEvent>(`A#${value.streamId}`, { limit: 9 });
      for (const record of records) ends.set(aboutWhom(record.value), record.expiresAt);
    }
    assert.equal(ends.get("in doubt"), right + 800 * dayMs);
    assert.equal(ends.get("believed"), right + 430 * dayMs);
  });

  it("follows several nodes, those that begin later too", async () => {
    const { audit, clock, store } = makeTrail();
    await audit.record("user.deleted", deleted("a1"));
    const { cursor } = await audit.page({ limit: 10 });
    const other = makeTrail({ store, clock: new FakeClock(clock.now() - 5 * dayMs), seed: 2 }).audit;
    for (const n of [1, 2, 3, 4, 5]) await other.record("user.deleted", deleted(`b${n}`));
    await audit.record("user.deleted", deleted("a2"));
    const first = await followed(audit, cursor, 2);
    assert.deepEqual(first.ids, ["b1", "b2", "b3", "b4", "b5", "a2"]);
    await other.record("user.deleted", deleted("b6"));
    assert.deepEqual((await followed(audit, first.cursor)).ids, ["b6"]);
  });

  it("goes on with one stream where nobody else writes, whatever the process before had left", async () => {
    const { audit, clock, store } = makeTrail();
    const alone = (seed: number) =>
      createAuditTrail({
        store: { ...aroundStore(store, (_, run) => run()), exclusive: true },
        clock,
        random: seededRandom(seed),
        observer: silentObserver,
        retentionMs: 400 * dayMs,
      });
    await alone(2).record("user.deleted", deleted("u1"));
    const { cursor } = await audit.page({ limit: 10 });
    clock.jump(-3_600_000);
    for (const seed of [3, 4, 5]) await alone(seed).record("user.deleted", deleted(`u${seed - 1}`));
    assert.deepEqual((await followed(audit, cursor)).ids, ["u2", "u3", "u4"]);
    assert.equal((await store.list("audit", { limit: 10 })).length, 1);
  });

  for (const after of ["", "x", "bm8", Buffer.from('{"s":1}').toString("base64url")]) {
    it(`refuses to follow from ${JSON.stringify(after)}`, async () => {
      await assert.rejects(makeTrail().audit.page({ limit: 1, after }), { code: "invalid_request" });
    });
  }
});

describe("AuditTrail.page, where it begins", () => {
  it("finds an instant and a place in long streams, without reading all that is newer", async () => {
    let lists = 0;
    const count: Around = (call, run) => {
      if (call.verb === "list") lists += 1;
      return run();
    };
    const { audit, clock, store } = makeTrail({ around: count });
    const other = makeTrail({ store, clock, seed: 2 }).audit;
    const times: number[] = [];
    for (let n = 0; n < 2000; n++) {
      clock.jump(1000);
      times.push(clock.now());
      await (n % 2 === 0 ? audit : other).record("user.deleted", deleted(`u${n}`));
    }
    lists = 0;
    const page = await audit.page({ limit: 3, until: times[500] ?? 0 });
    assert.deepEqual(
      page.records.map((record) => aboutWhom(record)),
      ["u499", "u498", "u497"],
    );
    const older = await audit.page({ limit: 3, before: page.next ?? "" });
    assert.deepEqual(
      older.records.map((record) => aboutWhom(record)),
      ["u496", "u495", "u494"],
    );
    assert.ok(lists < 120, `${lists} lists`);
  });
});

describe("AuditTrail.commit", () => {
  it("changes nothing that is not recorded, and records nothing that is not changed", async () => {
    const { audit, store, heard } = makeTrail();
    const event = { name: "user.deleted", fields: deleted("u1") } as const;
    const create = { key: "k", expectedVersion: 0, draft: { value: 1 } };
    assert.ok((await audit.commit([create], [event])).version);
    assert.deepEqual(await audit.commit([{ ...create, draft: { value: 2 } }], [event]), { failed: ["k"] });
    assert.equal((await store.get("k"))?.value, 1);
    assert.deepEqual([(await audit.read({ limit: 9 })).length, heard.length], [1, 1]);
  });

  it("takes another stream where somebody else wrote to its own", async () => {
    const { audit, clock, store } = makeTrail();
    await audit.record("user.deleted", deleted("u1"));
    const [stream] = await store.list<{ readonly streamId: string }>("audit", { limit: 1 });
    clock.jump(1);
    await store.swap(keys.audit(stream?.value.streamId ?? "", positionOf(1)), 0, { value: {} });
    await audit.record("user.deleted", deleted("u2"));
    assert.deepEqual(
      (await audit.read({ limit: 9 })).map((record) => aboutWhom(record)),
      ["u2", "u1"],
    );
  });

  it("keeps each kind of event for its own time, and some of none", async () => {
    const { store, clock, heard } = makeTrail();
    const retentionMsOf = { user: 10 * dayMs, "user.deleted": 20 * dayMs, "token.issued": 0 };
    const observer = { event: (event: AuthorityEvent) => heard.push(event), request: () => {} };
    const options = { store, clock, random: seededRandom(3), observer, retentionMs: 5 * dayMs, retentionMsOf };
    const audit = createAuditTrail(options);
    await audit.record("token.issued", { grant: "password", clientId: "c", jti: "j", scope: "" });
    await audit.record("user.deleted", deleted("u1"));
    await audit.record("user.registered", deleted("u1"));
    await audit.record("client.deleted", { clientId: "c", actor: "a" });
    const names = async () => (await audit.read({ limit: 9 })).map(({ name }) => name);
    assert.equal(heard.length, 4);
    assert.deepEqual(await names(), ["client.deleted", "user.registered", "user.deleted"]);
    clock.jump(5 * dayMs);
    assert.deepEqual(await names(), ["user.registered", "user.deleted"]);
    clock.jump(5 * dayMs);
    assert.deepEqual(await names(), ["user.deleted"]);
  });
});

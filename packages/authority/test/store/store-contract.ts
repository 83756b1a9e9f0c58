import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Clock } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import fc from "fast-check";
import type { Item, Store } from "../../src/store/store.ts";
import { commitContract } from "./commit-contract.ts";
import { modelOperation, StoreModel } from "./store-model.ts";
import { hostileTexts, impossibleKeys } from "./store-texts.ts";

/** Makes an empty store; what it needs cleaned up it hands to `context.after`. */
export type MakeStore = (clock: Clock, context: TestContext) => Promise<Store>;

/**
 * Everything the port promises, against one engine; without transactions, what it promises of one item. Random histories are as
 * many as the effort says: an engine behind a network takes its time.
 */
export function storeContract(name: string, make: MakeStore, { transactions = true, effort = 1 } = {}): void {
  const open = async (context: TestContext) => {
    const clock = new FakeClock();
    return { clock, store: await make(clock, context) };
  };

  if (transactions) commitContract(name, open, effort);

  describe(`${name}: swap`, () => {
    it("creates at version 0, and a get sees exactly what was written", async (context) => {
      const { store, clock } = await open(context);
      const draft = { value: { a: [1, "ü", null, { b: false }] }, owner: "o", expiresAt: clock.now() + 1 };
      const version = await store.swap("k", 0, draft);
      assert.ok(version !== undefined && Number.isSafeInteger(version) && version > 0);
      assert.deepEqual(await store.get("k"), { key: "k", version, ...draft });
    });

    it("refuses to create what exists and changes nothing", async (context) => {
      const { store } = await open(context);
      await store.swap("k", 0, { value: 1 });
      const before = await store.get("k");
      assert.equal(await store.swap("k", 0, { value: 2 }), undefined);
      assert.deepEqual(await store.get("k"), before);
    });

    it("replaces at the current version only", async (context) => {
      const { store } = await open(context);
      const first = await created(store, "k", 1);
      const second = await store.swap("k", first, { value: 2 });
      assert.ok(second !== undefined && second !== first);
      assert.equal(await store.swap("k", first, { value: 3 }), undefined);
      assert.equal(await store.swap("other", first, { value: 3 }), undefined);
      assert.deepEqual(await store.get("k"), { key: "k", version: second, value: 2 });
    });

    it("clears what the draft omits", async (context) => {
      const { store, clock } = await open(context);
      const first = await store.swap("k", 0, { value: 1, owner: "o", expiresAt: clock.now() + 5 });
      const second = await store.swap("k", first ?? 0, { value: 2 });
      assert.deepEqual(await store.get("k"), { key: "k", version: second, value: 2 });
      assert.deepEqual(await store.list("o", { limit: 10 }), []);
    });

    it("gives values that none of their readers can change", async (context) => {
      const { store } = await open(context);
      await store.swap("k", 0, { value: { list: [{ deep: 1 }] }, owner: "o" });
      const [listed] = await store.list<{ list: object[] }>("o", { limit: 1 });
      const got = await store.get<{ list: object[] }>("k");
      const taken = await store.take<{ list: object[] }>("k");
      for (const item of [listed, got, taken]) {
        assert.throws(() => item?.value.list.push({}), TypeError);
        assert.throws(() => Object.assign(item?.value.list[0] ?? {}, { deep: 2 }), TypeError);
      }
    });

    it("gives no version twice to a key, though it is removed and written anew", async (context) => {
      const { store } = await open(context);
      const first = await created(store, "k", 1);
      await store.take("k");
      const second = await created(store, "k", 2);
      assert.notEqual(second, first);
      assert.equal(await store.swap("k", first, { value: "stale" }), undefined);
      assert.equal(await store.take("k", first), undefined);
      assert.equal((await store.get("k"))?.value, 2);
    });

    it("lets one of 50 parallel writers win", async (context) => {
      const { store } = await open(context);
      const version = await created(store, "k", "old");
      const attempts = Array.from({ length: 50 }, (_, i) => store.swap("k", version, { value: i }));
      const winners = (await Promise.all(attempts)).flatMap((won, i) => (won === undefined ? [] : [{ won, i }]));
      assert.equal(winners.length, 1);
      const winner = winners[0];
      assert.deepEqual(await store.get("k"), { key: "k", version: winner?.won, value: winner?.i });
    });

    it("lets one of 50 parallel creators win", async (context) => {
      const { store } = await open(context);
      const attempts = Array.from({ length: 50 }, (_, i) => store.swap("k", 0, { value: i }));
      assert.equal((await Promise.all(attempts)).filter((won) => won !== undefined).length, 1);
    });
  });

  describe(`${name}: expiry (J9)`, () => {
    it("judges an item gone from its instant on, not before", async (context) => {
      const { store, clock } = await open(context);
      await store.swap("k", 0, { value: 1, owner: "o", expiresAt: clock.now() + 1000 });
      clock.jump(999);
      assert.equal((await store.get("k"))?.value, 1);
      assert.equal((await store.list("o", { limit: 1 })).length, 1);
      clock.jump(1);
      assert.equal(await store.get("k"), undefined);
      assert.deepEqual(await store.list("o", { limit: 1 }), []);
    });

    // One write each after the expiry: a write may erase what has expired, and then hide that it was not judged.
    for (const life of [0, 1]) {
      const verdict = life > 0 ? "still" : "no longer";
      it(`${verdict} takes an item ${life} ms before its instant`, async (context) => {
        const { store, clock } = await open(context);
        await store.swap("k", 0, { value: 1, expiresAt: clock.now() + 1 });
        clock.jump(1 - life);
        assert.equal((await store.take("k"))?.value, life > 0 ? 1 : undefined);
      });

      it(`${verdict} swaps an item ${life} ms before its instant`, async (context) => {
        const { store, clock } = await open(context);
        const version = await store.swap("k", 0, { value: 1, expiresAt: clock.now() + 1 });
        clock.jump(1 - life);
        assert.equal((await store.swap("k", version ?? 0, { value: 2 })) !== undefined, life > 0);
      });
    }

    it("lets an expired key be created anew", async (context) => {
      const { store, clock } = await open(context);
      await store.swap("k", 0, { value: 1, owner: "o", expiresAt: clock.now() + 1 });
      clock.jump(1);
      const version = await store.swap("k", 0, { value: 2 });
      assert.deepEqual(await store.get("k"), { key: "k", version, value: 2 });
      assert.deepEqual(await store.list("o", { limit: 1 }), []);
    });

    it("shows what is there to whoever lost a swap, though the clock was put back", async (context) => {
      const { store, clock } = await open(context);
      await store.swap("k", 0, { value: 1, expiresAt: clock.now() + 1000 });
      await store.get("k");
      clock.jump(1000);
      // Each write lets an engine erase some of what has expired.
      for (let i = 0; i < 5; i++) await store.swap(`other${i}`, 0, { value: i });
      clock.jump(-1000);
      const first = await store.get("k");
      if ((await store.swap("k", first?.version ?? 0, { value: 2 })) !== undefined) return;
      const second = await store.get("k");
      assert.ok(await store.swap("k", second?.version ?? 0, { value: 2 }), "no write meets the item that is read");
    });

    it("fills a page of a listing past expired items", async (context) => {
      const { store, clock } = await open(context);
      for (let i = 0; i < 20; i++) {
        await store.swap(`k${10 + i}`, 0, { value: i, owner: "o", ...(i < 15 && { expiresAt: clock.now() + 1 }) });
      }
      clock.jump(1);
      assert.deepEqual(keysOf(await store.list("o", { limit: 3 })), ["k25", "k26", "k27"]);
    });
  });

  describe(`${name}: take`, () => {
    it("removes the item and resolves to it", async (context) => {
      const { store, clock } = await open(context);
      const draft = { value: { a: 1 }, owner: "o", expiresAt: clock.now() + 9 };
      const version = await store.swap("k", 0, draft);
      assert.deepEqual(await store.take("k"), { key: "k", version, ...draft });
      assert.equal(await store.get("k"), undefined);
      assert.deepEqual(await store.list("o", { limit: 1 }), []);
      assert.equal(await store.take("k"), undefined);
    });

    it("leaves an item of another version alone", async (context) => {
      const { store } = await open(context);
      const version = await created(store, "k", 1);
      for (const other of [version + 1, version - 1, 0]) assert.equal(await store.take("k", other), undefined);
      assert.equal((await store.take("k", version))?.value, 1);
    });

    it("gives the item to exactly one of 50 parallel callers", async (context) => {
      const { store } = await open(context);
      for (let round = 0; round < 20; round++) {
        await created(store, "once", round);
        const taken = await Promise.all(Array.from({ length: 50 }, () => store.take("once")));
        assert.deepEqual(
          taken.filter((item) => item !== undefined).map((item) => item.value),
          [round],
        );
      }
    });
  });

  describe(`${name}: list`, () => {
    const names = ["a", "a#1", "a%", "b", "z", "é", "｡", "𝄞"];
    const fill = async (store: Store) => {
      const shuffled = [...names].reverse();
      await Promise.all(shuffled.map((key) => store.swap(key, 0, { value: key, owner: "mine" })));
      await store.swap("c", 0, { value: "c", owner: "yours" });
      await store.swap("d", 0, { value: "d" });
    };

    it("resolves to one owner's items in the order of the keys' bytes", async (context) => {
      const { store } = await open(context);
      await fill(store);
      assert.deepEqual(keysOf(await store.list("mine", { limit: 1000 })), names);
      assert.deepEqual(keysOf(await store.list("mine", { limit: 1000, reverse: true })), [...names].reverse());
      assert.deepEqual(keysOf(await store.list("yours", { limit: 1000 })), ["c"]);
      assert.deepEqual(await store.list("nobody", { limit: 1000 }), []);
    });

    for (const reverse of [false, true]) {
      it(`pages ${reverse ? "backwards" : "forwards"} without gap or repetition`, async (context) => {
        const { store } = await open(context);
        await fill(store);
        for (const limit of [1, 2, 3, 8]) {
          const seen: string[] = [];
          for (;;) {
            const after = seen.at(-1);
            const page = await store.list("mine", { limit, reverse, ...(after !== undefined && { after }) });
            assert.ok(page.length <= limit);
            if (page.length === 0) break;
            seen.push(...keysOf(page));
          }
          assert.deepEqual(seen, reverse ? [...names].reverse() : names);
        }
      });
    }

    it("continues after a key that is gone, or never was", async (context) => {
      const { store } = await open(context);
      await fill(store);
      await store.take("b");
      assert.deepEqual(keysOf(await store.list("mine", { limit: 1, after: "b" })), ["z"]);
      assert.deepEqual(keysOf(await store.list("mine", { limit: 1, after: "b", reverse: true })), ["a%"]);
    });

    it("follows an item to its new owner", async (context) => {
      const { store } = await open(context);
      const version = await store.swap("k", 0, { value: 1, owner: "one" });
      await store.swap("k", version ?? 0, { value: 1, owner: "two" });
      assert.deepEqual(await store.list("one", { limit: 1 }), []);
      assert.deepEqual(keysOf(await store.list("two", { limit: 1 })), ["k"]);
    });
  });

  describe(`${name}: names and values are stored literally`, () => {
    for (const { id, text } of hostileTexts) {
      it(id, async (context) => {
        const { store } = await open(context);
        const neighbour = await created(store, `${text}x`, "neighbour");
        const version = await store.swap(text, 0, { value: { [text]: text }, owner: text });
        assert.deepEqual(await store.get(text), { key: text, version, value: { [text]: text }, owner: text });
        assert.deepEqual(keysOf(await store.list(text, { limit: 9 })), [text]);
        assert.equal((await store.take<Record<string, string>>(text))?.value[text], text);
        assert.equal((await store.get(`${text}x`))?.version, neighbour);
      });
    }

    it("keeps any well-formed key and any JSON apart and whole", async (context) => {
      const { store } = await open(context);
      const text = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.dictionary(text, fc.jsonValue(), { maxKeys: 8 }), async (entries) => {
          const owner = `round ${round++}`;
          const written = Object.entries(entries);
          for (const [key, value] of written) {
            const current = await store.get(key);
            assert.ok(await store.swap(key, current?.version ?? 0, { value, owner }));
          }
          const listed = await store.list(owner, { limit: 1000 });
          const expected = written.map(([key, value]) => [key, JSON.stringify(value)] as const);
          const actual = listed.map((item) => [item.key, JSON.stringify(item.value)] as const);
          assert.deepEqual(new Map(actual), new Map(expected));
        }),
        { numRuns: Math.ceil(effort * 50) },
      );
    });
  });

  describe(`${name}: bounds`, () => {
    const rows: { id: string; run: (store: Store) => Promise<unknown>; expect: RegExp; error: typeof Error }[] = [
      ...impossibleKeys.map(({ id, text, expect, error }) => ({
        id,
        run: (store: Store) => store.swap(text, 0, { value: 1 }),
        expect,
        error,
      })),
      {
        id: "an owner of 1,025 bytes",
        run: (s) => s.swap("k", 0, { value: 1, owner: "o".repeat(1025) }),
        expect: /1024 bytes/,
        error: RangeError,
      },
      { id: "an empty owner", run: (s) => s.swap("k", 0, { value: 1, owner: "" }), expect: /empty/, error: RangeError },
      { id: "no value", run: (s) => s.swap("k", 0, { value: undefined }), expect: /JSON/, error: TypeError },
      {
        id: "a value of 256 KiB and its quotes",
        run: (s) => s.swap("k", 0, { value: "v".repeat(256 * 1024) }),
        expect: /262144 bytes/,
        error: RangeError,
      },
      {
        id: "a value of fewer characters than bytes",
        run: (s) => s.swap("k", 0, { value: "｡".repeat(100 * 1024) }),
        expect: /262144 bytes/,
        error: RangeError,
      },
      {
        id: "an expiry that is no number",
        run: (s) => s.swap("k", 0, { value: 1, expiresAt: Number.NaN }),
        expect: /NaN/,
        error: RangeError,
      },
      { id: "a page of none", run: (s) => s.list("o", { limit: 0 }), expect: /page of 0/, error: RangeError },
      { id: "a page of 1,001", run: (s) => s.list("o", { limit: 1001 }), expect: /1001/, error: RangeError },
      { id: "a page of one and a half", run: (s) => s.list("o", { limit: 1.5 }), expect: /1.5/, error: RangeError },
    ];
    for (const { id, run, expect, error } of rows) {
      it(`refuses ${id}`, async (context) => {
        const { store } = await open(context);
        await assert.rejects(run(store), (thrown) => thrown instanceof error && expect.test(thrown.message));
        assert.equal(await store.get("k"), undefined);
      });
    }

    for (const { id, text } of impossibleKeys) {
      it(`finds nothing at ${id}`, async (context) => {
        const { store } = await open(context);
        await store.swap("\ufffd", 0, { value: "what a lone surrogate becomes in UTF-8", owner: "\ufffd" });
        assert.equal(await store.get(text), undefined);
        assert.equal(await store.take(text), undefined);
        assert.deepEqual(await store.list(text, { limit: 1 }), []);
      });
    }

    it("takes a key of 1,024 bytes and a value of 256 KiB", async (context) => {
      const { store } = await open(context);
      const key = `${"｡".repeat(341)}k`;
      await created(store, key, "v".repeat(256 * 1024 - 2));
      assert.equal((await store.get<string>(key))?.value.length, 256 * 1024 - 2);
    });
  });

  describe(`${name}: close`, () => {
    it("finishes accepted writes, then rejects", async (context) => {
      const { store } = await open(context);
      const accepted = Promise.all(Array.from({ length: 100 }, (_, i) => store.swap(`k${i}`, 0, { value: i })));
      await store.close();
      assert.ok((await accepted).every((version) => version !== undefined));
      const refusals = [
        store.get("k"),
        store.swap("k", 0, { value: 1 }),
        store.take("k"),
        store.list("o", { limit: 1 }),
      ];
      for (const refusal of refusals) await assert.rejects(refusal, { code: "temporarily_unavailable" });
    });

    it("can be repeated", async (context) => {
      const { store } = await open(context);
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });
  });

  describe(`${name}: against a model`, () => {
    it("any sequence of operations ends as in a map with versions and expiry", {
      skip: !transactions,
    }, async (context) => {
      const { clock, store } = await open(context);
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(modelOperation, { minLength: 1, maxLength: 60 }), async (operations) => {
          const model = new StoreModel(`run ${run++} `, store, clock);
          for (const op of operations) await model.compare(op);
        }),
        { numRuns: Math.ceil(effort * 40) },
      );
    });

    it("swaps linearise: parallel increments by compare-and-set lose none", async (context) => {
      const { store } = await open(context);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 }), async (counts) => {
          await store.take("counter");
          await Promise.all(counts.map((count) => increment(store, "counter", count)));
          const total = counts.reduce((sum, count) => sum + count, 0);
          assert.equal((await store.get("counter"))?.value, total);
        }),
        { numRuns: Math.ceil(effort * 25) },
      );
    });
  });
}

async function created(store: Store, key: string, value: unknown): Promise<number> {
  const version = await store.swap(key, 0, { value });
  assert.ok(version !== undefined, `Cannot create ${key}`);
  return version;
}

function keysOf(items: readonly Item[]): string[] {
  return items.map((item) => item.key);
}

async function increment(store: Store, key: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const item = await store.get<number>(key);
    const swapped = await store.swap(key, item?.version ?? 0, { value: (item?.value ?? 0) + 1 });
    if (swapped !== undefined) done++;
  }
}

import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { FakeClock } from "@countersign/protocol/testing";
import fc from "fast-check";
import { keys } from "../../src/store/keys.ts";
import type { Change, Item, Store } from "../../src/store/store.ts";

type Open = (context: TestContext) => Promise<{ readonly store: Store; readonly clock: FakeClock }>;

const write = (key: string, expectedVersion: number, value: unknown = key): Change => {
  return { key, expectedVersion, draft: { value } };
};
const remove = (key: string, expectedVersion: number): Change => ({ key, expectedVersion, remove: true });
const guard = (key: string, expectedVersion: number): Change => ({ key, expectedVersion });

/** What the port promises of several items, against one engine. */
export function commitContract(name: string, open: Open, effort = 1): void {
  describe(`${name}: commit`, () => {
    it("creates, replaces, removes and guards in one, under one version", async (context) => {
      const { store, clock } = await open(context);
      const before = await made(store, "replaced", "removed", "guarded");
      const draft = { value: { a: 1 }, owner: "o", expiresAt: clock.now() + 1 };
      const { version = 0 } = await store.commit([
        { key: "created", expectedVersion: 0, draft },
        write("replaced", before, "new"),
        remove("removed", before),
        guard("guarded", before),
        guard("absent", 0),
        remove("never was", 0),
      ]);
      assert.ok(Number.isSafeInteger(version) && version > 0 && version !== before);
      assert.deepEqual(await store.get("created"), { key: "created", version, ...draft });
      assert.deepEqual(await store.get("replaced"), { key: "replaced", version, value: "new" });
      assert.equal(await store.get("removed"), undefined);
      assert.equal((await store.get("guarded"))?.version, before);
      assert.equal(await store.get("absent"), undefined);
      assert.deepEqual(
        (await store.list("o", { limit: 9 })).map(({ key }) => key),
        ["created"],
      );
    });

    const refused: readonly { readonly id: string; readonly wrong: (version: number) => Change }[] = [
      { id: "a creation of what exists", wrong: () => write("there", 0) },
      { id: "a replacement of another version", wrong: (version) => write("there", version + 1) },
      { id: "a replacement of what is not there", wrong: (version) => write("absent", version) },
      { id: "a removal of another version", wrong: (version) => remove("there", version + 1) },
      { id: "a removal of what is not there", wrong: (version) => remove("absent", version) },
      { id: "a removal of nothing where something is", wrong: () => remove("there", 0) },
      { id: "a guard of another version", wrong: (version) => guard("there", version + 1) },
      { id: "a guard of an absence that is none", wrong: () => guard("there", 0) },
      { id: "a guard of what has expired", wrong: () => guard("expired", 1) },
    ];
    for (const place of [0, 1, 2]) {
      for (const { id, wrong } of refused) {
        it(`changes nothing for ${id} in place ${place}, and says which it was`, async (context) => {
          const { store, clock } = await open(context);
          const version = await made(store, "there", "other");
          await store.swap("expired", 0, { value: 1, expiresAt: clock.now() });
          const changes = [write("new", 0), remove("other", version)];
          changes.splice(place, 0, wrong(version));
          const { failed } = await store.commit(changes);
          assert.deepEqual(failed, [wrong(version).key]);
          assert.equal(await store.get("new"), undefined);
          for (const key of ["there", "other"]) assert.deepEqual(await store.get(key), { key, version, value: key });
        });
      }
    }

    it("takes what has expired for absent", async (context) => {
      const { store, clock } = await open(context);
      await store.swap("k", 0, { value: 1, owner: "o", expiresAt: clock.now() + 1 });
      clock.jump(1);
      const { version } = await store.commit([write("k", 0), write("l", 0)]);
      assert.deepEqual(await store.get("k"), { key: "k", version, value: "k" });
      assert.deepEqual(await store.list("o", { limit: 1 }), []);
    });

    it("gives no version twice, whatever the clock does", async (context) => {
      const { store, clock } = await open(context);
      const seen = new Set<number>();
      for (const [round, jump] of [0, -60_000, 6e14, -6e14, 1].entries()) {
        clock.jump(jump);
        const version = await made(store, `a${round}`, `b${round}`);
        assert.ok(Number.isSafeInteger(version) && !seen.has(version), `${version}`);
        seen.add(version);
        assert.equal((await store.get(`a${round}`))?.version, version);
      }
    });

    const bounds: readonly { readonly id: string; readonly changes: readonly Change[]; readonly expect: RegExp }[] = [
      { id: "nothing", changes: [], expect: /0 changes/ },
      { id: "26 changes", changes: Array.from({ length: 26 }, (_, n) => write(`k${n}`, 0)), expect: /26 changes/ },
      { id: "a key twice", changes: [write("k", 0), guard("k", 0)], expect: /key twice/ },
      {
        id: "more than 2 MiB",
        changes: Array.from({ length: 9 }, (_, n) => write(`k${n}`, 0, "v".repeat(250_000))),
        expect: /2097152 bytes/,
      },
      { id: "an empty key", changes: [write("k", 0), guard("", 0)], expect: /empty key/ },
      { id: "a version below zero", changes: [guard("k", -1)], expect: /version -1/ },
      { id: "a version that is no number", changes: [write("k", Number.NaN)], expect: /version NaN/ },
      { id: "a version beyond the safe integers", changes: [remove("k", 2 ** 53)], expect: /version 9007199254740992/ },
    ];
    for (const { id, changes, expect } of bounds) {
      it(`refuses ${id} and changes nothing`, async (context) => {
        const { store } = await open(context);
        await assert.rejects(
          store.commit(changes),
          (error) => error instanceof RangeError && expect.test(error.message),
        );
        assert.equal(await store.get("k"), undefined);
      });
    }

    it("takes 25 changes", async (context) => {
      const { store } = await open(context);
      const version = await made(store, ...Array.from({ length: 25 }, (_, n) => `k${n}`));
      assert.equal((await store.get("k24"))?.version, version);
    });
  });

  describe(`${name}: a commit with an id`, () => {
    it("has one effect and one answer, however often it is sent", async (context) => {
      const { store, clock } = await open(context);
      const changes = [write("k", 0), write("l", 0)];
      const answers = await Promise.all([1, 2, 3].map(() => store.commit(changes, { id: "one" })));
      clock.jump(599_999);
      answers.push(await store.commit(changes, { id: "one" }));
      const version = (await store.get("k"))?.version;
      assert.deepEqual(answers, [{ version }, { version }, { version }, { version }]);
      assert.notEqual((await store.commit(changes, { id: "two" })).failed, undefined);
    });

    it("does not bring back what was changed since", async (context) => {
      const { store } = await open(context);
      const first = await store.commit([write("k", 0)], { id: "one" });
      await store.take("k");
      assert.deepEqual(await store.commit([write("k", 0)], { id: "one" }), first);
      assert.equal(await store.get("k"), undefined);
    });

    it("can be tried again under its id when an expectation was not met", async (context) => {
      const { store } = await open(context);
      await store.swap("k", 0, { value: 1 });
      const changes = [write("k", 0), write("l", 0)];
      assert.deepEqual(await store.commit(changes, { id: "one" }), { failed: ["k"] });
      await store.take("k");
      assert.ok((await store.commit(changes, { id: "one" })).version);
    });

    it("leaves one item that expires", async (context) => {
      const { store, clock } = await open(context);
      await store.commit([write("k", 0)], { id: "one" });
      assert.equal((await store.get(keys.commit("one")))?.expiresAt, clock.now() + 600_000);
    });

    for (const id of ["", "x".repeat(37), "\ud800"]) {
      it(`is refused under ${JSON.stringify(id)}`, async (context) => {
        const { store } = await open(context);
        await assert.rejects(store.commit([write("k", 0)], { id }), RangeError);
      });
    }
  });

  describe(`${name}: commits that race`, () => {
    it("let one of 50 win, whole", async (context) => {
      const { store } = await open(context);
      const version = await made(store, "a", "b");
      const attempts = Array.from({ length: 50 }, (_, n) =>
        store.commit([write("a", version, n), write("b", version, n), write(`mark ${n}`, 0)]),
      );
      const won = (await Promise.all(attempts)).flatMap((result, n) => (result.failed === undefined ? [n] : []));
      assert.equal(won.length, 1);
      assert.deepEqual([(await store.get("a"))?.value, (await store.get("b"))?.value], [won[0], won[0]]);
      for (let n = 0; n < 50; n++) assert.equal((await store.get(`mark ${n}`)) !== undefined, n === won[0]);
    });

    it("let no guard pass beside a change of what it guards", async (context) => {
      const { store } = await open(context);
      for (let round = 0; round < 20; round++) {
        const version = await made(store, `left ${round}`, `right ${round}`);
        const [left, right] = [`left ${round}`, `right ${round}`];
        const outcomes = await Promise.all([
          store.commit([write(left, version, "changed"), guard(right, version)]),
          store.commit([write(right, version, "changed"), guard(left, version)]),
        ]);
        assert.equal(outcomes.filter(({ failed }) => failed === undefined).length, 1);
      }
    });

    it("move amounts between accounts and lose none", async (context) => {
      const { store } = await open(context);
      const account = fc.integer({ min: 0, max: 3 });
      const moves = fc.array(fc.tuple(account, account), { minLength: 1, maxLength: 40 });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(moves, async (pairs) => {
          const names = [0, 1, 2, 3].map((n) => `run ${run} account ${n}`);
          run += 1;
          await store.commit(names.map((key) => write(key, 0, 100)));
          await Promise.all(pairs.map(([from, to]) => move(store, names[from] ?? "", names[to] ?? "")));
          const left = await Promise.all(names.map((key) => store.get<number>(key)));
          assert.equal(
            left.reduce((sum, item) => sum + (item?.value ?? 0), 0),
            400,
          );
        }),
        { numRuns: Math.ceil(effort * 20) },
      );
    });
  });
}

/** Items that hold their keys, made by one commit; resolves to its version. */
async function made(store: Store, ...names: readonly string[]): Promise<number> {
  const { version } = await store.commit(names.map((key) => write(key, 0)));
  return version ?? assert.fail(`Cannot make ${names}`);
}

async function move(store: Store, from: string, to: string): Promise<void> {
  if (from === to) return;
  for (;;) {
    const [source, target] = await Promise.all([store.get<number>(from), store.get<number>(to)]);
    const { failed } = await store.commit([moved(from, source, -1), moved(to, target, 1)]);
    if (failed === undefined) return;
  }
}

function moved(key: string, item: Item<number> | undefined, amount: number): Change {
  return write(key, item?.version ?? 0, (item?.value ?? 0) + amount);
}

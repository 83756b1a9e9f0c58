import assert from "node:assert/strict";
import type { FakeClock } from "@countersign/protocol/testing";
import fc from "fast-check";
import type { Change, Item, Store } from "../../src/store/store.ts";

/** An operation of a random history. */
export type ModelOperation =
  | {
      readonly do: "swap";
      readonly key: string;
      readonly stale: boolean;
      readonly life: number;
      readonly owner: string;
    }
  | { readonly do: "commit"; readonly changes: readonly ModelChange[] }
  | { readonly do: "take"; readonly key: string; readonly stale: boolean }
  | { readonly do: "wait"; readonly ms: number };

/** One change of a random commit: what is done with a key, and whether its version is right. */
export interface ModelChange {
  readonly key: string;
  readonly stale: boolean;
  readonly verb: "write" | "remove" | "guard";
  readonly life: number;
}

const key = fc.constantFrom("a", "b", "c");
const change: fc.Arbitrary<ModelChange> = fc.record({
  key,
  stale: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  verb: fc.constantFrom("write", "remove", "guard" as const),
  life: fc.integer({ min: 0, max: 5 }),
});
/** Random operations on few keys, so that they meet. */
export const modelOperation: fc.Arbitrary<ModelOperation> = fc.oneof(
  fc.record({
    do: fc.constant("swap" as const),
    key,
    stale: fc.boolean(),
    life: fc.integer({ min: 0, max: 5 }),
    owner: fc.constantFrom("x", "y"),
  }),
  fc.record({
    do: fc.constant("commit" as const),
    changes: fc.uniqueArray(change, { minLength: 1, maxLength: 3, selector: (one) => one.key }),
  }),
  fc.record({ do: fc.constant("take" as const), key, stale: fc.boolean() }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3 }) }),
);

/** What the port says, as plainly as can be. */
export class StoreModel {
  readonly #prefix: string;
  readonly #store: Store;
  readonly #clock: FakeClock;
  readonly #items = new Map<string, Item>();
  #writes = 0;

  constructor(prefix: string, store: Store, clock: FakeClock) {
    this.#prefix = prefix;
    this.#store = store;
    this.#clock = clock;
  }

  /** Does the same to the store and to the model, and expects them to agree on everything afterwards. */
  async compare(op: ModelOperation): Promise<void> {
    if (op.do === "wait") this.#clock.jump(op.ms);
    if (op.do === "swap") await this.#swap(op);
    if (op.do === "commit") await this.#commit(op);
    if (op.do === "take") await this.#take(op);
    for (const name of ["a", "b", "c"]) assert.deepEqual(await this.#store.get(this.#prefix + name), this.#live(name));
    for (const owner of ["x", "y"]) {
      assert.deepEqual(await this.#store.list(this.#prefix + owner, { limit: 9 }), this.#of(owner));
    }
  }

  async #swap(op: ModelOperation & { do: "swap" }): Promise<void> {
    const current = this.#live(op.key);
    const draft = {
      value: this.#writes++,
      ...(op.life > 0 && { owner: this.#prefix + op.owner, expiresAt: this.#clock.now() + op.life }),
    };
    const key = this.#prefix + op.key;
    const version = await this.#store.swap(key, (current?.version ?? 0) + (op.stale ? 1 : 0), draft);
    assert.equal(version === undefined, op.stale);
    if (version === undefined) return;
    assert.notEqual(version, current?.version);
    this.#items.set(op.key, { key, version, ...draft });
  }

  async #commit({ changes }: ModelOperation & { do: "commit" }): Promise<void> {
    const wanted = changes.map((one) => this.#changeOf(one));
    const { version, failed } = await this.#store.commit(wanted);
    const stale = changes.filter((one) => one.stale).map((one) => this.#prefix + one.key);
    assert.equal(failed === undefined, stale.length === 0);
    for (const failedKey of failed ?? []) assert.ok(stale.includes(failedKey), `${failedKey} was as expected`);
    if (version === undefined) return;
    for (const [place, { key: name, verb }] of changes.entries()) {
      const { key, draft } = wanted[place] ?? assert.fail();
      if (verb === "remove") this.#items.delete(name);
      if (draft !== undefined) this.#items.set(name, { key, version, ...draft });
    }
  }

  #changeOf({ key: name, stale, verb, life }: ModelChange): Change {
    const key = this.#prefix + name;
    const expectedVersion = (this.#live(name)?.version ?? 0) + (stale ? 1 : 0);
    if (verb !== "write") return { key, expectedVersion, remove: verb === "remove" };
    const end = life > 0 && { owner: `${this.#prefix}x`, expiresAt: this.#clock.now() + life };
    return { key, expectedVersion, draft: { value: this.#writes++, ...end } };
  }

  async #take(op: ModelOperation & { do: "take" }): Promise<void> {
    const item = this.#live(op.key);
    const version = (item?.version ?? 1) + (op.stale ? 1 : 0);
    assert.deepEqual(await this.#store.take(this.#prefix + op.key, version), op.stale ? undefined : item);
    if (!op.stale) this.#items.delete(op.key);
  }

  #live(name: string): Item | undefined {
    const item = this.#items.get(name);
    return item?.expiresAt !== undefined && item.expiresAt <= this.#clock.now() ? undefined : item;
  }

  #of(owner: string): Item[] {
    const living = ["a", "b", "c"].flatMap((name) => this.#live(name) ?? []);
    return living.filter((item) => item.owner === this.#prefix + owner);
  }
}

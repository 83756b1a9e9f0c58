import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryCache } from "@countersign/token-keeper";
import { WriteOrder } from "../src/guarded-cache.ts";

/** Writes that end when they are told to, and what was begun of them. */
function someWrites() {
  const order = WriteOrder.of(memoryCache());
  const begun: string[] = [];
  const write = (name: string, key = "key") => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = order.write(key, () => {
      begun.push(name);
      return promise;
    });
    return { done, resolve, reject };
  };
  return { order, begun, write };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("WriteOrder", () => {
  it("begins one write to a key at a time, and of those that wait only the last", async () => {
    const { begun, write } = someWrites();
    const [one, two, three, other] = [write("one"), write("two"), write("three"), write("other", "another key")];
    await turn();
    assert.deepEqual(begun, ["one", "other"]);
    one.resolve();
    await turn();
    assert.deepEqual(begun, ["one", "other", "three"]);
    const four = write("four");
    await turn();
    assert.equal(begun.length, 3);
    for (const { resolve } of [three, four, other]) resolve();
    await Promise.all([one, two, three, four, other].map(({ done }) => done));
    assert.deepEqual(begun, ["one", "other", "three", "four"]);
  });

  it("goes on after a write that failed, and tells each caller of the write it waited for", async () => {
    const { order, begun, write } = someWrites();
    const [one, two] = [write("one"), write("two")];
    one.reject(new Error("first"));
    await assert.rejects(one.done, { message: "first" });
    await turn();
    assert.deepEqual(begun, ["one", "two"]);
    two.reject(new Error("second"));
    await assert.rejects(two.done, { message: "second" });
    const broken = () => {
      throw new Error("at once");
    };
    await assert.rejects(order.write("key", broken), { message: "at once" });
  });

  it("ended() waits for the last write, and is undefined when there is none", async () => {
    const { order, write } = someWrites();
    assert.equal(order.ended("key"), undefined);
    const [one, two] = [write("one"), write("two")];
    two.done.catch(() => undefined);
    let ended = false;
    const all = order.ended("key")?.then(() => {
      ended = true;
    });
    one.resolve();
    await turn();
    assert.equal(ended, false);
    two.reject(new Error("failed"));
    await all;
    assert.equal(order.ended("key"), undefined);
  });
});

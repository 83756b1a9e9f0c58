import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LruCache } from "../../src/crypto/lru.ts";

const letters = [..."abcdefgh"];

function filled(capacity: number): LruCache<string> {
  const cache = new LruCache<string>(capacity);
  for (const letter of letters) cache.set(letter, letter.toUpperCase());
  return cache;
}

describe("LruCache", () => {
  it("forgets what came first, past its capacity", () => {
    const cache = filled(3);
    assert.equal(cache.size, 3);
    assert.deepEqual(
      letters.map((letter) => cache.get(letter)),
      [...new Array(5).fill(undefined), "F", "G", "H"],
    );
  });

  it("keeps what is used at least once in each half of what comes", () => {
    const cache = filled(8);
    for (let round = 0; round < 100; round++) {
      assert.equal(cache.get("a"), "A");
      for (let i = 0; i < 4; i++) cache.set(`${round}/${i}`, "");
    }
    assert.equal(cache.get("b"), undefined);
  });

  it("weighs what it holds, also when it is replaced", () => {
    const cache = new LruCache<string>(10, (value) => value.length);
    cache.set("a", "1234");
    cache.set("a", "12345678");
    cache.set("b", "12");
    assert.deepEqual([cache.get("a"), cache.get("b")], ["12345678", "12"]);
    cache.set("c", "1");
    assert.deepEqual([cache.get("a"), cache.get("b"), cache.get("c")], [undefined, "12", "1"]);
    cache.set("d", "12345678901");
    assert.deepEqual([cache.size, cache.get("d")], [0, undefined]);
  });
});

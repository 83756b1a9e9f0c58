import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryCache, sealedCache } from "@countersign/token-keeper";

const keyOf = (fill: number, length = 32) => new Uint8Array(length).fill(fill);

describe("sealedCache()", () => {
  it("refuses to seal without a key, or with one that has not 32 bytes", () => {
    for (const keys of [[], [keyOf(1, 16)], [keyOf(1, 24)], [keyOf(1), keyOf(2, 31)]])
      assert.throws(() => sealedCache(memoryCache(), { keys }), RangeError);
  });

  it("opens with any of its keys, and seals with the first", async () => {
    const inner = memoryCache();
    await sealedCache(inner, { keys: [keyOf(1)] }).set("key", "value");
    const both = sealedCache(inner, { keys: [keyOf(2), keyOf(1)] });
    assert.equal(await both.get("key"), "value");
    await both.set("key", "value");
    await assert.rejects(sealedCache(inner, { keys: [keyOf(1)] }).get("key"), /Cannot open/);
  });

  it("opens nothing of another version or form", async () => {
    const inner = memoryCache();
    const cache = sealedCache(inner, { keys: [keyOf(1)] });
    await cache.set("key", "value");
    const text = (await inner.get("key")) ?? "";
    for (const changed of [text.replace("sealed1", "sealed2"), text.replace(/\.[^.]*$/, ""), "sealed1..", "plain"]) {
      await inner.set("key", changed);
      await assert.rejects(cache.get("key"), /Cannot open/);
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomSecret, systemRandom } from "../src/index.ts";

describe("systemRandom", () => {
  for (const length of [-16, -0.5, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`refuses a length of ${length}, and gives out nothing twice or empty after it`, () => {
      const before = systemRandom.bytes(16);
      assert.throws(() => systemRandom.bytes(length), RangeError);
      assert.notDeepEqual(systemRandom.bytes(16), before);
      assert.equal(randomSecret(systemRandom).length, 43);
    });
  }

  it("gives as many bytes as are asked for, within its pool and beyond", () => {
    for (const length of [0, 1, 16, 4095, 4096, 4097, 100_000]) assert.equal(systemRandom.bytes(length).length, length);
  });

  it("gives no bytes twice", () => {
    const seen = new Set(Array.from({ length: 10_000 }, () => randomSecret(systemRandom, 16)));
    assert.equal(seen.size, 10_000);
  });
});

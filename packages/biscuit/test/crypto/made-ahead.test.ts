import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultProvider, madeAhead } from "../../src/crypto/node.ts";
import { ALGORITHMS, hex } from "./providers.ts";

describe("madeAhead", () => {
  it("hands out each pair once, in order, and makes one ahead for each call up to eight", async () => {
    let made = 0;
    const next = madeAhead(async () => ++made);
    const counts: number[] = [];
    const taken: number[] = [];
    for (let i = 0; i < 12; i++) {
      taken.push(await next());
      counts.push(made - taken.length);
    }
    assert.deepEqual(
      taken,
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8]);
  });

  it("leaves a failure to the caller who takes that pair", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): number => unhandled.push(reason);
    process.on("unhandledRejection", listener);
    let calls = 0;
    const next = madeAhead(async () => {
      calls++;
      if (calls === 2) throw new RangeError("No entropy");
      return calls;
    });
    assert.equal(await next(), 1);
    await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(next(), RangeError);
    assert.equal(await next(), 3);
    process.off("unhandledRejection", listener);
    assert.deepEqual(unhandled, []);
  });
});

describe("nodeProvider.generateKeyPair", () => {
  for (const algorithm of ALGORITHMS) {
    it(`never gives two callers one pair of ${algorithm}, and pairs that belong together`, async () => {
      const pairs = await Promise.all(Array.from({ length: 40 }, () => defaultProvider.generateKeyPair(algorithm)));
      assert.equal(new Set(pairs.map(({ privateKey }) => hex(privateKey))).size, 40);
      for (const { privateKey, publicKey } of pairs) {
        assert.deepEqual(await defaultProvider.publicKeyOf(algorithm, privateKey), publicKey);
      }
    });
  }
});

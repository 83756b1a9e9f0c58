import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constantBackoff, exponentialBackoff } from "@countersign/token-keeper";
import { seededRandom } from "@countersign/token-keeper/testing";

const random = seededRandom(3);

describe("exponentialBackoff", () => {
  it("doubles from 100 ms to 15 s, as aliri_tokens does", () => {
    const backoff = exponentialBackoff({ jitter: "none" });
    const delays = Array.from({ length: 10 }, (_, i) => backoff({ failures: i + 1, random }));
    assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
  });

  it("caps the first delay as well", () => {
    assert.equal(exponentialBackoff({ initialMs: 900, maxMs: 50, jitter: "none" })({ failures: 1, random }), 50);
  });

  for (const { jitter, least } of [
    { jitter: "equal", least: 0.5 },
    { jitter: "full", least: 0.1 },
  ] as const) {
    it(`spreads with ${jitter} jitter, and never down to nothing`, () => {
      const backoff = exponentialBackoff({ jitter });
      const delays = Array.from({ length: 300 }, () => backoff({ failures: 20, random }));
      assert.ok(delays.every((ms) => ms >= 15_000 * least && ms <= 15_000));
      assert.ok(Math.max(...delays) - Math.min(...delays) > 15_000 * (1 - least) * 0.9);
    });
  }

  it("stays finite after any number of errors", () => {
    assert.ok(exponentialBackoff()({ failures: 1e9, random }) <= 15_000);
  });

  it("refuses what would make a hot loop", () => {
    for (const options of [{ initialMs: 0 }, { maxMs: 0 }, { factor: 0.5 }, { initialMs: Number.NaN }])
      assert.throws(() => exponentialBackoff(options), RangeError);
    assert.throws(() => constantBackoff(0), RangeError);
  });
});

describe("constantBackoff", () => {
  it("is always the same", () => {
    assert.deepEqual(
      [1, 2, 9].map((failures) => constantBackoff(250)({ failures, random })),
      [250, 250, 250],
    );
  });
});

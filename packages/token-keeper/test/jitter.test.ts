import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decorrelatedJitter, fullJitter, noJitter, randomEarlyJitter } from "@countersign/token-keeper";
import { seededRandom } from "@countersign/token-keeper/testing";

const random = seededRandom(7);
const jitters = {
  noJitter: { jitter: noJitter(), least: 0, most: 0 },
  "randomEarlyJitter(60 s)": { jitter: randomEarlyJitter(60_000), least: 0, most: 60_000 },
  "randomEarlyJitter(0)": { jitter: randomEarlyJitter(0), least: 0, most: 0 },
  fullJitter: { jitter: fullJitter(), least: 0, most: 450_000 },
  decorrelatedJitter: { jitter: decorrelatedJitter(1_000, 60_000), least: 1_000, most: 60_000 },
};

describe("jitter", () => {
  for (const [name, { jitter, least, most }] of Object.entries(jitters)) {
    it(`${name} stays within ${least} and ${most} ms and uses the range`, () => {
      let previousMs = 0;
      const draws = Array.from({ length: 500 }, () => {
        previousMs = jitter({ freshMs: 900_000, previousMs, random });
        return previousMs;
      });
      assert.ok(draws.every((ms) => ms >= least && ms <= most));
      assert.ok(Math.max(...draws) - Math.min(...draws) >= (most - least) * 0.9);
    });

    it(`${name} never takes more than half of the fresh time`, () => {
      for (let i = 0; i < 100; i++) assert.ok(jitter({ freshMs: 500, previousMs: 5_000, random }) <= 250);
    });
  }

  it("decorrelatedJitter spreads the first draw of instances that start together", () => {
    const draws = new Set(
      Array.from({ length: 50 }, () => decorrelatedJitter(1_000, 60_000)({ freshMs: 9e5, previousMs: 0, random })),
    );
    assert.ok(draws.size > 45);
  });

  it("refuses a negative span", () => {
    assert.throws(() => randomEarlyJitter(-1), RangeError);
    assert.throws(() => decorrelatedJitter(1, Number.NaN), RangeError);
  });
});

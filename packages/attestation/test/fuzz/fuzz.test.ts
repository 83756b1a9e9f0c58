import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTargets, flipEveryBit, fuzz, judge } from "./fuzz.ts";

// The long form is `npm run fuzz:attestation`: every bit, and 100,000 mutants.
describe("evidence of three simulated platforms", async () => {
  const targets = await createTargets();

  it("is accepted as it is", async () => {
    for (const target of targets) assert.equal(await judge(target, target), "accepted");
  });

  for (const target of targets) {
    it(`is refused with a bit flipped: ${target.name}`, async () => {
      // 67 is prime to 8: every bit of a byte, and every part of a quote, has its turn.
      const { judged, faults } = await flipEveryBit(target, 67);
      assert.ok(judged > 400);
      assert.deepEqual(faults, []);
    });
  }

  it("is refused however it is mutated, without a crash", async () => {
    const { judged, refused, faults } = await fuzz(targets, 1, 1500);
    assert.deepEqual(faults, []);
    assert.equal(refused, judged);
    assert.ok(judged > 1300);
  });
});

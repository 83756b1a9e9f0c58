import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/token-keeper/testing";
import { SkewEstimate } from "../src/skew.ts";

const issuer = "https://auth.example.com";

function learnt(aheadMs: number, tookMs = 0) {
  const clock = new FakeClock();
  const skew = new SkewEstimate(clock);
  const sentAt = clock.now();
  skew.observe(issuer, sentAt + tookMs / 2 + aheadMs, sentAt, sentAt + tookMs);
  return { clock, skew };
}

describe("SkewEstimate", () => {
  const rows = [
    { aheadMs: 1_999, tookMs: 0, skewMs: 0 },
    { aheadMs: 2_000, tookMs: 0, skewMs: 2_000 },
    { aheadMs: -90_000, tookMs: 0, skewMs: -90_000 },
    { aheadMs: 4_499, tookMs: 5_000, skewMs: 0 },
    { aheadMs: 4_500, tookMs: 5_000, skewMs: 4_500 },
  ];
  for (const { aheadMs, tookMs, skewMs } of rows) {
    it(`takes ${aheadMs} ms in an answer of ${tookMs} ms for ${skewMs} ms`, () => {
      const { clock, skew } = learnt(aheadMs, tookMs);
      assert.equal(skew.get(issuer), skewMs);
      assert.equal(skew.serverNow(issuer), clock.now() + skewMs);
    });
  }

  it("knows nothing of another issuer", () => {
    const { clock, skew } = learnt(90_000);
    assert.equal(skew.get("https://other.example.com"), undefined);
    assert.equal(skew.serverNow("https://other.example.com"), clock.now());
  });

  for (const jumpMs of [2_001, -2_001]) {
    it(`forgets what it learnt by a clock that was set by ${jumpMs} ms since, and nothing by time that passed`, async () => {
      const { clock, skew } = learnt(90_000);
      await clock.advance(3_600_000);
      assert.equal(skew.get(issuer), 90_000);
      clock.jump(jumpMs);
      assert.equal(skew.get(issuer), undefined);
      clock.jump(-jumpMs);
      assert.equal(skew.get(issuer), 90_000);
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/token-keeper/testing";
import { LeaseObserver } from "../src/lease.ts";

describe("LeaseObserver", () => {
  it("believes the holder's clock only when it is a minute past", () => {
    const clock = new FakeClock();
    const observer = new LeaseObserver(clock);
    const now = clock.now();
    assert.equal(observer.isOver("key", "nonce", { until: now - 60_000, ttlMs: 5_000 }), false);
    assert.equal(observer.isOver("key", "nonce", { until: now - 60_001, ttlMs: 5_000 }), true);
  });

  it("begins anew with each lease it sees", async () => {
    const clock = new FakeClock();
    const observer = new LeaseObserver(clock);
    const lease = { until: Number.POSITIVE_INFINITY, ttlMs: 5_000 };
    for (const nonce of ["first", "second"]) {
      assert.equal(observer.isOver("key", nonce, lease), false);
      await clock.advance(4_999);
      assert.equal(observer.isOver("key", nonce, lease), false);
    }
    await clock.advance(1);
    assert.equal(observer.isOver("key", "second", lease), true);
  });
});

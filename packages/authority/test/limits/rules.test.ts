import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type AttemptsState,
  type BudgetState,
  countAttempt,
  giveBack,
  takeFromBudget,
} from "../../src/limits/rules.ts";

const policy = { attempts: 5, maxDelayMs: 900_000 };

/** Tries as soon as the rule lets it; the waits between the attempts, in seconds. */
function waits(count: number): readonly number[] {
  let state: AttemptsState | undefined;
  let now = 1_000_000;
  return Array.from({ length: count }, () => {
    const before = now;
    now = Math.max(now, state?.notBefore ?? 0);
    const decision = countAttempt(state, now, policy);
    assert.ok(decision.allowed);
    state = decision.state;
    return (now - before) / 1000;
  });
}

describe("countAttempt", () => {
  it("E1 lets five through, then one after 1, 2, 4 … 900 seconds", () => {
    assert.deepEqual(waits(18), [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  it("E5 never locks for longer than the longest delay, however many attempts there were", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 2 ** 41 }), (attempts, now) => {
        const decision = countAttempt({ attempts, notBefore: now }, now, policy);
        assert.ok(decision.allowed);
        assert.ok(decision.state.notBefore <= now + policy.maxDelayMs);
        assert.ok(decision.expiresAt > decision.state.notBefore);
      }),
      { seed: 1 },
    );
  });

  it("refuses until the instant itself", () => {
    const state = { attempts: 9, notBefore: 5000 };
    assert.deepEqual(countAttempt(state, 4999, policy), { allowed: false, retryAt: 5000 });
    assert.equal(countAttempt(state, 5000, policy).allowed, true);
  });
});

describe("takeFromBudget", () => {
  it("E4 lets a minute's budget through at once, and never more than budget and rate together", () => {
    const rates = fc.integer({ min: 1, max: 300 });
    const steps = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 400 });
    fc.assert(
      fc.property(rates, steps, (perMinute, gaps) => {
        const budget = { burst: perMinute, everyMs: 60_000 / perMinute };
        let state: BudgetState | undefined;
        let now = 1_000_000;
        let allowed = 0;
        for (const gap of gaps) {
          now += gap;
          const decision = takeFromBudget(state, now, budget);
          if (!decision.allowed) {
            assert.ok(decision.retryAt > now);
            assert.ok(takeFromBudget(state, decision.retryAt, budget).allowed);
            continue;
          }
          allowed += 1;
          state = decision.state;
        }
        assert.ok(allowed <= perMinute + ((now - 1_000_000) / 60_000) * perMinute + 1e-6);
        assert.ok(allowed >= Math.min(perMinute, gaps.length));
      }),
      { seed: 1 },
    );
  });

  it("has one more after one was given back, and never more than the burst", () => {
    const budget = { burst: 3, everyMs: 1000 };
    const take = (state: BudgetState | undefined) => takeFromBudget(state, 5000, budget);
    let state: BudgetState | undefined;
    for (let turn = 0; turn < 10; turn++) {
      const decision = take(state);
      assert.ok(decision.allowed);
      state = giveBack(decision.state, budget);
    }
    for (let turn = 0; turn < 3; turn++) {
      const decision = take(state);
      assert.ok(decision.allowed);
      state = decision.state;
    }
    assert.equal(take(state).allowed, false);
  });
});

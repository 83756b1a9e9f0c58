import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exponentialBackoff, TokenError } from "@countersign/token-keeper";
import { FakeClock, seededRandom } from "@countersign/token-keeper/testing";
import { Pace } from "../src/pace.ts";

function aPace() {
  const clock = new FakeClock();
  const backoff = exponentialBackoff({ initialMs: 1_000, jitter: "none" });
  return { clock, pace: new Pace({ clock, random: seededRandom(1), backoff, minIntervalMs: 1_000 }) };
}

const failed = () => new TokenError("network_failed", "no");

describe("Pace", () => {
  it("counts no attempt that a token's last seconds made urgent as a step of the backoff", () => {
    const { pace } = aPace();
    const urgent = [2_000, 1_000, 500, 200, 100].map((leftMs) => pace.fail(failed(), leftMs));
    assert.deepEqual(urgent, [500, 250, 250, 250, 250]);
    assert.equal(pace.failures, 5);
    const after = [1, 2, 3].map(() => pace.fail(failed(), 0));
    assert.deepEqual(after, [1_000, 2_000, 4_000]);
  });

  it("takes the pause that all who share a cache have for its own, and others' errors for no step", () => {
    const { pace } = aPace();
    assert.equal(pace.fail(new TokenError("server_error", "no", { status: 503, pauseMs: 700 }), undefined), 700);
    assert.equal(pace.fail(new TokenError("cooling_down", "no", { retryAfterMs: 300, pauseMs: 300 }), undefined), 300);
    assert.equal(pace.steps, 1);
  });

  it("tries a terminal error again after a minute, then more and more rarely, a quarter of an hour at most", async () => {
    const { clock, pace } = aPace();
    const rarely: number[] = [];
    for (let i = 0; i < 8; i++) {
      assert.equal(pace.fail(new TokenError("invalid_client", "no"), undefined), undefined);
      assert.ok(pace.blockedMs() <= 5_000);
      rarely.push(pace.backgroundMs());
      await clock.advance(pace.backgroundMs());
    }
    assert.ok((rarely[0] ?? 0) >= 30_000 && (rarely[0] ?? 0) <= 60_000, `${rarely}`);
    assert.ok((rarely[7] ?? 0) >= 450_000 && (rarely[7] ?? 0) <= 900_000, `${rarely}`);
    pace.renew();
    assert.equal(pace.terminalError, undefined);
  });
});

import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { systemClock } from "../src/index.ts";

describe("systemClock.sleep()", () => {
  it("sleeps longer than a timer can", async () => {
    const spans: number[] = [];
    const timer = mock.method(globalThis, "setTimeout", (wake: () => void, ms: number) => {
      spans.push(ms);
      queueMicrotask(wake);
      return { unref() {} };
    });
    await systemClock.sleep(5e9);
    timer.mock.restore();
    assert.deepEqual(spans, [2_147_483_647, 2_147_483_647, 5e9 - 2 * 2_147_483_647]);
  });

  it("ends with the reason of its signal, whether it was aborted before or during", async () => {
    const reason = new Error("enough");
    await assert.rejects(systemClock.sleep(1e12, AbortSignal.abort(reason)), reason);
    const ending = new AbortController();
    const slept = systemClock.sleep(1e12, ending.signal);
    ending.abort(reason);
    await assert.rejects(slept, reason);
  });
});

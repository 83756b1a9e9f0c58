import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "@countersign/token-keeper";
import { FakeClock } from "@countersign/token-keeper/testing";

describe("systemClock.sleep()", () => {
  it("sleeps longer than a timer can", async (test) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    let awake = false;
    const sleep = systemClock.sleep(2 ** 31 + 5_000).then(() => {
      awake = true;
    });
    test.mock.timers.tick(2 ** 31 - 1);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    test.mock.timers.tick(5_000);
    assert.equal(awake, false);
    test.mock.timers.tick(1);
    await sleep;
  });

  it("ends at once when the span is no number", () => systemClock.sleep(Number.NaN, AbortSignal.timeout(1_000)));

  it("ends by its signal, before and meanwhile", async () => {
    await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort(new Error("before"))), /before/);
    const control = new AbortController();
    const sleep = assert.rejects(systemClock.sleep(60_000, control.signal), /meanwhile/);
    control.abort(new Error("meanwhile"));
    await sleep;
  });
});

describe("FakeClock", () => {
  it("wakes sleepers in order, and those that they put to sleep", async () => {
    const clock = new FakeClock(0);
    const log: string[] = [];
    void clock.sleep(20).then(() => log.push(`b${clock.now()}`));
    void clock.sleep(10).then(async () => {
      log.push(`a${clock.now()}`);
      await clock.sleep(5);
      log.push(`c${clock.now()}`);
    });
    await clock.advance(30);
    assert.deepEqual(log, ["a10", "c15", "b20"]);
    clock.jump(1_000);
    assert.deepEqual([clock.now(), clock.monotonic()], [1_030, 30]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { Slots } from "../../src/limits/slots.ts";

/** Tasks that run until they are told to end. */
function makeTasks(slots: Slots) {
  const running: (() => void)[] = [];
  const order: number[] = [];
  const start = (id: number) =>
    slots.run(async () => {
      order.push(id);
      await new Promise<void>((resolve) => running.push(resolve));
      return id;
    });
  return { running, order, start };
}

/** One slot, taken, and a thousand tasks from one place that wait for it. */
function aFullHouse() {
  const slots = new Slots({ clock: new FakeClock(), parallel: 1, waitMs: 500 });
  const running: (() => void)[] = [];
  const order: string[] = [];
  const refused: number[] = [];
  for (let id = 0; id <= 1000; id++) {
    const run = slots.run(async () => {
      order.push(`a${id}`);
      await new Promise<void>((resolve) => running.push(resolve));
    }, "a");
    run.catch(() => refused.push(id));
  }
  return { slots, running, order, refused };
}

const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
};

describe("Slots", () => {
  it("runs no more tasks at once than it has slots, and the others in the order they came", async () => {
    const { running, order, start } = makeTasks(new Slots({ clock: new FakeClock(), parallel: 2, waitMs: 500 }));
    const all = [1, 2, 3, 4, 5].map(start);
    for (let ended = 0; ended < 5; ended++) {
      await turns();
      assert.equal(running.length, Math.min(2, 5 - ended));
      running.shift()?.();
    }
    assert.deepEqual(await Promise.all(all), [1, 2, 3, 4, 5]);
    assert.deepEqual(order, [1, 2, 3, 4, 5]);
  });

  it("E6 refuses who waits too long, with the time after which to come back", async () => {
    const clock = new FakeClock();
    const { running, order, start } = makeTasks(new Slots({ clock, parallel: 1, waitMs: 500 }));
    const first = start(1);
    const second = start(2);
    const refused = assert.rejects(second, { code: "temporarily_unavailable", retryAfterMs: 1000 });
    await clock.advance(499);
    const third = start(3);
    await clock.advance(1);
    await refused;
    running.shift()?.();
    await turns();
    running.shift()?.();
    assert.deepEqual(await Promise.all([first, third]), [1, 3]);
    assert.deepEqual(order, [1, 3]);
  });

  it("E6 refuses at once when a thousand wait", async () => {
    const clock = new FakeClock();
    const { running, start } = makeTasks(new Slots({ clock, parallel: 1, waitMs: 500 }));
    const first = start(0);
    const waiting = Array.from({ length: 1000 }, (_, id) => assert.rejects(start(id)));
    await assert.rejects(start(1001), { code: "temporarily_unavailable" });
    await clock.advance(500);
    await Promise.all(waiting);
    running.shift()?.();
    await first;
  });

  it("E6 counts nobody twice whose patience ends just when a slot is free", async () => {
    const clock = new FakeClock();
    // Sleeps to the end, whatever is aborted: as a timer that was due already.
    const heedless = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: (ms: number) => clock.sleep(ms),
    };
    const slots = new Slots({ clock: heedless, parallel: 1, waitMs: 500 });
    const { running, start } = makeTasks(slots);
    const [first, second] = [start(1), start(2)];
    await turns();
    running.shift()?.();
    await first;
    await turns();
    await clock.advance(500);
    assert.equal(slots.waiting, 0);
    running.shift()?.();
    assert.equal(await second, 2);
  });

  it("E6 gives each place its turn: a thousand tasks from one keep nobody from another waiting", async () => {
    const { running, order, slots } = aFullHouse();
    await turns();
    const late = ["c", "b", "c"].map((from, n) => slots.run(async () => void order.push(`${from}${n}`), from));
    for (let ended = 0; ended < 3; ended++) {
      running.shift()?.();
      await turns();
    }
    await Promise.all(late);
    assert.deepEqual(order.slice(0, 6), ["a0", "a1", "c0", "b1", "a2", "c2"]);
  });

  it("E6 gives the place of the last of the longest queue to somebody from another place", async () => {
    const { running, order, slots, refused } = aFullHouse();
    await turns();
    await assert.rejects(
      slots.run(async () => {}, "a"),
      { code: "temporarily_unavailable" },
    );
    const late = slots.run(async () => void order.push("b"), "b");
    await turns();
    assert.deepEqual(refused, [1000]);
    assert.equal(slots.waiting, 1000);
    for (let ended = 0; ended < 2; ended++) {
      running.shift()?.();
      await turns();
    }
    await late;
  });

  it("frees the slot of a task that fails", async () => {
    const slots = new Slots({ clock: new FakeClock(), parallel: 1, waitMs: 500 });
    await assert.rejects(
      slots.run(() => Promise.reject(new Error("broken"))),
      /broken/,
    );
    assert.equal(await slots.run(async () => 1), 1);
  });
});

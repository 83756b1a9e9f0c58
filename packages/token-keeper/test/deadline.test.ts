import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sleepToDeadline } from "../src/deadline.ts";

/** A clock whose timers fire as much later as it is told, one after the other. */
function aLateClock(...lateMs: number[]) {
  const slept: number[] = [];
  let monotonic = 0;
  const clock = {
    now: () => monotonic,
    monotonic: () => monotonic,
    async sleep(ms: number) {
      slept.push(ms);
      monotonic += ms + (lateMs.shift() ?? 0);
    },
  };
  return { clock, slept };
}

describe("sleepPatiently()", () => {
  const rows: Record<string, { readonly late: number[]; readonly slept: number[] }> = {
    "that fires in time lets the sockets be read once": { late: [0], slept: [10_000, 0] },
    "that fires late waits for what came meanwhile": { late: [9_000, 0], slept: [10_000, 1_000, 0] },
    "that fires late twice": { late: [51, 9_000, 0], slept: [10_000, 1_000, 1_000, 0] },
    "that always fires late comes to an end": {
      late: Array.from({ length: 9 }, () => 60),
      slept: [10_000, 1_000, 1_000, 1_000, 1_000, 1_000, 0],
    },
  };
  for (const [name, { late, slept }] of Object.entries(rows)) {
    it(name, async () => {
      const clock = aLateClock(...late);
      await sleepToDeadline(clock.clock, 10_000);
      assert.deepEqual(clock.slept, slept);
    });
  }
});

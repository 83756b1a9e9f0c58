import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { activeKey, type KeyTimes } from "../../src/keys/schedule.ts";

function aKey(publishedAt: number, activeAt: number, retiresAt: number): KeyTimes {
  return { kid: `key-${activeAt}`, algorithm: "EdDSA", publishedAt, activeAt, retiresAt };
}

describe("activeKey", () => {
  const [first, next] = [aKey(100, 200, 300), aKey(250, 300, 400)];

  const rows: readonly (readonly [string, readonly KeyTimes[], number, KeyTimes | undefined])[] = [
    ["none without keys", [], 250, undefined],
    ["none while the first key is only announced", [first], 199, undefined],
    ["the key from its window on", [first], 200, first],
    ["the key to the last millisecond of its window", [first], 299, first],
    ["none when the last window is over", [first], 300, undefined],
    ["the successor when it takes over", [first, next], 300, next],
    ["the first of several where the clock was put back before its window", [first, next], 150, first],
    ["the only key where the clock was put back before it was published", [first], 50, first],
  ];
  for (const [name, schedule, now, expected] of rows) {
    it(`is ${name}`, () => assert.equal(activeKey(schedule, now), expected));
  }
});

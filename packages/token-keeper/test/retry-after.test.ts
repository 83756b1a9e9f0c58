import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRetryAfter } from "../src/http.ts";

describe("parseRetryAfter()", () => {
  const now = Date.UTC(2026, 0, 1);
  const rows: readonly [string | null, number | undefined][] = [
    ["120", 120_000],
    [" 7 ", 7_000],
    ["1.5", 1_500],
    ["0", 0],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["1000000000", 3_600_000],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ];
  for (const [value, expected] of rows) it(`${value}`, () => assert.equal(parseRetryAfter(value, now), expected));
});

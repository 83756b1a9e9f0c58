import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { adaptiveLifetime, createToken, fractionLifetime } from "@countersign/token-keeper";

const seconds = (value: number) => value * 1000;

describe("fractionLifetime", () => {
  // aliri_tokens: max(⌊0.75 L⌋, 30) after issue, against its promise that 30 s always remain.
  const boundaries = [
    { lifetime: 10, aliri: 30, ours: 0 },
    { lifetime: 30, aliri: 30, ours: 0 },
    { lifetime: 40, aliri: 30, ours: 10 },
    { lifetime: 60, aliri: 45, ours: 30 },
    { lifetime: 100, aliri: 75, ours: 70 },
    { lifetime: 119, aliri: 89, ours: 89 },
    { lifetime: 120, aliri: 90, ours: 90 },
    { lifetime: 3600, aliri: 2700, ours: 2700 },
  ];
  for (const { lifetime, aliri, ours } of boundaries) {
    it(`leaves the reserve of a ${lifetime} s token, where aliri's rule says ${aliri} s`, () => {
      const stale = fractionLifetime()(seconds(lifetime));
      assert.equal(Math.floor(stale / 1000), ours);
      assert.equal(Math.max(Math.floor(lifetime * 0.75), 30), aliri);
      assert.ok(seconds(lifetime) - stale >= Math.min(seconds(lifetime), 30_000));
    });
  }

  it("refuses values outside their range", () => {
    for (const options of [{ fraction: 0 }, { fraction: 1.1 }, { fraction: Number.NaN }, { reserveMs: -1 }])
      assert.throws(() => fractionLifetime(options), RangeError);
  });
});

describe("adaptiveLifetime", () => {
  const rows = [
    { lifetimeMs: 3_000, reserveMs: 1_000 },
    { lifetimeMs: 60_000, reserveMs: 20_000 },
    { lifetimeMs: 15 * 60_000, reserveMs: 5 * 60_000 },
    { lifetimeMs: 20 * 60_000, reserveMs: 5 * 60_000 },
    { lifetimeMs: 60 * 60_000, reserveMs: 15 * 60_000 },
    { lifetimeMs: 24 * 3_600_000, reserveMs: 60 * 60_000 },
  ];
  for (const { lifetimeMs, reserveMs } of rows) {
    it(`keeps ${reserveMs} ms of ${lifetimeMs} ms`, () => {
      assert.equal(lifetimeMs - adaptiveLifetime()(lifetimeMs), reserveMs);
    });
  }
});

describe("createToken", () => {
  it("never makes a token stale after its expiry, whatever the policy or the server says", () => {
    const lifetime = { issuedAt: 0, lifetimeMs: 1_000 };
    assert.equal(createToken({ accessToken: "a" }, lifetime, () => 9_000).staleAt, 1_000);
    assert.equal(createToken({ accessToken: "a" }, lifetime, () => -1).staleAt, 0);
    assert.equal(createToken({ accessToken: "a" }, { ...lifetime, refreshInMs: 400 }, () => 900).staleAt, 400);
    assert.equal(createToken({ accessToken: "a" }, { ...lifetime, refreshInMs: 5_000 }).staleAt, 1_000);
  });
});

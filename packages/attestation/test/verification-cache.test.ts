import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VerificationCache } from "../src/index.ts";
import { AT, appraise, createFixture, DAY_MS, honestQuote } from "./support/forge.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const statement = { algorithm: "ES256", spki: bytes(1), data: bytes(2) } as const;

describe("VerificationCache", () => {
  it("knows a signature for exactly its bytes, key and algorithm", () => {
    const cache = new VerificationCache();
    cache.remember(bytes(9), statement);
    assert.equal(cache.holds(bytes(9), statement), true);
    assert.equal(cache.holds(bytes(8), statement), false);
    assert.equal(cache.holds(bytes(9), { ...statement, spki: bytes(3) }), false);
    assert.equal(cache.holds(bytes(9), { ...statement, data: bytes(2, 0) }), false);
    assert.equal(cache.holds(bytes(9), { ...statement, algorithm: "ES384" }), false);
  });

  it("keeps what it was given, whatever becomes of those bytes", () => {
    const cache = new VerificationCache();
    const data = bytes(2);
    cache.remember(bytes(9), { ...statement, data });
    data[0] = 7;
    assert.equal(cache.holds(bytes(9), { ...statement, data }), false);
    assert.equal(cache.holds(bytes(9), statement), true);
  });

  it("has a bound", () => {
    const cache = new VerificationCache(2);
    for (const value of [1, 2, 3]) cache.remember(bytes(value), statement);
    assert.deepEqual(
      [1, 2, 3].map((value) => cache.holds(bytes(value), statement)),
      [false, true, true],
    );
    assert.throws(() => new VerificationCache(0), RangeError);
    assert.throws(() => new VerificationCache(Number.NaN), RangeError);
  });

  it("changes no verdict: times and changes are judged anew", async () => {
    const fixture = await createFixture("sgx");
    const quote = await honestQuote(fixture);
    const cache = new VerificationCache();
    for (let round = 0; round < 2; round++) assert.equal((await appraise(fixture, { quote, cache })).accepted, true);
    assert.equal((await appraise(fixture, { quote, cache, at: AT + 60 * DAY_MS })).accepted, false);
    const tcbInfo = fixture.collateral.tcbInfo.replace('"OutOfDate"', '"UpToDate"');
    const changed = { ...fixture.collateral, tcbInfo };
    const { reasons } = await appraise(fixture, { quote, cache, collateral: changed });
    assert.deepEqual(
      reasons.map(({ code }) => code),
      ["tcb_info_signature"],
    );
  });
});

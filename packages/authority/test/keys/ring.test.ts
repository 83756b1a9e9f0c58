import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { createMemoryStore } from "../../src/store/memory.ts";
import { day, hour, openTestRing } from "./harness.ts";

function aStore() {
  const clock = new FakeClock();
  return { clock, store: createMemoryStore({ clock }) };
}

describe("createKeyRing", () => {
  it("makes an ES256 key at the first start and finds it at the second", async () => {
    const place = aStore();
    const first = await openTestRing(place);
    const { kid } = await first.ring.signer("ES256");
    const derived = first.ring.derive("refresh", "token");
    await first.ring.close();

    const second = await openTestRing(place, { seed: "other" });
    assert.equal((await second.ring.signer("ES256")).kid, kid);
    assert.equal(second.ring.derive("refresh", "token"), derived);
    assert.deepEqual(
      second.ring.list().map(({ algorithm, state }) => [algorithm, state]),
      [["ES256", "active"]],
    );
    assert.deepEqual(second.trail, []);
    await second.ring.close();
  });

  it("announces a successor a day before it signs, and erases the old key after the last token", async () => {
    const place = aStore();
    const { ring, trail } = await openTestRing(place);
    const states = () => ring.list().map(({ state }) => state);
    const { kid } = await ring.signer("ES256");
    await place.clock.advance(29 * day - hour);
    assert.deepEqual(states(), ["active"]);
    await place.clock.advance(2 * hour);
    assert.deepEqual(states(), ["active", "next"]);
    assert.equal(ring.published("jwks").keys.length, 2);
    await place.clock.advance(day);
    assert.deepEqual(states(), ["retired", "active"]);
    assert.notEqual((await ring.signer("ES256")).kid, kid);
    await place.clock.advance(2 * day);
    assert.deepEqual(states(), ["active"]);
    assert.deepEqual(
      trail.map(({ name }) => name),
      ["key.rotated", "key.rotated", "key.erased"],
    );
    await ring.close();
  });
});

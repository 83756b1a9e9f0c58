import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryCache } from "@countersign/token-keeper";
import { FakeClock } from "@countersign/token-keeper/testing";

describe("memoryCache()", () => {
  it("keeps access tokens and logins apart: neither drives the other out", async () => {
    const clock = new FakeClock();
    const cache = memoryCache({ clock });
    const expiresAt = clock.now() + 60_000;
    for (let i = 0; i < 500; i++) await cache.set(`token ${i}`, "t", expiresAt);
    for (let i = 0; i < 1_500; i++) await cache.set(`login ${i}`, "l");
    for (let i = 0; i < 500; i++) assert.equal(await cache.get(`token ${i}`), "t");
    for (let i = 0; i < 1_500; i++) assert.equal(await cache.get(`login ${i}`), "l");
  });

  it("drops what was used longest ago of what has an expiry", async () => {
    const clock = new FakeClock();
    const cache = memoryCache({ clock, maxEntries: 2 });
    const expiresAt = clock.now() + 60_000;
    for (const key of ["a", "b"]) await cache.set(key, key, expiresAt);
    await cache.get("a");
    await cache.set("c", "c", expiresAt);
    assert.deepEqual([await cache.get("a"), await cache.get("b"), await cache.get("c")], ["a", undefined, "c"]);
  });

  it("has one value for a key whose expiry came or went", async () => {
    const clock = new FakeClock();
    const cache = memoryCache({ clock });
    await cache.set("k", "lasting");
    await cache.set("k", "passing", clock.now() + 1_000);
    assert.equal(await cache.get("k"), "passing");
    await clock.advance(1_000);
    assert.equal(await cache.get("k"), undefined);
    await cache.set("k", "passing", clock.now() + 1_000);
    await cache.set("k", "lasting");
    await clock.advance(1_000);
    assert.equal(await cache.get("k"), "lasting");
  });

  it("takes time that does not depend on how much it holds", { timeout: 5_000 }, async () => {
    const clock = new FakeClock();
    const cache = memoryCache({ clock });
    for (let i = 0; i < 64_000; i++) await cache.set(`login ${i}`, "l");
    const expiresAt = clock.now() + 60_000;
    // A loop over the logins at each write would take 10⁹ steps here, and more than the test may.
    for (let i = 0; i < 16_000; i++) await cache.set(`token ${i}`, "t", expiresAt);
    assert.equal(await cache.get("token 15999"), "t");
    assert.equal(await cache.get("token 0"), undefined);
    assert.equal(await cache.get("login 0"), "l");
  });
});

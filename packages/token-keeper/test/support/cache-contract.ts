import assert from "node:assert/strict";
import { it } from "node:test";
import { cachedSource, type LeasingCache, systemClock } from "@countersign/token-keeper";
import { aContext, aSource } from "./context.ts";
import { startTokenServer } from "./token-server.ts";

/** What every cache that grants leases promises; `make` gives views of the same medium, as other processes have them. */
export function cacheContract(make: () => LeasingCache): void {
  let number = 0;
  const aKey = () => JSON.stringify(["contract", ++number, "käy/../\0", "x".repeat(3_000)]);

  it("has nothing at first, then what was set last", async () => {
    const [writer, reader, key] = [make(), make(), aKey()];
    assert.equal(await reader.get(key), undefined);
    for (const value of ["one", "twö", "x".repeat(20_000)]) {
      await writer.set(key, value, systemClock.now() + 60_000);
      assert.equal(await reader.get(key), value);
    }
  });

  it("keeps what has no expiry", async () => {
    const [cache, key] = [make(), aKey()];
    await cache.set(key, "kept");
    assert.equal(await cache.get(key), "kept");
  });

  it("keeps keys apart", async () => {
    const [cache, a, b] = [make(), aKey(), aKey()];
    await cache.set(a, "a");
    await cache.set(b, "b");
    assert.deepEqual([await cache.get(a), await cache.get(b)], ["a", "b"]);
  });

  it("grants a lease to one of 20, and again after its release", async () => {
    const key = aKey();
    for (let round = 0; round < 3; round++) {
      const leases = await Promise.all(Array.from({ length: 20 }, () => make().lease(key, 60_000)));
      const won = leases.filter((lease) => lease !== undefined);
      assert.equal(won.length, 1);
      assert.equal(won[0]?.takenOver, false);
      assert.equal(await make().lease(key, 60_000), undefined);
      await won[0]?.release();
    }
  });

  it("keeps leases of two keys apart, and leases apart from values", async () => {
    const [cache, a, b] = [make(), aKey(), aKey()];
    assert.ok(await cache.lease(a, 60_000));
    assert.ok(await cache.lease(b, 60_000));
    assert.equal(await cache.get(a), undefined);
  });

  it("releases no lease but its own", async () => {
    const [cache, key] = [make(), aKey()];
    const first = await cache.lease(key, 60_000);
    await first?.release();
    const second = await make().lease(key, 60_000);
    assert.ok(second);
    await first?.release();
    assert.equal(await cache.lease(key, 60_000), undefined);
  });

  it("lets 30 sources make one request", async () => {
    await using server = await startTokenServer();
    const audience = aKey();
    const sources = Array.from({ length: 30 }, () =>
      cachedSource(aSource(server, { audience }), { caches: [make()], cacheTimeoutMs: 20_000 }),
    );
    await Promise.all(sources.map((source) => source.request(aContext({ clock: systemClock }))));
    assert.equal(server.received.length, 1);
  });
}

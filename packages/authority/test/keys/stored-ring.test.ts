import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { algorithms } from "../../src/keys/algorithms.ts";
import { acceptPrivateKey } from "../../src/keys/signing-key.ts";
import { keys } from "../../src/store/keys.ts";
import type { Store } from "../../src/store/store.ts";
import { aPlace, bind, day, is, openTestRing } from "./harness.ts";

describe("a change of the stored ring", () => {
  it("erases more keys than one commit can record in several, and goes on", async () => {
    const place = aPlace();
    const { ring, trail } = await openTestRing(place, { reloadEveryMs: 2 * day });
    for (let round = 0; round < 23; round++) await ring.rotate("ES256", "admin", { now: true });
    const [newest] = ring.list().slice(-1);
    // All others are due at the first look after a week.
    await place.clock.advance(8 * day);
    assert.deepEqual(
      ring.list().map(({ kid }) => kid),
      [newest?.kid],
    );
    assert.equal(trail.filter(({ name }) => name === "key.erased").length, 23);
    await ring.close();
  });

  it("records an imported key that is brought forward as a rotation", async () => {
    const { ring, trail } = await openTestRing(aPlace());
    await ring.import(acceptPrivateKey(await algorithms.ES256.generate()), "admin");
    await ring.rotate("ES256", "admin", { now: true });
    assert.deepEqual(
      trail.map(({ name }) => name),
      ["key.rotated", "key.imported", "key.rotated"],
    );
    await ring.close();
  });

  it("gives up where somebody else is always faster", async () => {
    const { clock, store } = aPlace();
    let isBusy = false;
    const busy: Store = {
      ...bind(store),
      async commit(changes, options) {
        const item = isBusy ? await store.get(keys.ring()) : undefined;
        if (item !== undefined) await store.swap(keys.ring(), item.version, { value: item.value });
        return store.commit(changes, options);
      },
    };
    const { ring } = await openTestRing({ clock, store: busy });
    isBusy = true;
    await assert.rejects(ring.rotate("ES256", "admin"), is("conflict"));
    assert.equal(ring.list().length, 1);
    await ring.close();
  });
});

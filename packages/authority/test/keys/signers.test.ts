import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../src/store/store.ts";
import { aPlace, bind, day, is, openTestRing } from "./harness.ts";

const minute = 60_000;

describe("the signers of a ring", () => {
  it("refuses again without asking the store until the first key signs", async () => {
    const { clock, store } = aPlace();
    let calls = 0;
    const counting: Store = {
      ...bind(store),
      get(key) {
        calls += 1;
        return store.get(key);
      },
    };
    const { ring } = await openTestRing({ clock, store: counting });
    await ring.announce("EdDSA");
    calls = 0;
    for (let round = 0; round < 10; round++) await assert.rejects(ring.signer("EdDSA"), is("temporarily_unavailable"));
    assert.equal(calls, 0);
    await ring.close();
  });

  it("asks the store after a pause, as the first key may sign by then", async () => {
    const place = aPlace();
    const paused = await openTestRing(place);
    await paused.ring.announce("EdDSA");
    const other = await openTestRing(place);
    place.clock.jump(5 * minute);
    await other.ring.rotate("EdDSA", "admin", { now: true });
    assert.equal((await paused.ring.signer("EdDSA")).kid, (await other.ring.signer("EdDSA")).kid);
    await Promise.all([paused.ring.close(), other.ring.close()]);
  });

  it("refuses where the clock went past the window of the key that was just made", async () => {
    const { clock, store } = aPlace();
    let jumpMs = 0;
    const slow: Store = {
      ...bind(store),
      async commit(changes, options) {
        const result = await store.commit(changes, options);
        clock.jump(jumpMs);
        return result;
      },
    };
    const { ring } = await openTestRing({ clock, store: slow });
    jumpMs = 100 * day;
    await assert.rejects(ring.signer("RS256"), {
      code: "temporarily_unavailable",
      detail: /inside its window/,
    });
    await ring.close();
  });

  it("refuses to sign with a key that was revoked here, whoever kept its signer (F6)", async () => {
    const { ring } = await openTestRing(aPlace());
    const kept = await ring.signer("ES256");
    await ring.revoke(kept.kid, "admin");
    await assert.rejects(kept.sign("input"), is("temporarily_unavailable"));
    await ring.close();
  });

  it("refuses to sign with a key past its window, whoever kept its signer (F3, A47)", async () => {
    const place = aPlace();
    const { ring } = await openTestRing(place);
    const kept = await ring.signer("ES256");
    await ring.rotate("ES256", "admin", { now: true });
    assert.ok(await kept.sign("begun inside the window"));
    await place.clock.advance(2 * minute);
    await assert.rejects(kept.sign("input"), is("temporarily_unavailable"));
    assert.notEqual((await ring.signer("ES256")).kid, kept.kid);
    await ring.close();
  });
});

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { keys } from "../../src/store/keys.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { watchStore } from "../../src/store/watched-store.ts";
import { testAuthority } from "../../src/testing.ts";
import { aroundStore } from "../users/around-store.ts";
import { openAt, storePath } from "./stores.ts";

/** A watched store whose writes fail with `fault.error` as long as there is one, and how often it was written to. */
function aWatchedStore() {
  const clock = new FakeClock();
  const fault: { error?: Error | undefined } = {};
  let held: Promise<void> | undefined;
  /** Lets no write get on until what it returns is called. */
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };
  const written: string[] = [];
  const memory = createMemoryStore({ clock });
  const store = aroundStore(memory, async ({ verb, key }, run) => {
    if (verb !== "swap" && verb !== "take") return run();
    written.push(key);
    if (fault.error !== undefined) throw fault.error;
    await held;
    return run();
  });
  return { watched: watchStore(store, clock), clock, fault, hold, written };
}

const full = () => new CountersignError("temporarily_unavailable", { detail: "disk full" });

describe("watchStore", () => {
  it("writes nothing of its own while writes succeed", async () => {
    const { watched, written } = aWatchedStore();
    await watched.swap("k", 0, { value: 1 });
    assert.equal(await watched.writeFailure(), undefined);
    assert.deepEqual(written, ["k"]);
  });

  it("tells of a write that failed, and tries one of its own at most every two seconds", async () => {
    const { watched, clock, fault, written } = aWatchedStore();
    fault.error = full();
    await assert.rejects(watched.swap("k", 0, { value: 1 }), { code: "temporarily_unavailable" });
    for (let asked = 0; asked < 100; asked++) {
      assert.deepEqual(await Promise.all([watched.writeFailure(), watched.writeFailure()]), ["disk full", "disk full"]);
      await clock.advance(100);
    }
    assert.deepEqual(written, ["k", ...Array.from({ length: 5 }, () => keys.probe())]);
  });

  it("is well again when its own write succeeds, and when another does", async () => {
    const { watched, clock, fault, written } = aWatchedStore();
    fault.error = full();
    await watched.take("k").catch(() => undefined);
    assert.equal(await watched.writeFailure(), "disk full");
    fault.error = undefined;
    assert.equal(await watched.writeFailure(), "disk full");
    await clock.advance(2000);
    assert.equal(await watched.writeFailure(), undefined);
    fault.error = full();
    await watched.swap("k", 0, { value: 1 }).catch(() => undefined);
    fault.error = undefined;
    await watched.swap("k", 0, { value: 1 });
    assert.equal(await watched.writeFailure(), undefined);
    assert.deepEqual(written, ["k", keys.probe(), keys.probe(), "k", "k"]);
  });

  it("takes neither a lost race for a success nor a wrong call for a failure", async () => {
    const { watched, fault } = aWatchedStore();
    await watched.swap("k", 0, { value: 1 });
    fault.error = new RangeError("too long");
    await watched.swap("k", 0, { value: 1 }).catch(() => undefined);
    assert.equal(await watched.writeFailure(), undefined);
    fault.error = full();
    await watched.swap("k", 0, { value: 1 }).catch(() => undefined);
    await watched.writeFailure();
    fault.error = undefined;
    assert.equal(await watched.swap("k", 0, { value: 1 }), undefined);
    assert.equal(await watched.writeFailure(), "disk full");
  });

  it("tells of writes that do not get on, and of none while others are finished", async () => {
    const { watched, clock, hold } = aWatchedStore();
    const release = hold();
    const write = watched.swap("k", 0, { value: 1 });
    await clock.advance(4999);
    assert.equal(await watched.writeFailure(), undefined);
    await clock.advance(1);
    assert.equal(await watched.writeFailure(), "No write was finished for 5 seconds");
    release();
    await write;
    assert.equal(await watched.writeFailure(), undefined);
  });

  it("says what the store beneath says of being exclusive", async (context) => {
    const clock = new FakeClock();
    assert.equal(watchStore(await openAt(storePath(context), context, { clock }), clock).exclusive, true);
    assert.equal(watchStore(createMemoryStore({ clock }), clock).exclusive, false);
  });
});

describe("GET /health/ready", () => {
  it("is 503 from a grant that could not be recorded on, until a write succeeds", async (context) => {
    const path = storePath(context);
    const clock = new FakeClock();
    const store = await openAt(path, context, { clock, busyTimeoutMs: 1 });
    const authority = await testAuthority({ store, clock });
    const { client, secret } = await authority.client();
    const ready = async () => (await authority.fetch(new Request("http://localhost:8080/health/ready"))).status;
    const fields = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
    const grant = async () => (await authority.form("/oauth/token", fields)).status;
    assert.deepEqual([await grant(), await ready()], [200, 200]);
    // Whoever holds the file keeps every commit out, as a full disk does.
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    assert.deepEqual([await grant(), await ready()], [503, 503]);
    const why = authority.events.filter(({ name }) => name === "authority.unready").map(({ fields }) => fields);
    assert.deepEqual(why, [{ detail: "Cannot commit: Error: database is locked" }]);
    other.exec("ROLLBACK");
    await clock.advance(2000);
    assert.deepEqual([await ready(), await grant()], [200, 200]);
    await authority.close();
  });
});

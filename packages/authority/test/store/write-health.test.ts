import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { WriteHealth } from "../../src/store/write-health.ts";
import { testAuthority } from "../../src/testing.ts";
import { openAt, storePath } from "./stores.ts";

describe("WriteHealth", () => {
  function aHealth() {
    const clock = new FakeClock();
    const health = new WriteHealth(clock);
    const probes: number[] = [];
    let outcome: () => void = () => {};
    const failure = (isWaiting = false) =>
      health.failure({
        isWaiting,
        async probe() {
          probes.push(clock.monotonic());
          outcome();
        },
      });
    const probing = (then: () => void) => {
      outcome = then;
    };
    return { clock, health, probes, failure, probing };
  }

  it("has a write tried at once where none was made yet: the disk may have been full all along", async () => {
    const { probes, failure, health, probing } = aHealth();
    probing(() => health.failed("disk full"));
    assert.equal(await failure(), "disk full");
    assert.equal(probes.length, 1);
  });

  it("has nothing tried while writes succeed", async () => {
    const { health, probes, failure } = aHealth();
    health.wrote();
    assert.equal(await failure(), undefined);
    assert.deepEqual(probes, []);
  });

  it("tells of a commit that failed, and has one tried at most every two seconds", async () => {
    const { clock, health, probes, failure } = aHealth();
    health.failed("disk full");
    for (let asked = 0; asked < 100; asked++) {
      assert.deepEqual(await Promise.all([failure(), failure()]), ["disk full", "disk full"]);
      await clock.advance(100);
    }
    assert.equal(probes.length, 5);
  });

  it("has a write tried after half a minute without one, and none while others wait", async () => {
    const { clock, health, probes, failure, probing } = aHealth();
    probing(() => health.wrote());
    health.wrote();
    await clock.advance(29_999);
    assert.equal(await failure(), undefined);
    assert.deepEqual(probes, []);
    await clock.advance(1);
    health.progress();
    assert.equal(await failure(true), undefined);
    assert.deepEqual(probes, []);
    for (let asked = 0; asked < 100; asked++) {
      assert.deepEqual(await Promise.all([failure(), failure()]), [undefined, undefined]);
      await clock.advance(1000);
    }
    assert.equal(probes.length, 4);
    probing(() => health.failed("disk full"));
    await clock.advance(30_000);
    assert.equal(await failure(), "disk full");
  });

  it("is well again when what it has tried succeeds, and when another commit does", async () => {
    const { health, failure, probing } = aHealth();
    health.failed("disk full");
    probing(() => health.wrote());
    assert.equal(await failure(), undefined);
    health.failed("disk full");
    health.progress();
    assert.equal(await failure(), "disk full");
    health.wrote();
    assert.equal(await failure(), undefined);
  });

  it("outlives an attempt that throws", async () => {
    const { health, failure, probing } = aHealth();
    health.failed("disk full");
    probing(() => assert.fail("no write is taken"));
    assert.equal(await failure(), "disk full");
  });

  it("tells of writes that do not get on, and of none while others are finished", async () => {
    const { clock, health, failure } = aHealth();
    await clock.advance(60_000);
    health.progress();
    await clock.advance(4999);
    assert.equal(await failure(true), undefined);
    await clock.advance(1);
    assert.equal(await failure(true), "No write was finished for 5 seconds");
    assert.equal(await failure(false), undefined);
    health.wrote();
    assert.equal(await failure(true), undefined);
  });
});

/** A store whose file another connection can hold, which keeps every commit out as a full disk does. */
async function aStore(context: TestContext) {
  const path = storePath(context);
  const clock = new FakeClock();
  const store = await openAt(path, context, { clock, busyTimeoutMs: 1 });
  const other = new DatabaseSync(path);
  context.after(() => other.close());
  const hold = () => other.exec("BEGIN IMMEDIATE");
  const release = () => other.exec("ROLLBACK");
  const count = () => other.prepare("SELECT count(*) AS items FROM item").get()?.items;
  const execute = (sql: string) => other.exec(sql);
  return { store, clock, hold, release, count, execute };
}

describe("openSqliteStore: failure", () => {
  it("takes no lost race for a success, and no wrong call for a failure", async (context) => {
    const { store, hold, release } = await aStore(context);
    await store.swap("k", 0, { value: 1 });
    await assert.rejects(store.swap("k".repeat(5000), 0, { value: 1 }), RangeError);
    assert.equal(await store.failure?.(), undefined);
    hold();
    await assert.rejects(store.swap("k", 0, { value: 1 }), { code: "temporarily_unavailable" });
    assert.equal(await store.failure?.(), "Cannot commit: Error: database is locked");
    release();
    assert.equal(await store.swap("k", 0, { value: 1 }), undefined);
    assert.equal(await store.failure?.(), "Cannot commit: Error: database is locked");
    assert.ok(await store.swap("l", 0, { value: 1 }));
    assert.equal(await store.failure?.(), undefined);
  });

  it("does not count the time in which nothing waited", async (context) => {
    const { store, clock } = await aStore(context);
    await clock.advance(60_000);
    const write = store.swap("k", 0, { value: 1 });
    assert.equal(await store.failure?.(), undefined);
    await write;
  });
});

describe("GET /health/ready", () => {
  it("is 503 from a grant that could not be recorded on, until a write succeeds", async (context) => {
    const { store, clock, hold, release } = await aStore(context);
    const authority = await testAuthority({ store, clock });
    const { client, secret } = await authority.client();
    const ready = async () => (await authority.fetch(new Request("http://localhost:8080/health/ready"))).status;
    const fields = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
    const grant = async () => (await authority.form("/oauth/token", fields)).status;
    assert.deepEqual([await grant(), await ready()], [200, 200]);
    hold();
    assert.deepEqual([await grant(), await ready()], [503, 503]);
    const why = authority.events.filter(({ name }) => name === "authority.unready").map(({ fields }) => fields);
    assert.deepEqual(why, [{ detail: "Cannot commit: Error: database is locked" }]);
    release();
    await clock.advance(2000);
    assert.deepEqual([await ready(), await grant()], [200, 200]);
    await authority.close();
  });

  it("is 503 from the moment on that a disk is found full on which nothing was to be written, until it is not", async (context) => {
    const { store, clock, hold, release } = await aStore(context);
    const authority = await testAuthority({ store, clock });
    const ready = async () => (await authority.fetch(new Request("http://localhost:8080/health/ready"))).status;
    assert.equal(await ready(), 200);
    hold();
    assert.equal(await ready(), 200);
    await clock.advance(30_000);
    assert.equal(await ready(), 503);
    release();
    await clock.advance(2000);
    assert.equal(await ready(), 200);
    await authority.close();
  });

  it("is 503 from the start on where the disk is full already (J3)", async (context) => {
    const path = storePath(context);
    const clock = new FakeClock();
    await (await testAuthority({ store: await openAt(path, context, { clock }), clock })).close();
    const store = await openAt(path, context, { clock, busyTimeoutMs: 1 });
    using other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const authority = await testAuthority({ store, clock });
    const ready = async () => (await authority.fetch(new Request("http://localhost:8080/health/ready"))).status;
    assert.equal(await ready(), 503);
    other.exec("ROLLBACK");
    await clock.advance(2000);
    assert.equal(await ready(), 200);
    await authority.close();
  });

  it("is 503 while something that was asked for cannot be read", async (context) => {
    const { store, clock, execute } = await aStore(context);
    const authority = await testAuthority({ store, clock });
    const ready = async () => (await authority.fetch(new Request("http://localhost:8080/health/ready"))).status;
    for (const broken of ["version = 9007199254740993", "value = '{'"]) {
      await store.commit([{ key: "k", expectedVersion: 0, draft: { value: 1, owner: "o" } }]);
      execute(`UPDATE item SET ${broken} WHERE key = 'k'`);
      assert.equal(await ready(), 200);
      for (const read of [() => store.get("k"), () => store.list("o", { limit: 1 })]) {
        await assert.rejects(read(), { code: "temporarily_unavailable" });
        assert.equal(await ready(), 503);
      }
      execute("DELETE FROM item WHERE key = 'k'");
      assert.equal(await ready(), 200);
    }
    await authority.close();
  });

  it("leaves nothing in a store at rest but one item that expires", async (context) => {
    const { store, clock, count } = await aStore(context);
    await store.swap("k", 0, { value: 1 });
    for (let asked = 0; asked < 10; asked++) {
      await clock.advance(30_000);
      assert.equal(await store.failure?.(), undefined);
      assert.equal(count(), 2);
    }
    assert.deepEqual(await store.get("P#probe").then((item) => item?.expiresAt), clock.now() + 60_000);
  });

  it("tells the log why when the reason changes, when it comes back, and every ten seconds, however often it is asked", async (context) => {
    const { store, clock, hold, release } = await aStore(context);
    const authority = await testAuthority({ store, clock });
    const ask = async () => {
      for (let n = 0; n < 20; n++) await authority.fetch(new Request("http://localhost:8080/health/ready"));
      return authority.events.filter(({ name }) => name === "authority.unready").length;
    };
    const failToWrite = () => assert.rejects(store.swap("k", 0, { value: 1 }));
    hold();
    await failToWrite();
    assert.equal(await ask(), 1);
    await clock.advance(9999);
    assert.equal(await ask(), 1);
    await clock.advance(1);
    assert.equal(await ask(), 2);
    release();
    await clock.advance(2000);
    assert.equal(await ask(), 2);
    hold();
    await failToWrite();
    assert.equal(await ask(), 3);
    authority.drain();
    assert.equal(await ask(), 4);
    release();
    await authority.close();
  });
});

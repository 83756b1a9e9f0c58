import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { Worker } from "node:worker_threads";
import { systemClock } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { ItemCache } from "../../src/store/item-cache.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { copyAsAfterCrash, openAt, storePath, temporaryDirectory } from "./stores.ts";

const noModes = process.platform === "win32" ? "Windows has no modes" : false;

describe("openSqliteStore: durability", () => {
  it("has after reopening what was acknowledged before", async (context) => {
    const clock = new FakeClock();
    const path = storePath(context);
    const first = await openSqliteStore({ path, clock });
    const versions = await Promise.all(
      Array.from({ length: 300 }, (_, i) => first.swap(`k${i}`, 0, { value: { i }, owner: "o", expiresAt: 4e12 + i })),
    );
    await first.take("k7");
    await first.close();
    const second = await openAt(path, context, { clock });
    for (const [i, version] of versions.entries()) {
      const expected = { key: `k${i}`, version, value: { i }, owner: "o", expiresAt: 4e12 + i };
      assert.deepEqual(await second.get(`k${i}`), i === 7 ? undefined : expected);
    }
  });

  it("has every acknowledged write in the log, whatever becomes of the process", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context);
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.swap(`k${i}`, 0, { value: i })));
    const copy = storePath(context);
    copyAsAfterCrash(path, copy);
    const found = await openAt(copy, context);
    for (let i = 0; i < 100; i++) assert.equal((await found.get(`k${i}`))?.value, i);
  });
});

describe("openSqliteStore: list", () => {
  it("lets others have their turn between two pages", async (context) => {
    const store = await openAt(storePath(context), context);
    let turns = 0;
    let isPaging = true;
    const takeTurn = () => {
      turns += 1;
      if (isPaging) setImmediate(takeTurn);
    };
    setImmediate(takeTurn);
    for (let page = 0; page < 10; page++) await store.list("o", { limit: 1000 });
    isPaging = false;
    assert.ok(turns >= 10, `${turns} turns`);
  });
});

describe("openSqliteStore: a writing thread that dies", () => {
  it("loses nothing that was acknowledged, and the next write has a new one", async (context) => {
    const threads: Worker[] = [];
    const listen = (thread: Worker) => threads.push(thread);
    process.on("worker", listen);
    context.after(() => process.off("worker", listen));
    const store = await openAt(storePath(context), context);
    const acknowledged = new Set<string>();
    for (let death = 0; death < 5; death++) {
      const writes = Array.from({ length: 500 }, async (_, i) => {
        const key = `k${death}-${i}`;
        if ((await store.swap(key, 0, { value: i })) !== undefined) acknowledged.add(key);
      });
      const died = death % 2 === 0 ? threads.at(-1)?.terminate() : threads.at(-1)?.postMessage(null);
      const outcomes = await Promise.allSettled(writes);
      await died;
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") assert.equal(outcome.reason.code, "temporarily_unavailable");
      }
      assert.ok(await store.swap(`after${death}`, 0, { value: death }));
    }
    assert.equal(threads.length, 6);
    for (const key of acknowledged) assert.ok(await store.get(key), key);
    threads.at(-1)?.postMessage(null);
    await store.close();
  });
});

describe("openSqliteStore: group commit", () => {
  it("commits together what arrived while a commit was under way", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context, { busyTimeoutMs: 60_000 });
    using holder = new DatabaseSync(path);
    holder.exec("BEGIN IMMEDIATE");
    const writes = Array.from({ length: 2000 }, (_, i) => store.swap(`k${i}`, 0, { value: i }));
    holder.exec("ROLLBACK");
    await Promise.all(writes);
    const copy = storePath(context);
    copyAsAfterCrash(path, copy);
    const commits = commitsInLog(`${copy}-wal`);
    assert.ok(commits >= 2 && commits <= 3, `${commits} commits`);
  });

  it("refuses past maxWaiting, says when to retry, and serves what it accepted", async (context) => {
    const store = await openAt(storePath(context), context, { maxWaiting: 10 });
    const writes = Array.from({ length: 64 }, (_, i) => store.swap(`k${i}`, 0, { value: i }));
    const results = await Promise.allSettled(writes);
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 54);
    for (const { reason } of refused) {
      assert.equal(reason.code, "temporarily_unavailable");
      assert.equal(reason.retryAfterMs, 1000);
    }
    for (let i = 0; i < 64; i++) assert.equal((await store.get(`k${i}`))?.value, i < 10 ? i : undefined);
    assert.ok(await store.swap("later", 0, { value: 1 }));
  });

  it("lets a statement that fails fail alone", async (context) => {
    const path = storePath(context);
    await (await openSqliteStore({ path, clock: new FakeClock() })).close();
    using database = new DatabaseSync(path);
    database.exec(`CREATE TRIGGER poison BEFORE INSERT ON item WHEN new.key = 'poison'
      BEGIN SELECT raise(ABORT, 'poisoned'); END`);
    const store = await openAt(path, context);
    const names = ["a", "poison", "b"];
    const results = await Promise.allSettled(names.map((name) => store.swap(name, 0, { value: name })));
    assert.deepEqual(
      results.map((result) => (result.status === "rejected" ? result.reason.code : "written")),
      ["written", "server_error", "written"],
    );
    assert.equal((await store.get("a"))?.value, "a");
    assert.equal(await store.get("poison"), undefined);
    assert.equal((await store.get("b"))?.value, "b");
  });
});

describe("openSqliteStore: sweep", () => {
  it("erases the expired while others are written, and nothing else", async (context) => {
    const clock = new FakeClock();
    const path = storePath(context);
    const store = await openAt(path, context, { clock });
    const write = (name: string, count: number, expiresAt?: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          store.swap(`${name}${i}`, 0, { value: i, ...(expiresAt !== undefined && { expiresAt }) }),
        ),
      );
    await write("dead", 100, clock.now() + 1);
    await write("living", 100, clock.now() + 2);
    await write("lasting", 100);
    clock.jump(1);
    // Each write looks at two rows and adds one behind them. From just behind the dead a walk takes 200 writes to the end,
    // wherever the commits before it stopped, and 50 more from the start over the dead.
    for (let i = 0; i < 40; i++) await write(`new${i}-`, 10);
    await store.close();
    using database = new DatabaseSync(path);
    const left = database.prepare("SELECT key FROM item WHERE key NOT LIKE 'new%'").all();
    assert.equal(left.filter(({ key }) => String(key).startsWith("dead")).length, 0);
    assert.equal(left.length, 200);
  });
});

describe("openSqliteStore: items held in memory", () => {
  it("sees a write at once after reading its predecessor", async (context) => {
    const store = await openAt(storePath(context), context);
    let version = 0;
    for (let i = 0; i < 200; i++) {
      version = (await store.swap("k", version, { value: i })) ?? 0;
      assert.equal((await store.get("k"))?.value, i);
    }
    await store.take("k");
    assert.equal(await store.get("k"), undefined);
  });

  it("are the ones read last, no more than the capacity holds", () => {
    const read: string[] = [];
    const cache = new ItemCache(20);
    const look = (key: string) =>
      cache.get(key, () => {
        read.push(key);
        return { item: { key, version: 1, value: "read" }, size: 10 };
      });
    for (const key of ["a", "b", "a", "c", "a", "b"]) assert.equal(look(key)?.key, key);
    assert.deepEqual(read, ["a", "b", "c", "b"]);
    cache.drop("a");
    look("a");
    assert.equal(read.at(-1), "a");
  });

  it("do not hold what is larger than the capacity, nor what nobody read", () => {
    const cache = new ItemCache(20);
    const read: string[] = [];
    const look = (key: string, size: number) =>
      cache.get(key, () => {
        read.push(key);
        return { item: { key, version: 1, value: "read" }, size };
      });
    look("large", 21);
    look("large", 21);
    cache.replace("small", () => assert.fail("was never read"));
    look("small", 1);
    cache.replace("small", () => ({ item: { key: "small", version: 2, value: "written" }, size: 1 }));
    assert.equal(look("small", 1)?.value, "written");
    assert.deepEqual(read, ["large", "large", "small"]);
  });
});

describe("openSqliteStore: log", () => {
  it("is folded into the file as it grows", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context);
    const value = "v".repeat(500);
    for (let round = 0; round < 16; round++) {
      await Promise.all(Array.from({ length: 1000 }, (_, i) => store.swap(`${round}-${i}`, 0, { value })));
    }
    const written = 16 * 1000 * value.length;
    assert.ok(statSync(`${path}-wal`).size < written / 2);
    assert.ok(statSync(path).size > written / 2);
  });
});

describe("openSqliteStore: another process holds the file (J4)", () => {
  it("waits busyTimeoutMs for it, refuses, still reads, and recovers", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context, { busyTimeoutMs: 50 });
    await store.swap("k", 0, { value: "before" });
    using holder = new DatabaseSync(path);
    holder.exec("BEGIN EXCLUSIVE");
    for (let attempt = 0; attempt < 2; attempt++) {
      const before = systemClock.monotonic();
      await assert.rejects(store.swap("other", 0, { value: 1 }), {
        code: "temporarily_unavailable",
        retryAfterMs: 1000,
        detail: /locked/,
      });
      assert.ok(systemClock.monotonic() - before >= 40, "did not wait");
    }
    assert.equal((await store.get("k"))?.value, "before");
    holder.exec("ROLLBACK");
    assert.ok(await store.swap("other", 0, { value: 2 }));
  });

  it("succeeds when the file is let go within busyTimeoutMs", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context, { busyTimeoutMs: 60_000 });
    using holder = new DatabaseSync(path);
    holder.exec("BEGIN EXCLUSIVE");
    const write = store.swap("k", 0, { value: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    holder.exec("ROLLBACK");
    assert.ok(await write);
  });
});

describe("openSqliteStore: files", () => {
  it("are its owner's alone, in a directory that is its owner's alone", { skip: noModes }, async (context) => {
    const path = join(temporaryDirectory(context), "a", "b", "store.db");
    const store = await openAt(path, context);
    await store.swap("k", 0, { value: 1 });
    for (const directory of [dirname(path), dirname(dirname(path))]) assert.equal(modeOf(directory), 0o700);
    for (const suffix of ["", "-wal", "-shm", ".lock"]) assert.equal(modeOf(`${path}${suffix}`), 0o600, suffix);
  });

  it("may lie at a path with any characters", async (context) => {
    const path = join(temporaryDirectory(context), "a b%20?c#d", "é;'\"&mode=memory.db");
    const store = await openSqliteStore({ path, clock: new FakeClock() });
    await store.swap("k", 0, { value: 1 });
    await store.close();
    assert.ok(statSync(path).size > 0);
  });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/** Counts the frames of a write-ahead log that end a transaction (sqlite.org/fileformat2.html, section 4.1). */
function commitsInLog(path: string): number {
  const log = readFileSync(path);
  const frame = 24 + log.readUInt32BE(8);
  const salt = log.subarray(16, 24);
  let commits = 0;
  for (let at = 32; at + frame <= log.length && log.subarray(at + 8, at + 16).equals(salt); at += frame) {
    if (log.readUInt32BE(at + 4) !== 0) commits++;
  }
  return commits;
}

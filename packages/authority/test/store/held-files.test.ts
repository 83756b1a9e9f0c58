import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { openAt, storePath } from "./stores.ts";

const skip = process.platform === "win32" ? "Windows removes no file that is open" : false;

/** A store that has written, and what it was told of its files. */
async function aStore(context: TestContext) {
  const path = storePath(context);
  const told: string[] = [];
  const signal = new EventTarget();
  const clock = new FakeClock();
  const onLost = (why: string) => {
    told.push(why);
    signal.dispatchEvent(new Event("lost"));
  };
  const store = await openAt(path, context, { clock, onLost });
  await store.swap("k", 0, { value: 1 });
  return { path, clock, store, told, lost: once(signal, "lost") };
}

const rows: readonly { readonly id: string; readonly lose: (path: string) => void }[] = [
  { id: "its lock is removed", lose: (path) => rmSync(`${path}.lock`) },
  { id: "its lock is replaced", lose: (path) => replace(`${path}.lock`) },
  { id: "its file is removed", lose: (path) => rmSync(path) },
  { id: "its file is replaced", lose: (path) => replace(path) },
  { id: "its log is removed", lose: (path) => rmSync(`${path}-wal`) },
];

function replace(path: string): void {
  copyFileSync(path, `${path}.copy`);
  renameSync(`${path}.copy`, path);
}

function namesBeside(path: string): readonly string[] {
  return readdirSync(dirname(path)).sort();
}

/** Another program in the middle of a transaction that reads, until its standard input ends. */
async function readingElsewhere(path: string): Promise<ChildProcessByStdio<Writable, Readable, null>> {
  const script = `
    import { DatabaseSync } from "node:sqlite";
    const database = new DatabaseSync(process.argv[1]);
    database.exec("BEGIN; SELECT * FROM item LIMIT 1");
    process.stdout.write("reading");
    process.stdin.resume().on("end", () => database.close());
  `;
  const stdio: ["pipe", "pipe", "inherit"] = ["pipe", "pipe", "inherit"];
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], { stdio });
  await once(child.stdout, "data");
  return child;
}

describe("openSqliteStore while it is open (J5)", { skip }, () => {
  for (const { id, lose } of rows) {
    it(`says so once when ${id}, and takes and gives nothing from then on`, async (context) => {
      const { path, clock, store, told, lost } = await aStore(context);
      lose(path);
      await lost;
      for (const call of [() => store.swap("l", 0, { value: 1 }), () => store.take("k"), () => store.get("k")]) {
        await assert.rejects(call(), { code: "temporarily_unavailable" });
      }
      assert.match((await store.failure?.()) ?? "", /was removed or replaced while this server used it/);
      await clock.advance(60_000);
      assert.equal(told.length, 1);
    });
  }

  it("refuses the next write, at most a tenth of a second after the lock was removed", async (context) => {
    const { path, clock, store } = await aStore(context);
    rmSync(`${path}.lock`);
    await clock.advance(100);
    await assert.rejects(store.swap("l", 0, { value: 1 }), { code: "temporarily_unavailable" });
  });

  it("stops the first of two servers when the lock was removed, and the second has what it was told", async (context) => {
    const { path, clock, store, lost } = await aStore(context);
    rmSync(`${path}.lock`);
    const second = await openAt(path, context, { clock: new FakeClock() });
    assert.ok(await second.swap("l", 0, { value: 1 }));
    await lost;
    await assert.rejects(store.get("l"), { code: "temporarily_unavailable" });
    await clock.advance(100);
    await assert.rejects(store.swap("k", 0, { value: 1 }), { code: "temporarily_unavailable" });
    await store.close();
    assert.deepEqual((await second.get("k"))?.value, 1);
    assert.ok(await second.swap("m", 0, { value: 1 }));
  });

  it("marks that it is open, and no longer when it is closed", async (context) => {
    const { path, store } = await aStore(context);
    assert.deepEqual(namesBeside(path), ["store.db", "store.db-open", "store.db-shm", "store.db-wal", "store.db.lock"]);
    await store.close();
    assert.deepEqual(namesBeside(path), ["store.db", "store.db.lock"]);
  });

  it("takes the mark back when another program keeps its log: that one may fold and remove it", async (context) => {
    const { path, store } = await aStore(context);
    const other = await readingElsewhere(path);
    await store.swap("l", 0, { value: 1 });
    await store.close();
    assert.deepEqual(namesBeside(path).includes("store.db-open"), false);
    other.stdin.end();
    await once(other, "close");
    const next = await openAt(path, context, { clock: new FakeClock() });
    assert.equal((await next.get("l"))?.value, 1);
  });

  it("leaves the mark of the server that has its lock", async (context) => {
    const { path, store, lost } = await aStore(context);
    rmSync(`${path}.lock`);
    const second = await openAt(path, context, { clock: new FakeClock() });
    await lost;
    await store.close();
    assert.ok(namesBeside(path).includes("store.db-open"));
    await second.close();
    assert.ok(!namesBeside(path).includes("store.db-open"));
  });

  it("keeps all that it acknowledged when its log was removed: it folds it when it is closed", async (context) => {
    const { path, store, lost } = await aStore(context);
    rmSync(`${path}-wal`);
    await lost;
    await store.close();
    const next = await openSqliteStore({ path, clock: new FakeClock() });
    assert.equal((await next.get("k"))?.value, 1);
    await next.close();
  });
});

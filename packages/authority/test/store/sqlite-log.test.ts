import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FakeClock } from "@countersign/protocol/testing";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { copyAsAfterCrash, openAt, storePath } from "./stores.ts";

const clock = new FakeClock();
const mebibyte = 1024 * 1024;

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Writes a value of `size` characters under each of so many keys. */
async function write(store: Store, name: string, count: number, size: number): Promise<readonly boolean[]> {
  const writes = Array.from({ length: count }, async (_, i) => {
    const key = `${name}-${i}`;
    for (;;) {
      const before = await store.get(key);
      if ((await store.swap(key, before?.version ?? 0, { value: "v".repeat(size) })) !== undefined) return true;
    }
  });
  const outcomes = await Promise.allSettled(writes);
  return outcomes.map(({ status }) => status === "fulfilled");
}

/** Polls, as the writing thread rests by the machine's clock. */
async function eventually(holds: () => boolean): Promise<void> {
  for (let turn = 0; !holds(); turn++) {
    assert.ok(turn < 1000, "it never came true");
    await sleep(10);
  }
}

describe("the log of the store", () => {
  it("is folded at rest, so that without it nothing older is missing", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context, { clock });
    const copy = storePath(context);
    for (const key of ["first start", "later"]) {
      await store.swap(key, 0, { value: 1 });
      await eventually(() => {
        copyAsAfterCrash(path, copy);
        rmSync(`${copy}-wal`);
        using database = new DatabaseSync(copy);
        return database.prepare("SELECT 1 FROM item WHERE key = ?").get(key) !== undefined;
      });
    }
  });

  it("is folded when the next server opens what a crash has left", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context, { clock });
    await write(store, "k", 100, 1000);
    const copy = storePath(context);
    copyAsAfterCrash(path, copy);
    assert.ok(sizeOf(`${copy}-wal`) > 0);
    await openAt(copy, context, { clock });
    assert.equal(sizeOf(`${copy}-wal`), 0);
  });

  it("stays short under load, though there is a reader at any time", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context, { clock });
    await write(store, "k", 2000, 4000);
    let reader = aReader(path);
    const relay = setInterval(() => {
      const next = aReader(path);
      reader.close();
      reader = next;
    }, 20);
    context.after(() => clearInterval(relay));
    let most = 0;
    for (let round = 0; round < 16; round++) {
      await write(store, "k", 2000, 4000);
      most = Math.max(most, sizeOf(`${path}-wal`));
    }
    clearInterval(relay);
    reader.close();
    assert.ok(most <= 96 * mebibyte, `${most} bytes`);
  });

  it("is short again once a reader that kept it from being folded has gone", async (context) => {
    const path = storePath(context);
    const store = await openAt(path, context, { clock });
    await write(store, "k", 2000, 4000);
    const reader = aReader(path);
    while (sizeOf(`${path}-wal`) <= 24 * mebibyte) await write(store, "k", 2000, 4000);
    reader.close();
    for (let round = 0; round < 3; round++) await write(store, "k", 2000, 10);
    assert.ok(sizeOf(`${path}-wal`) <= 16 * mebibyte, `${sizeOf(`${path}-wal`)} bytes`);
  });
});

/** A connection that reads, and keeps what it sees. */
function aReader(path: string): DatabaseSync {
  const reader = new DatabaseSync(path);
  reader.exec("BEGIN; SELECT * FROM item LIMIT 1");
  return reader;
}

/** Why no small disk can be made here, or false. */
function noSmallDisk(): string | false {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root of Linux can mount a small disk";
  const disk = mkdtempSync(join(tmpdir(), "disk-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
  spawnSync("umount", ["-l", disk]);
  rmdirSync(disk);
  return status === 0 ? false : "this root may not mount";
}

/** A disk of its own, of 8 MiB. */
function smallDisk(context: TestContext): string {
  const disk = mkdtempSync(join(tmpdir(), "disk-"));
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], { encoding: "utf8" });
  context.after(() => {
    spawnSync("umount", ["-l", disk]);
    rmdirSync(disk);
  });
  assert.equal(status, 0, stderr);
  return disk;
}

describe("a full disk (J3)", { skip: noSmallDisk() }, () => {
  it("that a reader has let the log fill takes writes again once the reader has gone", async (context) => {
    const path = join(smallDisk(context), "store.db");
    const store = await openSqliteStore({ path, clock, busyTimeoutMs: 10 });
    await write(store, "k", 100, 4000);
    const reader = aReader(path);
    const acknowledged = new Set<string>();
    for (let round = 0; ; round++) {
      assert.ok(round < 200, "the disk never filled");
      const written = await write(store, `new ${round}`, 100, 1000);
      for (const [i, kept] of written.entries()) if (kept) acknowledged.add(`new ${round}-${i}`);
      if (written.includes(false)) break;
    }
    reader.close();
    assert.ok((await write(store, "after", 100, 1000)).every(Boolean), "still full");
    for (const key of acknowledged) assert.ok(await store.get(key), key);
    await store.close();
  });

  it("takes writes again once what others put there has gone, and has kept all that was acknowledged", async (context) => {
    const disk = smallDisk(context);
    const path = join(disk, "store.db");
    const store = await openSqliteStore({ path, clock });
    assert.ok((await write(store, "before", 100, 1000)).every(Boolean));
    assert.throws(() => writeFileSync(join(disk, "other"), Buffer.alloc(16 * mebibyte)), { code: "ENOSPC" });
    assert.deepEqual(await write(store, "refused", 1, 8000), [false]);
    rmSync(join(disk, "other"));
    assert.ok((await write(store, "after", 100, 1000)).every(Boolean));
    for (let i = 0; i < 100; i++) assert.ok(await store.get(`before-${i}`));
    await store.close();
  });
});

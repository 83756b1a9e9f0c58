import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { prepareFile } from "../../src/store/sqlite-file.ts";
import { copyAsAfterCrash, openAt, storePath } from "./stores.ts";

const clock = new FakeClock();
const count = 300;
const noUsers = process.platform === "win32" ? "Windows has no modes" : false;
const noLinks = process.platform === "win32" ? "Windows makes links for administrators only" : false;

/** A closed store with items k0 … k299. */
async function closedStore(context: TestContext): Promise<string> {
  const path = storePath(context);
  const store = await openSqliteStore({ path, clock });
  await Promise.all(Array.from({ length: count }, (_, i) => store.swap(`k${i}`, 0, { value: "v".repeat(100) })));
  await store.close();
  return path;
}

/** The files of a store whose process died after writing k0 … k299, one commit each. */
async function crashedStore(context: TestContext): Promise<string> {
  const path = storePath(context);
  const store = await openSqliteStore({ path, clock });
  for (let i = 0; i < count; i++) await store.swap(`k${i}`, 0, { value: "v".repeat(100) });
  const copy = storePath(context);
  copyAsAfterCrash(path, copy);
  await store.close();
  return copy;
}

function execute(path: string, sql: string): void {
  using database = new DatabaseSync(path);
  database.exec(sql);
}

function overwrite(path: string, at: number, length: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, at, at + length);
  writeFileSync(path, bytes);
}

describe("openSqliteStore refuses, without a write (J5, J6)", () => {
  const rows: { id: string; spoil: (path: string) => void; expect: RegExp }[] = [
    {
      id: "the schema of a newer program",
      spoil: (path) => execute(path, "PRAGMA user_version = 99"),
      expect: /schema version 99 is newer than \d.*update/,
    },
    {
      id: "the schema of a newer program, still in the log",
      spoil: (path) => {
        using database = new DatabaseSync(path);
        database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 99");
        copyFileSync(path, `${path}.copy`);
        copyFileSync(`${path}-wal`, `${path}.copy-wal`);
        database.close();
        for (const suffix of ["", "-wal"]) writeFileSync(`${path}${suffix}`, readFileSync(`${path}.copy${suffix}`));
      },
      expect: /schema version 99 is newer than \d/,
    },
    {
      id: "the database of another application",
      spoil: (path) => {
        rmSync(path);
        execute(path, "CREATE TABLE notes (text)");
      },
      expect: /another application/,
    },
    {
      id: "the database of an application with an id",
      spoil: (path) => execute(path, "PRAGMA application_id = 7"),
      expect: /another application/,
    },
    {
      id: "the database of an application that died, with its journal",
      spoil: (path) => {
        execute(path, "PRAGMA application_id = 7");
        writeFileSync(`${path}-journal`, "what to take back");
      },
      expect: /another application/,
    },
    {
      id: "the schema of a newer program that died, with its journal",
      spoil: (path) => {
        execute(path, "PRAGMA user_version = 99");
        writeFileSync(`${path}-journal`, "what to take back");
      },
      expect: /schema version 99 is newer than \d/,
    },
    { id: "a text file", spoil: (path) => writeFileSync(path, "no database\n".repeat(999)), expect: /no database/ },
    { id: "a damaged header", spoil: (path) => overwrite(path, 0, 100), expect: /damaged/ },
    { id: "a damaged page", spoil: (path) => overwrite(path, 4096, 4096), expect: /damaged/ },
    { id: "half a damaged page", spoil: (path) => overwrite(path, 4 * 4096, 2048), expect: /damaged/ },
    {
      id: "a file cut in half",
      spoil: (path) => truncateSync(path, Math.floor(statSync(path).size / 8192) * 4096),
      expect: /damaged/,
    },
  ];
  for (const { id, spoil, expect } of rows) {
    it(id, async (context) => {
      const path = await closedStore(context);
      spoil(path);
      const before = readFileSync(path);
      const beside = [`${path}-wal`, `${path}-journal`]
        .filter(existsSync)
        .map((name) => [name, readFileSync(name)] as const);
      await assert.rejects(openSqliteStore({ path, clock }), (error: Error) => {
        assert.match(error.message, expect);
        assert.ok(error.message.startsWith(`Cannot open the store ${path}: `));
        return true;
      });
      assert.deepEqual(readFileSync(path), before);
      for (const [name, bytes] of beside) assert.deepEqual(readFileSync(name), bytes, name);
    });
  }

  it("a file that another program holds for itself", async (context) => {
    const path = await closedStore(context);
    using holder = new DatabaseSync(path);
    holder.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    await assert.rejects(openSqliteStore({ path, clock }), /^Error: Cannot open the store .*: database is locked$/);
  });

  for (const { id, lose } of [
    { id: "was removed", lose: (path: string) => rmSync(path) },
    { id: "was emptied", lose: (path: string) => truncateSync(path) },
  ]) {
    it(`a log whose file ${id}: it is all that is left`, async (context) => {
      const path = await crashedStore(context);
      rmSync(`${path}-open`);
      lose(path);
      const log = readFileSync(`${path}-wal`);
      await assert.rejects(
        openSqliteStore({ path, clock }),
        /missing or empty, but its log .*-wal holds data; restore/,
      );
      assert.deepEqual(readFileSync(`${path}-wal`), log);
      rmSync(`${path}-wal`);
      assert.ok(await (await openAt(path, context, { clock })).swap("k", 0, { value: 1 }));
    });
  }

  const taken: readonly { id: string; take: (path: string) => void; expect: RegExp }[] = [
    {
      id: "its log",
      take: (path) => rmSync(`${path}-wal`),
      expect: /its log .*-wal is missing, but .*-open says that it was in use.*restore a backup.*remove .*-open$/,
    },
    {
      id: "its file",
      take: (path) => rmSync(path),
      expect: /the file is missing or empty, but .*-open says.*restore it from a backup, or remove .*-open /,
    },
    {
      id: "both",
      take: (path) => {
        rmSync(path);
        rmSync(`${path}-wal`);
      },
      expect: /the file is missing or empty, but .*-open says/,
    },
  ];
  for (const { id, take, expect } of taken) {
    it(`what a crash has left without ${id}, until the mark is removed on purpose`, async (context) => {
      const path = await crashedStore(context);
      take(path);
      const before = readdirSync(dirname(path));
      for (const _ of [1, 2]) {
        await assert.rejects(openSqliteStore({ path, clock }), { message: expect });
        assert.deepEqual(readdirSync(dirname(path)), [...new Set([...before, "store.db.lock"])].sort());
      }
      rmSync(`${path}-open`);
      if (id === "its file") rmSync(`${path}-wal`);
      assert.ok(await (await openAt(path, context, { clock })).swap("new", 0, { value: 1 }));
    });
  }

  it("a network file system", async (context) => {
    const path = storePath(context);
    assert.throws(() => prepareFile(path, () => 0x6969), /NFS is a network file system/);
    assert.equal(existsSync(path), false);
  });
});

describe("openSqliteStore recovers (J5)", () => {
  const rows: { id: string; spoil: (path: string) => void }[] = [
    { id: "from a crash", spoil: () => {} },
    {
      id: "from a crash, the shared memory gone bad",
      spoil: (path) => writeFileSync(`${path}-shm`, "bad".repeat(9999)),
    },
    {
      id: "from a log with garbage at its end",
      spoil: (path) => writeFileSync(`${path}-wal`, "\u00a5", { flag: "a" }),
    },
    { id: "from a crash of a version that made no mark", spoil: (path) => rmSync(`${path}-open`) },
    { id: "from a crash after the log was emptied", spoil: foldAndEmpty },
    {
      id: "a backup that is not in WAL mode",
      spoil: (path) => {
        execute(path, `VACUUM INTO '${path}.backup'`);
        writeFileSync(path, readFileSync(`${path}.backup`));
        for (const suffix of ["-wal", "-shm", "-journal", "-open"]) rmSync(`${path}${suffix}`, { force: true });
      },
    },
    { id: "readable by others, and makes it private", spoil: (path) => chmodSync(path, 0o644) },
  ];
  for (const { id, spoil } of rows) {
    it(id, async (context) => {
      const path = await crashedStore(context);
      spoil(path);
      const store = await openAt(path, context, { clock });
      for (let i = 0; i < count; i++) assert.ok(await store.get(`k${i}`), `k${i}`);
      assert.ok(await store.swap("new", 0, { value: 1 }));
      if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o777, 0o600);
    });
  }

  it("from a log cut short: what is left is an unbroken beginning", async (context) => {
    const path = await crashedStore(context);
    truncateSync(`${path}-wal`, Math.floor(statSync(`${path}-wal`).size / 2));
    const store = await openAt(path, context, { clock });
    const found = await Promise.all(
      Array.from({ length: count }, async (_, i) => (await store.get(`k${i}`)) !== undefined),
    );
    const kept = found.indexOf(false);
    assert.ok(kept > 0, "the log held nothing");
    assert.ok(found.slice(kept).every((present) => !present));
  });

  it("from what others have put where a new file is made", async (context) => {
    for (const plant of [
      (draft: string) => mkdirSync(join(draft, "in it"), { recursive: true }),
      (draft: string) => writeFileSync(draft, "no database"),
    ]) {
      const path = storePath(context);
      plant(`${path}.new`);
      assert.ok(await (await openAt(path, context, { clock })).swap("k", 0, { value: 1 }));
      assert.equal(existsSync(`${path}.new`), false);
    }
  });

  it("from a first start that was cut short", async (context) => {
    const path = storePath(context);
    execute(path, "PRAGMA journal_mode = WAL");
    assert.ok(await (await openAt(path, context, { clock })).swap("k", 0, { value: 1 }));
  });
});

/** As a process leaves it that dies after it has folded its log, which another connection kept from being removed. */
function foldAndEmpty(path: string): void {
  execute(path, "PRAGMA wal_checkpoint(TRUNCATE)");
  writeFileSync(`${path}-wal`, "");
}

describe("openSqliteStore has one writer (J5)", () => {
  it("refuses a second store on the file of this process, and lets it in once the first is closed", async (context) => {
    const path = await closedStore(context);
    const first = await openSqliteStore({ path, clock });
    await assert.rejects(openSqliteStore({ path, clock }), /another server is using it/);
    assert.ok(await first.swap("still works", 0, { value: 1 }));
    await first.close();
    await openAt(path, context, { clock });
  });

  it("refuses a second store that knows the file by another name", { skip: noLinks }, async (context) => {
    const path = await closedStore(context);
    symlinkSync(path, `${path}.link`);
    symlinkSync(dirname(path), `${path}.directory`);
    await openAt(path, context, { clock });
    for (const name of [`${path}.link`, join(`${path}.directory`, "store.db")]) {
      await assert.rejects(openSqliteStore({ path: name, clock }), /another server is using it/);
    }
  });

  it("says that it is exclusive, refuses a second server, and lets it in once the first is closed", async (context) => {
    const path = await closedStore(context);
    const first = await openSqliteStore({ path, clock });
    assert.equal(first.exclusive, true);
    assert.match(openElsewhere(path), /another server is using it/);
    assert.match(openElsewhere(path), /another server is using it/);
    await first.close();
    assert.equal(openElsewhere(path), "");
  });
});

describe("openSqliteStore without a lock it can write", () => {
  it("refuses one that is readable only, where SQLite locks nothing", { skip: noUsers }, async (context) => {
    const path = await closedStore(context);
    chmodSync(`${path}.lock`, 0o444);
    // Root may write everything, so there the rest is given to another user; without root, the mode is enough.
    if (isRoot) for (const name of [dirname(path), path]) chownSync(name, nobody, nobody);
    const opened = asNobody(() => {
      try {
        prepareFile(path).lock.close();
        return "opened";
      } catch (error) {
        return String(error);
      }
    });
    assert.match(opened, /cannot take its lock .*store\.db\.lock \(.*\); make the directory and its files this user's/);
    assert.equal(statSync(`${path}.lock`).size, 0);
  });

  it("says so, and not that another server runs, when it cannot be opened at all", async (context) => {
    const path = await closedStore(context);
    rmSync(`${path}.lock`);
    mkdirSync(`${path}.lock`);
    await assert.rejects(openSqliteStore({ path, clock }), /cannot take its lock .*store\.db\.lock/);
  });
});

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

function asNobody<T>(use: () => T): T {
  if (isRoot) process.seteuid?.(nobody);
  try {
    return use();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

function openElsewhere(path: string): string {
  const script = `
    import { systemClock } from "@countersign/protocol";
    const { openSqliteStore } = await import(process.argv[1]);
    await (await openSqliteStore({ path: process.argv[2], clock: systemClock })).close();
  `;
  const store = new URL("../../src/store/sqlite.ts", import.meta.url).href;
  const args = ["-C", "@countersign/source", "--input-type=module", "-e", script, store, path];
  const { stderr, status } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: "utf8" });
  assert.equal(status === 0, stderr === "");
  return stderr;
}

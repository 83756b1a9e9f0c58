import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { seededRandom } from "@countersign/protocol/testing";
import { prepareFile } from "../../src/store/sqlite-file.ts";
import { shimMissing } from "./disk-shim.ts";
import { breakOffOpening, type PowerCutReport, recordAndCut } from "./power-cut.ts";
import { copyAsAfterCrash, openAt, storePath, temporaryDirectory } from "./stores.ts";
import { storeOfVersion1 } from "./version-1.ts";

describe("openSqliteStore: power cuts (J2)", { skip: shimMissing() }, () => {
  const rows: { synchronous: "FULL" | "NORMAL" | "OFF"; expect: (report: PowerCutReport) => boolean }[] = [
    { synchronous: "FULL", expect: ({ cutsThatLost, cutsThatDamaged }) => cutsThatLost === 0 && cutsThatDamaged === 0 },
    // The controls show that the cuts would find a loss.
    { synchronous: "NORMAL", expect: ({ cutsThatLost, rotationsLost }) => cutsThatLost > 20 && rotationsLost > 100 },
    { synchronous: "OFF", expect: ({ cutsThatLost, cutsThatDamaged }) => cutsThatLost + cutsThatDamaged > 30 },
  ];
  for (const { synchronous, expect } of rows) {
    it(`synchronous=${synchronous}`, (context) => {
      const random = seededRandom(`power cut ${synchronous}`);
      const directory = temporaryDirectory(context);
      const reports = recordAndCut({ directory, synchronous, rotations: 64 * 48, cuts: 40, random });
      for (const [unsynced, report] of Object.entries(reports)) {
        assert.equal(report.acknowledged, 64 * 48);
        assert.ok(expect(report), `${unsynced}: ${JSON.stringify(report)}`);
      }
    });
  }
});

describe("openSqliteStore: an opening broken off anywhere (J2, J5)", { skip: shimMissing() }, () => {
  /** A backup as docs/operations.md has it made: not in the mode of the log, which a journal leads to. */
  async function aBackup(context: TestContext): Promise<Files> {
    const path = storePath(context);
    const store = await openAt(path, context);
    await store.swap("k", 0, { value: 1 });
    using database = new DatabaseSync(path, { readOnly: true });
    database.exec(`VACUUM INTO '${path}.backup'`);
    return { "": readFileSync(`${path}.backup`) };
  }

  /** What a process leaves that is killed: the mark, and what it wrote in the log alone. */
  async function aCrash(context: TestContext): Promise<Files> {
    const path = storePath(context);
    const store = await openAt(path, context);
    await store.swap("k", 0, { value: 1 });
    copyAsAfterCrash(path, `${path}.copy`);
    return read(`${path}.copy`);
  }

  function read(path: string): Files {
    return Object.fromEntries(["", "-wal", "-open"].map((suffix) => [suffix, readFileSync(`${path}${suffix}`)]));
  }

  /** The same of a schema that is brought up to date. */
  async function aCrashOfVersion1(context: TestContext): Promise<Files> {
    const path = storeOfVersion1(context);
    writeFileSync(`${path}-open`, "");
    using database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; DELETE FROM item");
    copyAsAfterCrash(path, `${path}.copy`);
    return read(`${path}.copy`);
  }

  type Files = Readonly<Record<string, Buffer>>;

  const rows: readonly { name: string; before?: (context: TestContext) => Promise<Files>; keys: string[] }[] = [
    { name: "a first start", keys: [] },
    { name: "the first start on a backup", before: aBackup, keys: ["k"] },
    { name: "the start after a crash", before: aCrash, keys: ["k"] },
    { name: "the start of a newer version after a crash", before: aCrashOfVersion1, keys: [] },
  ];
  for (const { name, before, keys } of rows) {
    it(`${name} leaves what the next start can open`, async (context) => {
      let breaks = 0;
      const directory = temporaryDirectory(context);
      const files = await before?.(context);
      const options = { directory, random: seededRandom(name), ...(files === undefined ? {} : { before: files }) };
      await breakOffOpening(options, async (where, path) => {
        breaks++;
        assert.doesNotThrow(() => prepareFile(path).lock.close(), where);
        using database = new DatabaseSync(path, { readOnly: true });
        assert.equal(database.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok", where);
        const found = database.prepare("SELECT key FROM item").all();
        assert.deepEqual(
          found.map(({ key }) => key),
          keys,
          where,
        );
      });
      assert.ok(breaks > 20, `only ${breaks} breaks`);
    });
  }
});

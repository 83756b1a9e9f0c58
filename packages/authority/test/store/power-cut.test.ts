import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { seededRandom } from "@countersign/protocol/testing";
import { prepareFile } from "../../src/store/sqlite-file.ts";
import { shimMissing } from "./disk-shim.ts";
import { breakOffOpening, type PowerCutReport, recordAndCut } from "./power-cut.ts";
import { openAt, storePath, temporaryDirectory } from "./stores.ts";

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
  async function aBackup(context: TestContext): Promise<Buffer> {
    const path = storePath(context);
    const store = await openAt(path, context);
    await store.swap("k", 0, { value: 1 });
    using database = new DatabaseSync(path, { readOnly: true });
    database.exec(`VACUUM INTO '${path}.backup'`);
    return readFileSync(`${path}.backup`);
  }

  const rows: readonly { name: string; before?: (context: TestContext) => Promise<Buffer>; keys: string[] }[] = [
    { name: "a first start", keys: [] },
    { name: "the first start on a backup", before: aBackup, keys: ["k"] },
  ];
  for (const { name, before, keys } of rows) {
    it(`${name} leaves what the next start can open`, async (context) => {
      let breaks = 0;
      const directory = temporaryDirectory(context);
      const file = await before?.(context);
      const options = { directory, random: seededRandom(name), ...(file === undefined ? {} : { before: file }) };
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

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { seededRandom } from "@countersign/protocol/testing";
import { prepareFile } from "../../src/store/sqlite-file.ts";
import { shimMissing } from "./disk-shim.ts";
import { breakOffFirstOpening, type PowerCutReport, recordAndCut } from "./power-cut.ts";
import { temporaryDirectory } from "./stores.ts";

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

describe("openSqliteStore: a first opening broken off anywhere (J2, J5)", { skip: shimMissing() }, () => {
  it("leaves what the next start can open", (context) => {
    let breaks = 0;
    breakOffFirstOpening(temporaryDirectory(context), seededRandom("first opening"), (name, path) => {
      breaks++;
      assert.doesNotThrow(() => prepareFile(path).lock.close(), name);
      using database = new DatabaseSync(path, { readOnly: true });
      assert.equal(database.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok", name);
      assert.deepEqual(database.prepare("SELECT * FROM item").all(), [], name);
    });
    assert.ok(breaks > 50, `only ${breaks} breaks`);
  });
});

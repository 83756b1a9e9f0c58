import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@countersign/protocol/testing";
import { shimMissing } from "./disk-shim.ts";
import { type PowerCutReport, recordAndCut } from "./power-cut.ts";
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

// Cuts the power of a simulated disk at random points: npm run powercut [-- CUTS [SEED]]. Needs Linux and cc.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomSecret, systemRandom } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { shimMissing } from "../packages/authority/test/store/disk-shim.ts";
import { type PowerCutReport, recordAndCut } from "../packages/authority/test/store/power-cut.ts";

interface Row extends PowerCutReport {
  readonly synchronous: string;
  readonly unsynced: string;
  readonly cuts: number;
}

const rotationsPerRecording = 64 * 64;
const cutsPerRecording = 500;
const controlCuts = 200;
const [cuts = "5000", seed = randomSecret(systemRandom, 6)] = process.argv.slice(2);

const missing = shimMissing();
if (missing !== false) throw new Error(`Cannot cut the power: this ${missing}`);

const random = seededRandom(seed);
const rows: Row[] = [];

/** The controls show that the cuts find losses where there are some. */
const runs = [
  ...Array.from({ length: Math.ceil(Number(cuts) / cutsPerRecording) }, () => ({
    synchronous: "FULL" as const,
    cuts: Math.min(cutsPerRecording, Number(cuts)),
  })),
  { synchronous: "NORMAL" as const, cuts: controlCuts },
  { synchronous: "OFF" as const, cuts: controlCuts },
];

for (const { synchronous, cuts } of runs) {
  const directory = await mkdtemp(join(tmpdir(), "power-cut-"));
  const reports = recordAndCut({ directory, synchronous, rotations: rotationsPerRecording, cuts, random });
  await rm(directory, { recursive: true });
  for (const [unsynced, report] of Object.entries(reports)) rows.push({ synchronous, unsynced, cuts, ...report });
}

console.log(`seed ${seed}`);
console.table(
  ["FULL", "NORMAL", "OFF"].flatMap((synchronous) =>
    ["dropped", "torn"].map((unsynced) => {
      const same = rows.filter((row) => row.synchronous === synchronous && row.unsynced === unsynced);
      const sum = (pick: (row: Row) => number) => same.reduce((total, row) => total + pick(row), 0);
      return {
        synchronous,
        unsynced,
        acknowledged: sum((row) => row.acknowledged),
        cuts: sum((row) => row.cuts),
        "cuts that lost": sum((row) => row.cutsThatLost),
        "rotations lost": sum((row) => row.rotationsLost),
        "cuts that damaged": sum((row) => row.cutsThatDamaged),
      };
    }),
  ),
);

const full = rows.filter((row) => row.synchronous === "FULL");
const harmless = full.every((row) => row.cutsThatLost + row.cutsThatDamaged === 0);
const controlled = rows.every((row) => row.synchronous === "FULL" || row.cutsThatLost + row.cutsThatDamaged > 0);
process.exitCode = harmless && controlled ? 0 : 1;

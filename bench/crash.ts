// Kills a working store again and again and looks for what was acknowledged: npm run crash [-- KILLS [SEED]]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomSecret, systemRandom } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { type CrashReport, crashUnderLoad } from "../packages/authority/test/store/crash.ts";

const killsPerStore = 50;
const [kills = "1000", seed = randomSecret(systemRandom, 6)] = process.argv.slice(2);
const random = seededRandom(seed);
const rows: CrashReport[] = [];
const violations: string[] = [];

for (let done = 0; done < Number(kills); done += killsPerStore) {
  const directory = await mkdtemp(join(tmpdir(), "crash-"));
  const planned = Math.min(killsPerStore, Number(kills) - done);
  const report = await crashUnderLoad({ path: join(directory, "store.db"), kills: planned, random });
  await rm(directory, { recursive: true });
  rows.push(report);
  violations.push(...report.violations);
}

const restarts = rows.flatMap((row) => row.restartMs).sort((a, b) => a - b);
const restartAt = (share: number) => Math.round(restarts[Math.floor(restarts.length * share)] ?? 0);
const sum = (pick: (row: CrashReport) => number) => rows.reduce((total, row) => total + pick(row), 0);

console.table({
  seed,
  kills: sum((row) => row.kills),
  acknowledged: sum((row) => row.acknowledged),
  indeterminate: sum((row) => row.indeterminate),
  "restart p50 ms": restartAt(0.5),
  "restart p99 ms": restartAt(0.99),
  violations: violations.length,
});
for (const violation of violations) console.error(violation);
process.exitCode = violations.length === 0 ? 0 : 1;

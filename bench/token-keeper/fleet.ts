/**
 * A thousand watchers in fifty processes that share one cache, through an outage of the authority; beside them a client
 * that every caller has for itself, and one promise per process. Writes the table and the plot of docs/token-keeper.md.
 *
 *   npm run fleet                       about ten minutes
 *   npm run fleet -- --quick            a small fleet, half a minute a row
 *   npm run fleet -- --only=keeper      one row
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { figures, plot, table } from "./fleet-report.ts";
import { type FleetPlan, type FleetResult, runFleet } from "./fleet-run.ts";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" }, plot: { type: "string" } },
});
const size = values.quick
  ? { processes: 4, callersPerProcess: 5, audiences: 2, lifetimeS: 10, steadyLifetimes: 1, recoveryLifetimes: 1 }
  : { processes: 50, callersPerProcess: 20, audiences: 5, lifetimeS: 20, steadyLifetimes: 3, recoveryLifetimes: 2 };
const plans: readonly FleetPlan[] = [
  { mode: "keeper", cache: "file", ...size },
  { mode: "keeper", cache: "redis", ...size },
  { mode: "memoizer", cache: "file", ...size },
  { mode: "naive", cache: "file", ...size },
];

const results: FleetResult[] = [];
for (const plan of plans) {
  if (values.only !== undefined && plan.mode !== values.only && plan.cache !== values.only) continue;
  const result = await runFleet(plan);
  results.push(result);
  console.log(
    JSON.stringify({ ...figures(result), slowestMs: Math.round(result.steady.slowestMs), recovery: result.recovery }),
  );
}
console.log(table(results));
if (values.plot !== undefined) await writeFile(values.plot, plot(results));
for (const result of results) {
  if (result.plan.mode !== "keeper") continue;
  const { perLifetimeAndAudience, failedInOutage, failedInRecovery, wrong, recoveryRatio } = figures(result);
  const kept = perLifetimeAndAudience <= 2 && failedInOutage + failedInRecovery + wrong === 0 && recoveryRatio <= 1.2;
  if (!kept) process.exitCode = 1;
}

/**
 * A thousand watchers in fifty processes that share one cache, through an outage of the authority; beside them a client
 * that every caller has for itself, and one promise per process. Writes the table and the plot of docs/token-keeper.md.
 *
 *   npm run fleet                       about ten minutes
 *   npm run fleet -- --quick            a small fleet, ten seconds a row
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
  ? {
      processes: 4,
      callersPerProcess: 5,
      audiences: 2,
      lifetimeS: 3,
      callEveryMs: 100,
      warmUpLifetimes: 0.2,
      steadyLifetimes: 1,
      recoveryLifetimes: 0.5,
    }
  : {
      processes: 50,
      callersPerProcess: 20,
      audiences: 5,
      lifetimeS: 20,
      callEveryMs: 500,
      warmUpLifetimes: 1,
      steadyLifetimes: 2,
      recoveryLifetimes: 1,
    };
const plans: readonly FleetPlan[] = [
  { mode: "keeper", cache: "file", ...size },
  { mode: "keeper", cache: "redis", ...size },
  { mode: "memoizer", cache: "file", ...size },
  { mode: "naive", cache: "file", ...size },
];

const results: FleetResult[] = [];
for (const plan of plans) {
  if (values.only !== undefined && plan.mode !== values.only && !(plan.mode === "keeper" && plan.cache === values.only))
    continue;
  const result = await runFleet(plan);
  results.push(result);
  console.log(
    JSON.stringify({ ...figures(result), slowestMs: Math.round(result.steady.slowestMs), recovery: result.recovery }),
  );
}
console.log(table(results));
if (values.plot !== undefined) await writeFile(values.plot, plot(results));

/** What is promised: two requests per lifetime and audience, no failed call, no token given up, no rush afterwards. */
function isKept(result: FleetResult): boolean {
  const { steadyPeak, recoveryPeak, recoveryRatio, ...kept } = figures(result);
  const most = 2 * result.plan.audiences;
  // A single lifetime is too short to compare a rate with.
  const calm = values.quick ? recoveryPeak <= most : recoveryRatio <= 1.2;
  return steadyPeak <= most && calm && kept.failedInOutage + kept.failedInRecovery + kept.wrong + kept.forgotten === 0;
}

if (!results.filter(({ plan }) => plan.mode === "keeper").every(isKept)) process.exitCode = 1;

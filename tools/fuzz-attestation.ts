/**
 * Judges the quotes of simulated platforms with each of their bits flipped, and random mutants of quotes and collateral:
 *
 *   npm run fuzz:attestation -- [--seed 1] [--cases 100000]
 *
 * The same seed mutates the same; the platforms are new every time. It ends with 1 when one is accepted, crashes or hangs.
 */
import { parseArgs } from "node:util";
import { createTargets, flipEveryBit, fuzz } from "../packages/attestation/test/fuzz/fuzz.ts";

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, cases: { type: "string", default: "100000" } },
});
const cases = Number(values.cases);
const STEP = 5000;

const totals = { judged: 0, refused: 0, same: 0 };
const add = ({ judged, refused, same, faults }: Awaited<ReturnType<typeof fuzz>>) => {
  totals.judged += judged;
  totals.refused += refused;
  totals.same += same;
  for (const fault of faults) console.log(fault);
  if (faults.length > 0) process.exitCode = 1;
};

for (const target of await createTargets()) {
  add(await flipEveryBit(target));
  console.error(`every bit of ${target.name}`);
}
for (let done = 0; done < cases; done += STEP) {
  // New platforms, with new keys: where digits of base64 fall differs from one to the next.
  add(await fuzz(await createTargets(), Number(values.seed) + done, Math.min(STEP, cases - done)));
  console.error(`${Math.min(done + STEP, cases)} of ${cases} mutants`);
}
console.table(totals);

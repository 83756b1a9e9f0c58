/**
 * Puts random tokens, texts, bytes and regular expressions to this implementation of Biscuit and to the reference:
 *
 *   npm run fuzz -- [--seed 1] [--cases 100000] [--mutants 1000000]
 *
 * The same seed asks the same. It ends with 1 when the two differ in a way that docs/biscuit.md does not list.
 */
import { parseArgs } from "node:util";
import { fuzzReference } from "../packages/biscuit/test/differential/fuzz.ts";
import { fuzzMutants } from "../packages/biscuit/test/differential/mutants.ts";
import { ReferenceHost } from "../packages/biscuit/test/differential/reference-module.ts";
import { fuzzRegex } from "../packages/biscuit/test/regex/regex-fuzz.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    cases: { type: "string", default: "100000" },
    mutants: { type: "string", default: "1000000" },
  },
});
const seed = Number(values.seed);
const cases = Number(values.cases);
const mutants = Number(values.mutants);
const STEP = 5000;

const host = new ReferenceHost();
const totals: Record<string, Record<string, number>> = {};

/** A third of the cases are regular expressions, the rest tokens, texts and bytes. */
for (let done = 0; done < cases; done += STEP) {
  const count = Math.min(STEP, cases - done);
  const regexes = Math.floor(count / 3);
  const { counts, divergences } = await fuzzReference(seed + done, count - regexes, host);
  const regex = await fuzzRegex(seed + done, regexes);
  for (const [name, tally] of Object.entries({
    ...counts,
    regex: {
      agreed: regexes - regex.divergences.length - regex.crashes.length - regex.unsupported,
      stricter: regex.unsupported,
      skipped: regex.crashes.length,
      diverged: regex.divergences.length,
    },
  })) {
    totals[name] ??= {};
    const total = totals[name] ?? {};
    for (const [outcome, n] of Object.entries(tally)) total[outcome] = (total[outcome] ?? 0) + n;
  }
  for (const divergence of [...divergences, ...regex.divergences]) console.log(JSON.stringify(divergence));
  if (divergences.length + regex.divergences.length > 0) process.exitCode = 1;
  console.error(`${done + count} of ${cases} cases`);
}
console.table(totals);

let refused = 0;
let judged = 0;
for (let done = 0; done < mutants; done += 10 * STEP) {
  const result = fuzzMutants(seed + done, Math.min(10 * STEP, mutants - done));
  refused += result.refused;
  judged += result.judged;
  console.error(`${Math.min(done + 10 * STEP, mutants)} of ${mutants} mutants`);
}
console.table({ mutants: { refused, judged } });

import { type Accepted, staleAccepted } from "./accepted.ts";
import { idOf, type Mutant, type MutantName } from "./mutants.ts";
import type { Verdict } from "./trial.ts";

export interface Judged extends Mutant {
  readonly verdict: Verdict;
}

export interface Report {
  readonly mutants: number;
  readonly killed: number;
  /** Those that are no program: they do not count. */
  readonly invalid: number;
  readonly accepted: number;
  /** Those that no list accepts. */
  readonly survivors: readonly Judged[];
  /** Accepted ones that a test kills: they belong in the list no longer. */
  readonly killedAccepted: readonly MutantName[];
  /** Accepted ones whose code is gone. */
  readonly stale: readonly MutantName[];
  /** Test files that fail with nothing mutated: they judge nothing. */
  readonly unusableTests: readonly string[];
}

export function reportOf(
  judged: readonly Judged[],
  accepted: readonly Accepted[],
  unusableTests: readonly string[],
): Report {
  const listed = new Set(accepted.map(idOf));
  const having = (...outcomes: Verdict["outcome"][]) =>
    judged.filter(({ verdict }) => outcomes.includes(verdict.outcome));
  const alive = having("survived", "unreached");
  return {
    mutants: judged.length,
    killed: having("killed").length,
    invalid: having("invalid").length,
    accepted: alive.filter((mutant) => listed.has(idOf(mutant))).length,
    survivors: alive.filter((mutant) => !listed.has(idOf(mutant))),
    killedAccepted: having("killed").filter((mutant) => listed.has(idOf(mutant))),
    stale: staleAccepted(accepted, judged),
    unusableTests,
  };
}

export function isGood({ survivors, killedAccepted, stale }: Report): boolean {
  return survivors.length + killedAccepted.length + stale.length === 0;
}

export function inWords(report: Report): string {
  const { mutants, killed, accepted, survivors, invalid, killedAccepted, stale, unusableTests } = report;
  return [
    `${mutants} guards: ${killed} killed, ${accepted} accepted, ${survivors.length} survived, ${invalid} invalid`,
    ...survivors.map((mutant) => `survived: ${describe(mutant)} (${whyAlive(mutant.verdict)})`),
    ...killedAccepted.map((name) => `accepted, but a test kills it: ${describe(name)}`),
    ...stale.map((name) => `accepted, but there is no such code, or no reason: ${describe(name)}`),
    ...unusableTests.map((file) => `fails with nothing mutated, so it judged nothing: ${file}`),
  ].join("\n");
}

export function describe(mutant: MutantName & { readonly line?: number }): string {
  const { file, line, inside, code, becomes, nth } = mutant;
  const place = `${file}${line === undefined ? "" : `:${line}`}${inside === "" ? "" : ` ${inside}`}`;
  const change = becomes === ";" ? "removed" : `→ ${becomes}`;
  return `${place}: ${code} ${change}${nth === undefined ? "" : ` (number ${nth})`}`;
}

function whyAlive({ outcome, untried = [] }: Verdict): string {
  if (outcome === "unreached") return "no test gets there";
  return untried.length === 0
    ? "every test that gets there passes"
    : `${untried.length} tests not tried for want of time`;
}

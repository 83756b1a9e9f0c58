import { ExpressionError } from "../../src/errors.ts";
import { Fuel } from "../../src/limits.ts";
import { compileRegex } from "../../src/regex/regex.ts";
import { RandomRegex } from "./random-pattern.ts";
import { Reference, type RegexCase } from "./reference.ts";

/** What one question may cost; far above what a random pattern needs. */
const FUEL = 10_000_000;

export interface Divergence extends RegexCase {
  readonly ours: boolean;
  readonly reference: boolean;
}

export interface FuzzResult {
  readonly matches: number;
  readonly valid: number;
  /** Patterns with a property that this engine does not know. */
  readonly unsupported: number;
  /** Patterns on which the reference implementation crashed. */
  readonly crashes: readonly string[];
  readonly divergences: readonly Divergence[];
}

/** The verdict, or `undefined` for a pattern with a property that is not known here. */
function verdictOf({ pattern, text }: RegexCase): { readonly valid: boolean; readonly matches: boolean } | undefined {
  const fuel = new Fuel(FUEL);
  try {
    const regex = compileRegex(pattern, fuel);
    return { valid: regex !== undefined, matches: regex?.isMatch(text, fuel) ?? false };
  } catch (error) {
    if (error instanceof ExpressionError && error.code === "unsupported_property") return undefined;
    throw error;
  }
}

/** Puts `count` random questions to both engines. */
export async function fuzzRegex(seed: number, count: number): Promise<FuzzResult> {
  const random = new RandomRegex(seed);
  const cases = Array.from({ length: count }, () => random.next());
  const reference = await new Reference().verdicts(cases);
  const divergences: Divergence[] = [];
  const crashes: string[] = [];
  let valid = 0;
  let unsupported = 0;
  for (const [i, { pattern, text }] of cases.entries()) {
    const verdict = verdictOf({ pattern, text });
    const theirs = reference[i];
    if (verdict === undefined) unsupported++;
    if (verdict?.valid) valid++;
    if (theirs === undefined) crashes.push(pattern);
    else if (verdict !== undefined && verdict.matches !== theirs) {
      divergences.push({ pattern, text, ours: verdict.matches, reference: theirs });
    }
  }
  return { matches: reference.filter(Boolean).length, valid, unsupported, crashes, divergences };
}

async function main([seed = "1", count = "100000"]: string[]): Promise<void> {
  for (let done = 0; done < Number(count); done += 10_000) {
    const result = await fuzzRegex(Number(seed) + done, Math.min(10_000, Number(count) - done));
    console.log(
      `seed ${Number(seed) + done}: ${result.valid} valid, ${result.matches} matches, ${result.unsupported} unsupported`,
    );
    for (const pattern of result.crashes) console.log(`reference crashed: ${JSON.stringify(pattern)}`);
    for (const divergence of result.divergences) console.log(JSON.stringify(divergence));
    if (result.divergences.length > 0) process.exitCode = 1;
  }
}

if (import.meta.main) await main(process.argv.slice(2));

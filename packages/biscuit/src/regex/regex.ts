import { endsWith, startsWith } from "../affix.ts";
import type { Fuel } from "../limits.ts";
import { Automaton } from "./automaton.ts";
import { END, START } from "./look.ts";
import { InvalidPattern } from "./pattern-cursor.ts";
import { parsePattern } from "./pattern-parser.ts";
import { FOLDING_COST, type Instruction, type Node } from "./syntax-node.ts";

/** A compiled pattern. It keeps no position: one instance serves any number of searches. */
export interface Regex {
  /**
   * Whether the pattern matches anywhere in `text`, in time linear in its length.
   *
   * @throws {LimitError} code `fuel`.
   */
  isMatch(text: string, fuel: Fuel): boolean;
}

/** The limit of Rust's `regex` crate on the memory of a compiled pattern, in bytes. */
const WEIGHT_LIMIT = 10 * 2 ** 20;

/**
 * Compiles a pattern in the syntax of Rust's `regex` crate, Unicode on, as `.matches()` of Biscuit demands.
 *
 * @returns `undefined` if that crate would refuse the pattern: then `.matches()` is false.
 * @throws {LimitError} code `fuel`; {@link ExpressionError} `unsupported_property`.
 * @example
 * const fuel = new Fuel(10_000);
 * compileRegex("^/api/v[0-9]+/", fuel)?.isMatch("/api/v2/users", fuel); // true
 */
export function compileRegex(pattern: string, fuel: Fuel): Regex | undefined {
  fuel.spend(parsingCost(pattern));
  const node = parseOrRefuse(pattern);
  if (node === undefined) return undefined;
  if (node.weight > WEIGHT_LIMIT) return undefined;
  fuel.spend(node.size);
  const program: Instruction[] = [];
  node.emit(program);
  const literal = asLiteral(program);
  if (literal !== undefined) return { isMatch: (text, budget) => findLiteral(literal, text, budget) };
  program.push({ kind: "match" });
  return new Automaton(program);
}

// In units of about a tenth of a microsecond, like all fuel: a pattern, a character, and a property that this process
// never used.
const PATTERN_COST = 300;
const CHARACTER_COST = 8;
const PROPERTY_COST = 1000;

/** What may be the flag that leaves case out of account. */
const FOLDS = /\(\?[a-z-]*i/i;

function parsingCost(pattern: string): number {
  const properties = pattern.split(/\\p/i).length - 1;
  const perCharacter = FOLDS.test(pattern) ? CHARACTER_COST + FOLDING_COST : CHARACTER_COST;
  return PATTERN_COST + perCharacter * pattern.length + PROPERTY_COST * properties;
}

function parseOrRefuse(pattern: string): Node | undefined {
  try {
    return parsePattern(pattern);
  } catch (error) {
    if (error instanceof InvalidPattern) return undefined;
    throw error;
  }
}

/** A pattern that is plain text, possibly bound to the start or the end of what it is searched in. */
interface Literal {
  readonly text: string;
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

/** The plain text that a program looks for, or `undefined` if it is more than that. */
function asLiteral(program: readonly Instruction[]): Literal | undefined {
  const [first] = program;
  const last = program.at(-1);
  const atStart = first?.kind === "look" && first.look === START;
  const atEnd = last?.kind === "look" && last.look === END;
  let text = "";
  for (const step of program.slice(Number(atStart), program.length - Number(atEnd))) {
    if (step.kind !== "character") return undefined;
    text += String.fromCodePoint(step.code);
  }
  return { text, atStart, atEnd };
}

/** How many character comparisons of a plain search are worth one unit of fuel. */
const COMPARISONS_PER_FUEL = 64;

/** Searches plain text without an automaton. */
function findLiteral(literal: Literal, text: string, fuel: Fuel): boolean {
  const { text: wanted, atStart, atEnd } = literal;
  if (atStart || atEnd) {
    fuel.spend(1 + Math.ceil(wanted.length / COMPARISONS_PER_FUEL));
    if (atStart && atEnd) return text === wanted;
    return atStart ? startsWith(text, wanted) : endsWith(text, wanted);
  }
  // The engine's own search is quick but, at worst, compares each character of one with each of the other.
  fuel.spend(1 + Math.ceil((text.length * (wanted.length + 1)) / COMPARISONS_PER_FUEL));
  return text.includes(wanted);
}

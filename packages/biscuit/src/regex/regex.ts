import type { Fuel } from "../fuel.ts";
import { Automaton } from "./automaton.ts";
import { InvalidPattern } from "./cursor.ts";
import { asLiteral, findLiteral } from "./literal.ts";
import { FOLDING_COST, type Instruction, type Node } from "./node.ts";
import { parsePattern } from "./parser.ts";

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

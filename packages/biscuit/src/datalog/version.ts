import type { BlockContent, Expression, Op, Predicate, Rule } from "./model.ts";
import { BINARY, UNARY } from "./operators.ts";
import { type Term, TermSet } from "./term.ts";

/** The oldest Datalog version that is read: v3.0. */
export const MIN_VERSION = 3;
/** v3.1: scopes, `check all`, bitwise operators, `!==`. */
export const VERSION_3_1 = 4;
/** v3.2: third-party blocks. */
export const VERSION_3_2 = 5;
/** v3.3: `reject if`, null, closures, heterogeneous equality, `.type()`, externs. The newest that is read. */
export const VERSION_3_3 = 6;

function termVersion(term: Term): number {
  if (term === null) return VERSION_3_3;
  // Like the reference: null inside an array or a map does not count, and neither do arrays and maps themselves.
  return term instanceof TermSet && term.items.includes(null) ? VERSION_3_3 : MIN_VERSION;
}

function opVersion(op: Op): number {
  if (op.kind === "value") return termVersion(op.term);
  if (op.kind === "closure") return VERSION_3_3;
  return op.kind === "unary" ? UNARY[op.op] : BINARY[op.op];
}

const highest = <T>(items: readonly T[], version: (item: T) => number): number => {
  let found = MIN_VERSION;
  for (const item of items) found = Math.max(found, version(item));
  return found;
};

const predicateVersion = (predicate: Predicate): number => highest(predicate.terms, termVersion);
const expressionVersion = (expression: Expression): number => highest(expression, opVersion);

function queryVersion(rule: Rule): number {
  return Math.max(
    rule.scopes.length > 0 ? VERSION_3_1 : MIN_VERSION,
    highest(rule.body, predicateVersion),
    highest(rule.expressions, expressionVersion),
  );
}

const CHECK_VERSION = { "check if": MIN_VERSION, "check all": VERSION_3_1, "reject if": VERSION_3_3 } as const;

/** The lowest Datalog version that can hold this content: what a writer declares and a reader demands. */
export function requiredVersion(block: Omit<BlockContent, "context">): number {
  return Math.max(
    block.scopes.length > 0 ? VERSION_3_1 : MIN_VERSION,
    highest(block.facts, predicateVersion),
    highest(block.rules, (rule) => Math.max(predicateVersion(rule.head), queryVersion(rule))),
    highest(block.checks, (check) => Math.max(CHECK_VERSION[check.kind], highest(check.queries, queryVersion))),
  );
}

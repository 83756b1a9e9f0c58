/** What there is to know about an operator. */
interface OperatorEntry {
  /** How it is written: infix between spaces, or as a method of the left operand. */
  readonly text: string;
  readonly style: "prefix" | "parens" | "infix" | "method" | "extern";
  /** The first Datalog version with it, where that is not 3 (the reference leaves `.get()` and `.try_or()` at 3). */
  readonly since?: 4 | 6;
}

/** Operators of one operand, in the order of their numbers on the wire. */
export const UNARY = {
  negate: { text: "!", style: "prefix" },
  parens: { text: "(", style: "parens" },
  length: { text: "length", style: "method" },
  type: { text: "type", style: "method", since: 6 },
  extern: { text: "extern::", style: "extern", since: 6 },
} as const satisfies Record<string, OperatorEntry>;

/** Operators of two operands, in the order of their numbers on the wire. */
export const BINARY = {
  less: { text: "<", style: "infix" },
  greater: { text: ">", style: "infix" },
  lessOrEqual: { text: "<=", style: "infix" },
  greaterOrEqual: { text: ">=", style: "infix" },
  strictEqual: { text: "===", style: "infix" },
  contains: { text: "contains", style: "method" },
  startsWith: { text: "starts_with", style: "method" },
  endsWith: { text: "ends_with", style: "method" },
  matches: { text: "matches", style: "method" },
  add: { text: "+", style: "infix" },
  subtract: { text: "-", style: "infix" },
  multiply: { text: "*", style: "infix" },
  divide: { text: "/", style: "infix" },
  and: { text: "&&!", style: "infix" },
  or: { text: "||!", style: "infix" },
  intersection: { text: "intersection", style: "method" },
  union: { text: "union", style: "method" },
  bitAnd: { text: "&", style: "infix", since: 4 },
  bitOr: { text: "|", style: "infix", since: 4 },
  bitXor: { text: "^", style: "infix", since: 4 },
  strictNotEqual: { text: "!==", style: "infix", since: 4 },
  equal: { text: "==", style: "infix", since: 6 },
  notEqual: { text: "!=", style: "infix", since: 6 },
  lazyAnd: { text: "&&", style: "infix", since: 6 },
  lazyOr: { text: "||", style: "infix", since: 6 },
  all: { text: "all", style: "method", since: 6 },
  any: { text: "any", style: "method", since: 6 },
  get: { text: "get", style: "method" },
  extern: { text: "extern::", style: "extern", since: 6 },
  tryOr: { text: "try_or", style: "method" },
} as const satisfies Record<string, OperatorEntry>;

/** The name of an operator of one operand. */
export type UnaryName = keyof typeof UNARY;
/** The name of an operator of two operands. */
export type BinaryName = keyof typeof BINARY;

/** The first Datalog version with an operator. */
export function operatorVersion(entry: OperatorEntry): number {
  return entry.since ?? 3;
}

/** The names of {@link UNARY} by their numbers on the wire. */
export const UNARY_NAMES = Object.keys(UNARY) as UnaryName[];
/** The names of {@link BINARY} by their numbers on the wire. */
export const BINARY_NAMES = Object.keys(BINARY) as BinaryName[];

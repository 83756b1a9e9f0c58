/** What there is to know about an operator. */
interface OperatorEntry {
  /** Its number on the wire. */
  readonly wire: number;
  /** How it is written: infix between spaces, or as a method of the left operand. */
  readonly text: string;
  readonly style: "prefix" | "parens" | "infix" | "method" | "extern";
  /** The first Datalog version with it, where that is not 3 (the reference leaves `.get()` and `.try_or()` at 3). */
  readonly since?: 4 | 6;
}

/** Operators of one operand. */
export const UNARY = {
  negate: { wire: 0, text: "!", style: "prefix" },
  parens: { wire: 1, text: "(", style: "parens" },
  length: { wire: 2, text: "length", style: "method" },
  type: { wire: 3, text: "type", style: "method", since: 6 },
  extern: { wire: 4, text: "extern::", style: "extern", since: 6 },
} as const satisfies Record<string, OperatorEntry>;

/** Operators of two operands. */
export const BINARY = {
  less: { wire: 0, text: "<", style: "infix" },
  greater: { wire: 1, text: ">", style: "infix" },
  lessOrEqual: { wire: 2, text: "<=", style: "infix" },
  greaterOrEqual: { wire: 3, text: ">=", style: "infix" },
  strictEqual: { wire: 4, text: "===", style: "infix" },
  contains: { wire: 5, text: "contains", style: "method" },
  startsWith: { wire: 6, text: "starts_with", style: "method" },
  endsWith: { wire: 7, text: "ends_with", style: "method" },
  matches: { wire: 8, text: "matches", style: "method" },
  add: { wire: 9, text: "+", style: "infix" },
  subtract: { wire: 10, text: "-", style: "infix" },
  multiply: { wire: 11, text: "*", style: "infix" },
  divide: { wire: 12, text: "/", style: "infix" },
  and: { wire: 13, text: "&&!", style: "infix" },
  or: { wire: 14, text: "||!", style: "infix" },
  intersection: { wire: 15, text: "intersection", style: "method" },
  union: { wire: 16, text: "union", style: "method" },
  bitAnd: { wire: 17, text: "&", style: "infix", since: 4 },
  bitOr: { wire: 18, text: "|", style: "infix", since: 4 },
  bitXor: { wire: 19, text: "^", style: "infix", since: 4 },
  strictNotEqual: { wire: 20, text: "!==", style: "infix", since: 4 },
  equal: { wire: 21, text: "==", style: "infix", since: 6 },
  notEqual: { wire: 22, text: "!=", style: "infix", since: 6 },
  lazyAnd: { wire: 23, text: "&&", style: "infix", since: 6 },
  lazyOr: { wire: 24, text: "||", style: "infix", since: 6 },
  all: { wire: 25, text: "all", style: "method", since: 6 },
  any: { wire: 26, text: "any", style: "method", since: 6 },
  get: { wire: 27, text: "get", style: "method" },
  extern: { wire: 28, text: "extern::", style: "extern", since: 6 },
  tryOr: { wire: 29, text: "try_or", style: "method" },
} as const satisfies Record<string, OperatorEntry>;

/** The name of an operator of one operand. */
export type UnaryName = keyof typeof UNARY;
/** The name of an operator of two operands. */
export type BinaryName = keyof typeof BINARY;

/** The first Datalog version with an operator. */
export function operatorVersion(entry: OperatorEntry): number {
  return entry.since ?? 3;
}

function byWire<Name extends string>(table: Record<Name, OperatorEntry>): ReadonlyMap<number, Name> {
  const names = new Map<number, Name>();
  for (const name in table) names.set(table[name].wire, name);
  return names;
}

/** Operators of one operand by their number on the wire. */
export const UNARY_BY_WIRE: ReadonlyMap<number, UnaryName> = byWire(UNARY);
/** Operators of two operands by their number on the wire. */
export const BINARY_BY_WIRE: ReadonlyMap<number, BinaryName> = byWire(BINARY);

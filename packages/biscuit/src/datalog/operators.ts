/** The operators of one operand in the order of their numbers on the wire, with the first Datalog version of each. */
export const UNARY = { "!": 3, "()": 3, length: 3, type: 6, extern: 6 } as const;

/** The same for two operands; the reference leaves `.get()` and `.try_or()` at version 3. */
export const BINARY = {
  "<": 3,
  ">": 3,
  "<=": 3,
  ">=": 3,
  "===": 3,
  contains: 3,
  starts_with: 3,
  ends_with: 3,
  matches: 3,
  "+": 3,
  "-": 3,
  "*": 3,
  "/": 3,
  "&&!": 3,
  "||!": 3,
  intersection: 3,
  union: 3,
  "&": 4,
  "|": 4,
  "^": 4,
  "!==": 4,
  "==": 6,
  "!=": 6,
  "&&": 6,
  "||": 6,
  all: 6,
  any: 6,
  get: 3,
  extern: 6,
  try_or: 3,
} as const;

/** An operator of one operand, named as it is written. */
export type UnaryName = keyof typeof UNARY;
/** An operator of two operands, named as it is written; `&&!` and `||!` are the eager forms of old tokens. */
export type BinaryName = keyof typeof BINARY;

/** Whether this text is an operator of one operand. */
export const isUnary = (text: string): text is UnaryName => Object.hasOwn(UNARY, text);
/** Whether this text is an operator of two operands. */
export const isBinary = (text: string): text is BinaryName => Object.hasOwn(BINARY, text);

/** The names of {@link UNARY} by their numbers on the wire. */
export const UNARY_NAMES: readonly UnaryName[] = Object.keys(UNARY).filter(isUnary);
/** The names of {@link BINARY} by their numbers on the wire. */
export const BINARY_NAMES: readonly BinaryName[] = Object.keys(BINARY).filter(isBinary);

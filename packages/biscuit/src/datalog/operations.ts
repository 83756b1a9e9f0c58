import { endsWith, startsWith } from "../affix.ts";
import { type BiscuitError, DatalogError, type ExpressionError, LimitError } from "../errors.ts";
import type { Fuel } from "../limits.ts";
import { compileRegex, type Regex } from "../regex/regex.ts";
import { Closure } from "./compile.ts";
import { failure } from "./failures.ts";
import { add, bits, divide, type Integer, multiply, subtract } from "./integers.ts";
import { fromTerm, type TermInput, type TermOutput, toTerm } from "./javascript-values.ts";
import type { BinaryName, UnaryName } from "./operators.ts";
import {
  elementsOf,
  equalTerms,
  inTextOrder,
  isArray,
  isPrimitive,
  makeSet,
  type Term,
  TermMap,
  TermSet,
  Timestamp,
  termKey,
  termSize,
  typeName,
  typeRank,
} from "./term.ts";

/**
 * A function of the host that expressions call as `value.extern::name()` or `value.extern::name(other)`.
 *
 * It must be pure and synchronous; whatever it throws fails the expression.
 */
export type ExternFunction = (left: TermOutput, right: TermOutput | undefined) => TermInput;

/** What expressions draw on while they are evaluated. */
export interface EvaluationContext {
  readonly fuel: Fuel;
  readonly externs: ReadonlyMap<string, ExternFunction>;
  /** Compiled patterns; `undefined` for text that is no pattern. */
  readonly regexes: Map<string, Regex | undefined>;
}

const isInteger = (term: Term): term is Integer => typeof term === "number" || typeof term === "bigint";

function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return length;
}

function lengthOf(term: Term, fuel: Fuel): number {
  if (typeof term === "string") {
    fuel.spend(term.length >> 3);
    return utf8Length(term);
  }
  const elements = term instanceof Uint8Array ? term : elementsOf(term);
  if (elements === undefined) throw failure.type(".length()", { term });
  return elements.length;
}

/** The error for what a function of the host threw: even asking a strange object for its type or text can throw. */
function externFailure(name: string, thrown: unknown): BiscuitError {
  try {
    if (thrown instanceof LimitError) return thrown;
    return failure.externFailed(name, thrown instanceof DatalogError ? thrown.message : String(thrown));
  } catch {
    return failure.externFailed(name, "it threw what has no text");
  }
}

/** Calls a function of the host; its result is checked like any input. */
export function callExtern(name: string, left: Term, right: Term | undefined, context: EvaluationContext): Term {
  const call = context.externs.get(name);
  if (call === undefined) throw failure.undefinedExtern(name);
  context.fuel.spend(termSize(left) + (right === undefined ? 0 : termSize(right)));
  try {
    return inTextOrder(toTerm(call(fromTerm(left), right === undefined ? undefined : fromTerm(right))));
  } catch (error) {
    throw externFailure(name, error);
  }
}

/** Applies an operator of one operand. */
export function applyUnary(op: UnaryName, term: Term, context: EvaluationContext): Term {
  if (op === "()") return term;
  if (op === "type") return typeName(term);
  if (op === "length") return lengthOf(term, context.fuel);
  if (typeof term !== "boolean") throw failure.type(op, { term });
  return !term;
}

/** An operation on operands of its types; `undefined` for operands of others. */
type Operation = (left: Term, right: Term, context: EvaluationContext) => Term | undefined;

const arithmetic =
  (compute: (left: Integer, right: Integer) => Integer): Operation =>
  (left, right) => {
    if (!isInteger(left) || !isInteger(right)) return undefined;
    return compute(left, right);
  };

const comparison =
  (compare: (left: Integer, right: Integer) => boolean): Operation =>
  (left, right) => {
    if (isInteger(left) && isInteger(right)) return compare(left, right);
    if (left instanceof Timestamp && right instanceof Timestamp) return compare(left.seconds, right.seconds);
    return undefined;
  };

const logic =
  (combine: (left: boolean, right: boolean) => boolean): Operation =>
  (left, right) => {
    if (typeof left !== "boolean" || typeof right !== "boolean") return undefined;
    return combine(left, right);
  };

function isEqual(left: Term, right: Term, fuel: Fuel): boolean {
  if (left === right) return true;
  if (typeof left === "string") fuel.spend(left.length >> 6);
  if (isPrimitive(left) || isPrimitive(right)) return false;
  fuel.spend(termSize(left) + termSize(right));
  return equalTerms(left, right);
}

const heterogeneous =
  (expected: boolean): Operation =>
  (left, right, { fuel }) =>
    isEqual(left, right, fuel) === expected;

const strict =
  (expected: boolean): Operation =>
  (left, right, { fuel }) => {
    if (typeRank(left) !== typeRank(right)) return undefined;
    return isEqual(left, right, fuel) === expected;
  };

function concatenate(left: Term, right: Term, { fuel }: EvaluationContext): Term | undefined {
  if (typeof left === "string" && typeof right === "string") {
    fuel.spend((left.length + right.length) >> 2);
    return left + right;
  }
  if (!isInteger(left) || !isInteger(right)) return undefined;
  return add(left, right);
}

function keysOf(set: TermSet, fuel: Fuel): Set<string> {
  fuel.spend(2 * termSize(set));
  return new Set(set.items.map(termKey));
}

function setContains(set: TermSet, item: Term, fuel: Fuel): boolean | undefined {
  if (item instanceof TermSet) {
    const keys = keysOf(set, fuel);
    fuel.spend(2 * termSize(item));
    return item.items.every((part) => keys.has(termKey(part)));
  }
  // Null, arrays and maps have no `contains` in the reference.
  if (item === null || isArray(item) || item instanceof TermMap) return undefined;
  fuel.spend(set.items.length);
  return set.items.some((part) => isEqual(part, item, fuel));
}

function textContains(text: string, part: string, fuel: Fuel): boolean {
  // Engines search in time proportional to the product at worst.
  fuel.spend((1 + (text.length >> 4)) * (1 + (part.length >> 4)));
  return text.includes(part);
}

function contains(left: Term, right: Term, { fuel }: EvaluationContext): Term | undefined {
  if (typeof left === "string" && typeof right === "string") return textContains(left, right, fuel);
  if (left instanceof TermSet) return setContains(left, right, fuel);
  if (isArray(left)) {
    fuel.spend(left.length);
    return left.some((item) => isEqual(item, right, fuel));
  }
  if (left instanceof TermMap) {
    fuel.spend(left.entries.length);
    return left.entries.some(([key]) => key === right);
  }
  return undefined;
}

const affix =
  (ofText: (text: string, part: string) => boolean, offset: (longer: number, shorter: number) => number): Operation =>
  (left, right, { fuel }) => {
    if (typeof left === "string" && typeof right === "string") {
      fuel.spend(right.length >> 6);
      return ofText(left, right);
    }
    if (!isArray(left) || !isArray(right)) return undefined;
    const start = offset(left.length, right.length);
    if (start < 0 || right.length > left.length) return false;
    fuel.spend(right.length);
    return right.every((item, i) => isEqual(left[start + i] ?? null, item, fuel));
  };

function matches(left: Term, right: Term, { fuel, regexes }: EvaluationContext): Term | undefined {
  if (typeof left !== "string" || typeof right !== "string") return undefined;
  if (!regexes.has(right)) regexes.set(right, compileRegex(right, fuel));
  return regexes.get(right)?.isMatch(left, fuel) ?? false;
}

function intersection(left: Term, right: Term, { fuel }: EvaluationContext): Term | undefined {
  if (!(left instanceof TermSet) || !(right instanceof TermSet)) return undefined;
  const keys = keysOf(right, fuel);
  fuel.spend(2 * termSize(left));
  return new TermSet(left.items.filter((item) => keys.has(termKey(item))));
}

function union(left: Term, right: Term, { fuel }: EvaluationContext): Term | undefined {
  if (!(left instanceof TermSet) || !(right instanceof TermSet)) return undefined;
  const size = termSize(left) + termSize(right);
  fuel.spend(size * (2 + (32 - Math.clz32(size))));
  return makeSet([...left.items, ...right.items]);
}

function get(left: Term, right: Term, { fuel }: EvaluationContext): Term | undefined {
  if (isArray(left) && isInteger(right)) return (right >= 0 ? left[Number(right)] : undefined) ?? null;
  if (left instanceof TermMap && (isInteger(right) || typeof right === "string")) {
    fuel.spend(left.entries.length);
    return left.entries.find(([key]) => key === right)?.[1] ?? null;
  }
  return undefined;
}

/** Those that take a closure, or a name, are not here: they are dispatched before this table is read. */
const OPERATIONS: Readonly<Partial<Record<BinaryName, Operation>>> = {
  "<": comparison((left, right) => left < right),
  ">": comparison((left, right) => left > right),
  "<=": comparison((left, right) => left <= right),
  ">=": comparison((left, right) => left >= right),
  "===": strict(true),
  "!==": strict(false),
  "==": heterogeneous(true),
  "!=": heterogeneous(false),
  contains,
  starts_with: affix(startsWith, () => 0),
  ends_with: affix(endsWith, (longer, shorter) => longer - shorter),
  matches,
  "+": concatenate,
  "-": arithmetic(subtract),
  "*": arithmetic(multiply),
  "/": arithmetic(divide),
  "&&!": logic((left, right) => left && right),
  "||!": logic((left, right) => left || right),
  intersection,
  union,
  "&": arithmetic(bits.and),
  "|": arithmetic(bits.or),
  "^": arithmetic(bits.xor),
  get,
};

/** The operator as text writes it. */
const written = (op: BinaryName): string => (/^\w/.test(op) ? `.${op}()` : op);

/** The failure of an operator that has no result for operands of these types, which may be closures. */
export function operandsFailure(op: BinaryName, ...operands: readonly (Term | Closure)[]): ExpressionError {
  return failure.type(
    written(op),
    ...operands.map((operand) => (operand instanceof Closure ? "a closure" : { term: operand })),
  );
}

/** Applies an operator of two operands that are both values. */
export function applyBinary(op: BinaryName, left: Term, right: Term, context: EvaluationContext): Term {
  const result = OPERATIONS[op]?.(left, right, context);
  if (result === undefined) throw operandsFailure(op, left, right);
  return result;
}

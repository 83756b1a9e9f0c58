import { DatalogError } from "../errors.ts";
import {
  checkedSet,
  isInt64,
  isMapKey,
  MAX_TERM_DEPTH,
  type MapKey,
  makeMap,
  makeSet,
  Parameter,
  type Term,
  TermMap,
  TermSet,
  Timestamp,
  toInteger,
  Variable,
} from "./term.ts";

const MAX_SECONDS = 2n ** 64n - 1n;

/** A JavaScript value that stands for a Datalog term. */
export type TermInput =
  | number
  | bigint
  | string
  | boolean
  | null
  | Date
  | Timestamp
  | Uint8Array
  | readonly TermInput[]
  | ReadonlySet<TermInput>
  | ReadonlyMap<number | bigint | string, TermInput>
  | Variable;

/** A Datalog value as plain JavaScript: dates are `Date` (a {@link Timestamp} past the year 275760), sets `Set`, maps `Map`. */
export type TermOutput =
  | number
  | bigint
  | string
  | boolean
  | null
  | Date
  | Timestamp
  | Uint8Array
  | TermOutput[]
  | Set<TermOutput>
  | Map<number | bigint | string, TermOutput>;

function checkedInteger(value: number | bigint): number | bigint {
  if (typeof value === "bigint") {
    if (!isInt64(value))
      throw new DatalogError("invalid_value", `Cannot hold an integer outside 64 signed bits: ${value}`);
    return toInteger(value);
  }
  if (!Number.isSafeInteger(value)) {
    throw new DatalogError("invalid_value", `Cannot hold a number that is no safe integer (use a bigint): ${value}`);
  }
  return value;
}

function checkedString(value: string): string {
  if (!value.isWellFormed()) throw new DatalogError("invalid_value", "Cannot hold a string with a lone surrogate");
  return value;
}

function checkedDate(value: Date): Timestamp {
  const seconds = Math.floor(value.getTime() / 1000);
  if (!(seconds >= 0)) throw new DatalogError("invalid_value", "Cannot hold a date before 1970 or an invalid date");
  return new Timestamp(seconds);
}

function checkedTimestamp(value: Timestamp): Timestamp {
  const seconds = BigInt(value.seconds);
  if (seconds < 0n || seconds > MAX_SECONDS) {
    throw new DatalogError("invalid_value", `Cannot hold a date outside 64 unsigned bits of seconds: ${seconds}`);
  }
  return new Timestamp(toInteger(seconds));
}

/**
 * Turns a JavaScript value into a term, checking ranges, UTF-16 and nesting.
 *
 * @throws {DatalogError} code `invalid_value` when the value has no Datalog form.
 */
export function toTerm(value: unknown, depth = 0): Term {
  if (depth > MAX_TERM_DEPTH)
    throw new DatalogError("invalid_value", `Cannot nest terms deeper than ${MAX_TERM_DEPTH}`);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return checkedString(value);
  if (typeof value === "number" || typeof value === "bigint") return checkedInteger(value);
  if (value instanceof Variable) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof Date) return checkedDate(value);
  if (value instanceof Timestamp) return checkedTimestamp(value);
  // Array.from, as map leaves the holes of an array as they are.
  if (Array.isArray(value)) return Array.from(value, (item) => toTerm(item, depth + 1));
  if (value instanceof Set) return checkedSet(makeSet([...value].map((item) => toTerm(item, depth + 1))));
  if (value instanceof Map) return toTermMap(value, depth);
  throw new DatalogError("invalid_value", `Cannot use a value of this type as a Datalog term: ${typeof value}`);
}

function toTermMap(value: ReadonlyMap<unknown, unknown>, depth: number): TermMap {
  const entries: [MapKey, Term][] = [];
  for (const [key, item] of value) {
    if (!isMapKey(key)) {
      throw new DatalogError("invalid_value", `Cannot use a value of this type as the key of a map: ${typeof key}`);
    }
    const checked = typeof key === "string" ? checkedString(key) : checkedInteger(key);
    entries.push([checked, toTerm(item, depth + 1)]);
  }
  return makeMap(entries);
}

/** Turns a term without variables into plain JavaScript, all of it new: a caller may write to it. */
export function fromTerm(term: Term): TermOutput {
  if (typeof term !== "object" || term === null) return term;
  if (term instanceof Uint8Array) return term.slice();
  if (term instanceof Timestamp) {
    const date = term.toDate();
    return Number.isNaN(date.getTime()) ? term : date;
  }
  if (term instanceof TermSet) return new Set(term.items.map(fromTerm));
  if (term instanceof TermMap) {
    const map = new Map<number | bigint | string, TermOutput>();
    for (const [key, value] of term.entries) if (!(key instanceof Parameter)) map.set(key, fromTerm(value));
    return map;
  }
  if (term instanceof Variable || term instanceof Parameter) {
    throw new TypeError(`Cannot turn a term without a value into JavaScript: ${term.name}`);
  }
  return term.map(fromTerm);
}

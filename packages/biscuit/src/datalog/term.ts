import { toHex } from "../crypto/bytes.ts";
import { DatalogError } from "../errors.ts";
import { getOrCreate } from "../get-or-create.ts";

/** A variable of a rule, written `$name`. */
export class Variable {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A hole in Datalog text, written `{name}`, that a value fills before the text is used. */
export class Parameter {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A Datalog date: seconds since 1970-01-01T00:00:00Z, an unsigned 64-bit integer.
 *
 * @example
 * new Timestamp(1575452801).toDate().toISOString(); // "2019-12-04T09:46:41.000Z"
 */
export class Timestamp {
  /** Seconds; a `bigint` only past 2^53. */
  readonly seconds: number | bigint;

  constructor(seconds: number | bigint) {
    this.seconds = seconds;
  }

  /** The same instant as a `Date`; an invalid `Date` past the year 275760. */
  toDate(): Date {
    return new Date(Number(this.seconds) * 1000);
  }
}

/** A set of terms, without duplicates. */
export class TermSet {
  /** The elements, sorted and each once. */
  readonly items: readonly Term[];

  constructor(items: readonly Term[]) {
    this.items = items;
  }
}

/** A key of a map. */
export type MapKey = number | bigint | string | Parameter;

/** Whether a value is of a type that keys of maps have. */
export function isMapKey(value: unknown): value is number | bigint | string {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint";
}

/** A map from integers and strings to terms, without duplicate keys. */
export class TermMap {
  /** The pairs of keys and values, sorted by key. */
  readonly entries: readonly (readonly [MapKey, Term])[];

  constructor(entries: readonly (readonly [MapKey, Term])[]) {
    this.entries = entries;
  }
}

/**
 * A Datalog term. Integers are `number` within ±(2^53 - 1) and `bigint` outside, never both, so `===` compares them;
 * strings, booleans and `null` are themselves; bytes are `Uint8Array`; an array is an array.
 */
export type Term =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | Timestamp
  | TermSet
  | TermMap
  | readonly Term[]
  | Variable
  | Parameter;

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** The one representation of an integer: `number` when safe. */
export function toInteger(value: bigint): number | bigint {
  return value <= MAX_SAFE && value >= -MAX_SAFE ? Number(value) : value;
}

/** Whether an integer fits in 64 signed bits. */
export function isInt64(value: bigint): boolean {
  return value >= MIN_INT && value <= MAX_INT;
}

/** The nesting that Datalog values and text may have; what is deeper cannot be encoded within protobuf's 100 levels. */
export const MAX_TERM_DEPTH = 45;

/** Why these cannot be the elements of one set, if so; parameters can stand for anything. */
export function setProblem(items: readonly Term[]): string | undefined {
  const types = items.filter((item) => !(item instanceof Parameter)).map(typeRank);
  if (items.some((item) => item instanceof TermSet)) return "Cannot put a set into a set";
  return types.some((type) => type !== types[0]) ? "Cannot mix types in a set" : undefined;
}

/**
 * Refuses a set that its wire form cannot hold: one with several types in it, or with sets.
 *
 * @throws {DatalogError} code `invalid_value`.
 */
export function checkedSet(set: TermSet): TermSet {
  const problem = setProblem(set.items);
  if (problem !== undefined) throw new DatalogError("invalid_value", problem);
  return set;
}

/** Where a term's type stands in the order of terms; also tells types apart. */
export function typeRank(term: Term | MapKey): number {
  switch (typeof term) {
    case "number":
    case "bigint":
      return 1;
    case "string":
      return 2;
    case "boolean":
      return 5;
    default:
  }
  if (term === null) return 7;
  if (isArray(term)) return 8;
  if (term instanceof Variable) return 0;
  if (term instanceof Timestamp) return 3;
  if (term instanceof Uint8Array) return 4;
  if (term instanceof TermSet) return 6;
  return term instanceof TermMap ? 9 : 10;
}

const TYPE_NAMES: readonly string[] = ["", "integer", "string", "date", "bytes", "bool", "set", "null", "array", "map"];

/** The name of a value's type, as `.type()` gives it. */
export const typeName = (term: Term): string => TYPE_NAMES[typeRank(term)] ?? "";

/** Orders two strings: by text, or by their index in a symbol table. */
export type StringOrder = (left: string, right: string) => number;

/** Surrogates stand for code points past every other UTF-16 unit. */
const unitOrder = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** The order of Unicode code points, which is that of UTF-8 bytes. */
export function byCodePoint(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return unitOrder(a) - unitOrder(b);
  }
  return left.length - right.length;
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The elements of a set, of an array, or of a map, which are pairs; `undefined` for what has none. */
export function elementsOf(term: Term): readonly Term[] | undefined {
  if (term instanceof TermSet) return term.items;
  if (term instanceof TermMap) return term.entries;
  return isArray(term) ? term : undefined;
}

/** What terms of one type are ordered by: text, a number, or parts that are compared one after the other. */
function orderKey(term: Term): string | number | bigint | ArrayLike<Term> {
  if (typeof term === "boolean" || term === null) return Number(term);
  if (typeof term !== "object") return term;
  return elementsOf(term) ?? (term instanceof Variable || term instanceof Parameter ? term.name : "");
}

/** The total order of terms that sets and maps are sorted by; strings as `strings` says. */
export function compareTerms(left: Term, right: Term, strings: StringOrder = byCodePoint): number {
  if (typeof left === "string" && typeof right === "string") return strings(left, right);
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (left instanceof Timestamp && right instanceof Timestamp)
    return compareTerms(left.seconds, right.seconds, strings);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  const byType = typeRank(left) - typeRank(right);
  if (byType !== 0) return byType;
  const a = orderKey(left);
  const b = orderKey(right);
  if (typeof a === "string" || typeof b === "string") return strings(String(a), String(b));
  if (typeof a !== "object" || typeof b !== "object") return a < b ? -1 : a > b ? 1 : 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = compareTerms(a[i] ?? null, b[i] ?? null, strings);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** A set in the given order of strings, duplicates dropped. */
export function makeSet(items: readonly Term[], strings: StringOrder = byCodePoint): TermSet {
  if (items.length < 2) return new TermSet(items);
  const sorted = [...items].sort((a, b) => compareTerms(a, b, strings));
  return new TermSet(sorted.filter((item, i) => i === 0 || compareTerms(sorted[i - 1] ?? null, item, strings) !== 0));
}

/** A map in the given order of string keys; the last of equal keys wins. */
export function makeMap(entries: readonly (readonly [MapKey, Term])[], strings: StringOrder = byCodePoint): TermMap {
  if (entries.length < 2) return new TermMap(entries);
  const sorted = [...entries].sort((a, b) => compareTerms(a[0], b[0], strings));
  return new TermMap(
    sorted.filter((entry, i) => {
      const next = sorted[i + 1];
      return next === undefined || compareTerms(entry[0], next[0], strings) !== 0;
    }),
  );
}

/** Whether a term is a primitive, which `===` compares. */
export function isPrimitive(term: Term): term is number | bigint | string | boolean | null {
  return typeof term !== "object" || term === null;
}

/** Whether a term is an array. */
export const isArray = (term: Term): term is readonly Term[] => Array.isArray(term);

/** Whether two terms are equal; both are in text order. */
export function equalTerms(left: Term, right: Term): boolean {
  if (left === right) return true;
  if (isPrimitive(left) || isPrimitive(right)) return false;
  return compareTerms(left, right) === 0;
}

/** The same term with every set and map inside it in this order of strings, so that equal terms have equal shapes. */
export function inOrder(term: Term, strings: StringOrder): Term {
  if (isPrimitive(term)) return term;
  const ordered = (part: Term): Term => inOrder(part, strings);
  if (term instanceof TermSet) return makeSet(term.items.map(ordered), strings);
  if (term instanceof TermMap) {
    const entries = term.entries.map(([key, value]) => [key, ordered(value)] as const);
    return makeMap(entries, strings);
  }
  return isArray(term) ? term.map(ordered) : term;
}

/** The same term with every set and map inside it in the order of their text. */
export const inTextOrder = (term: Term): Term => inOrder(term, byCodePoint);

/** The number of parts of a term, strings and bytes counted per 32 units: what comparing or copying it costs in fuel. */
export function termSize(term: Term): number {
  if (typeof term === "string" || term instanceof Uint8Array) return 1 + (term.length >> 5);
  let size = 1;
  if (!isPrimitive(term)) for (const item of elementsOf(term) ?? []) size += termSize(item);
  return size;
}

const keys = new WeakMap<object, string>();

/**
 * A text that two terms share exactly when they are equal; both are in text order and have no variables. That of an array,
 * set or map is written once, so that looking a large one up again and again costs no more than a small one.
 */
export function termKey(term: Term): string {
  if (isPrimitive(term) || term instanceof Timestamp) return writeKey(term);
  return getOrCreate(keys, term, () => writeKey(term));
}

function writeKey(term: Term): string {
  switch (typeof term) {
    case "string":
      return `s${term.length}:${term}`;
    case "number":
    case "bigint":
      return `i${term};`;
    case "boolean":
      return term ? "t" : "f";
    default:
  }
  if (term === null) return "n";
  if (term instanceof Timestamp) return `d${term.seconds};`;
  if (term instanceof Uint8Array) return `b${toHex(term)};`;
  return `${typeRank(term)}[${(elementsOf(term) ?? []).map(writeKey).join("")}]`;
}

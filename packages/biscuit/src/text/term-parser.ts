import { fromHex } from "../crypto/bytes.ts";
import {
  isInt64,
  isMapKey,
  MAX_TERM_DEPTH,
  type MapKey,
  makeMap,
  makeSet,
  Parameter,
  setProblem,
  type Term,
  toInteger,
  Variable,
} from "../datalog/term.ts";
import type { Cursor } from "./cursor.ts";
import { DATE_PATTERN, dateOf } from "./date.ts";

const VARIABLE = /\$([\w:]+)/y;
const PARAMETER = /\{(\0\d+|[A-Za-z][\w:]*)\}/y;
const WORD = /(?:true|false|null)(?![\w:])/y;
const HEX = /hex:((?:[0-9a-fA-F]{2})*)(?![0-9a-fA-F])/y;
const INTEGER = /-?\d+/y;
const STRING_PART = /[^"\\]+/y;

const WORDS: Readonly<Record<string, Term>> = { true: true, false: false, null: null };
const NO_PARAMETER = /\{(?:true|false|null|hex:[0-9a-fA-F]*)\}/y;

/** Parses the name of a variable, `$` included. */
export function parseVariableName(cursor: Cursor): string | undefined {
  return cursor.take(VARIABLE)?.[1];
}

/** Parses `{name}` where it is a parameter; `{true}`, `{null}` and `{hex:…}` are sets of one element. */
export function parseParameter(cursor: Cursor): Parameter | undefined {
  if (cursor.sees(NO_PARAMETER)) return undefined;
  const name = cursor.take(PARAMETER)?.[1];
  return name === undefined ? undefined : new Parameter(name);
}

const ESCAPED: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", n: "\n" };

function parseString(cursor: Cursor): string {
  const start = cursor.offset;
  cursor.takeText('"');
  let text = "";
  for (;;) {
    text += cursor.take(STRING_PART)?.[0] ?? "";
    if (cursor.takeText('"')) return text;
    if (!cursor.takeText("\\")) throw cursor.error("Cannot find the end of this string", start);
    const escaped = ESCAPED[cursor.text.charAt(cursor.offset)];
    if (escaped === undefined) throw cursor.error('Expected \\", \\\\ or \\n, the escapes that strings have');
    cursor.offset++;
    text += escaped;
  }
}

function parseDate(cursor: Cursor): Term | undefined {
  const start = cursor.offset;
  const match = cursor.take(DATE_PATTERN);
  if (match === undefined) return undefined;
  const date = dateOf(match);
  if (date === undefined) throw cursor.error("Cannot use a date that does not exist or lies before 1970", start);
  return date;
}

function parseInteger(cursor: Cursor): number | bigint | undefined {
  const start = cursor.offset;
  const match = cursor.take(INTEGER);
  if (match === undefined) return undefined;
  // The length bounds the work of BigInt, which is not linear.
  if (match[0].length > 20 || !isInt64(BigInt(match[0]))) {
    throw cursor.error("Cannot hold an integer outside 64 signed bits", start);
  }
  return toInteger(BigInt(match[0]));
}

function parseHex(cursor: Cursor): Uint8Array | undefined {
  const match = cursor.take(HEX);
  if (match === undefined) {
    if (cursor.sees(/hex:/y)) throw cursor.error("Expected an even number of hexadecimal digits after hex:");
    return undefined;
  }
  const digits = match[1] ?? "";
  if (digits === "") throw cursor.unexpected("Expected hexadecimal digits after hex:");
  return fromHex(digits);
}

/** Parses one item or more between commas up to `close`. */
function parseSomeItems(cursor: Cursor, close: string, parseItem: () => void): void {
  for (;;) {
    parseItem();
    cursor.skipSpace();
    if (cursor.takeText(close)) return;
    cursor.expect(",", `or "${close}"`);
  }
}

/** Parses terms between commas up to `close`; there may be none. */
function parseItems(cursor: Cursor, close: string, parseItem: () => Term): Term[] {
  const items: Term[] = [];
  cursor.skipSpace();
  if (!cursor.takeText(close)) parseSomeItems(cursor, close, () => items.push(parseItem()));
  return items;
}

function asMapKey(term: Term, cursor: Cursor, offset: number): MapKey {
  if (isMapKey(term) || term instanceof Parameter) return term;
  throw cursor.error("Cannot use this as the key of a map: keys are integers and strings", offset);
}

function parseSetOrMap(cursor: Cursor, depth: number): Term {
  cursor.skipSpace();
  if (cursor.takeText("}")) return makeMap([]);
  if (cursor.takeText(",")) {
    cursor.expect("}", "after {, for an empty set");
    return makeSet([]);
  }
  const items: Term[] = [];
  const entries: (readonly [MapKey, Term])[] = [];
  let isMap: boolean | undefined;
  parseSomeItems(cursor, "}", () => {
    cursor.skipSpace();
    const start = cursor.offset;
    const item = parseTerm(cursor, false, depth);
    cursor.skipSpace();
    isMap ??= cursor.sees(/:/y);
    if (isMap) {
      const key = asMapKey(item, cursor, start);
      cursor.expect(":", "after the key of a map");
      entries.push([key, parseTerm(cursor, false, depth)]);
      return;
    }
    items.push(item);
    const problem = setProblem([items[0] ?? item, item]);
    if (problem !== undefined) throw cursor.error(problem, start);
  });
  return isMap === true ? makeMap(entries) : makeSet(items);
}

/** Parses a term at this depth in others; `variables` tells whether `$name` may be one. */
export function parseTerm(cursor: Cursor, variables: boolean, depth = 0): Term {
  cursor.skipSpace();
  if (depth > MAX_TERM_DEPTH) throw cursor.error(`Cannot nest terms deeper than ${MAX_TERM_DEPTH}`);
  const next = cursor.text.charAt(cursor.offset);
  if (next === '"') return parseString(cursor);
  if (next === "$") {
    if (!variables) throw cursor.error("Cannot use a variable in a fact or inside a value");
    const name = parseVariableName(cursor);
    if (name === undefined) throw cursor.error("Expected the name of a variable after $");
    return new Variable(name);
  }
  if (next === "[") {
    cursor.offset++;
    return parseItems(cursor, "]", () => parseTerm(cursor, false, depth + 1));
  }
  if (next === "{") {
    const parameter = parseParameter(cursor);
    if (parameter !== undefined) return parameter;
    cursor.offset++;
    return parseSetOrMap(cursor, depth + 1);
  }
  const word = cursor.take(WORD)?.[0];
  if (word !== undefined) return WORDS[word] ?? null;
  const term = parseDate(cursor) ?? parseInteger(cursor) ?? parseHex(cursor);
  if (term === undefined) throw cursor.unexpected("Expected a term");
  return term;
}

/** Parses the terms of a predicate after its `(`. */
export function parseTerms(cursor: Cursor, variables: boolean): Term[] {
  return parseItems(cursor, ")", () => parseTerm(cursor, variables));
}

import {
  inOrder,
  type MapKey,
  makeMap,
  makeSet,
  Parameter,
  setProblem,
  type Term,
  type TermMap,
  type TermSet,
  Timestamp,
  typeRank,
  Variable,
} from "../datalog/term.ts";
import { FormatError } from "../errors.ts";
import {
  BOOL,
  BYTES,
  type Codec,
  type Context,
  enter,
  INT64,
  lazy,
  listOf,
  type Message,
  mapped,
  message,
  oneOf,
  required,
  SYMBOL,
  UINT64,
} from "./schema.ts";

/** The error for a parameter that nothing filled. */
export function unfilled({ name }: Parameter): FormatError {
  return new FormatError("encode", `Cannot encode a parameter without a value: {${name}}`);
}

/** The field of a type is the next number after its place in the order of types. */
function termField(term: Term): number {
  if (term instanceof Parameter) throw unfilled(term);
  return typeRank(term) + 1;
}

function keyField(key: MapKey): number {
  if (key instanceof Parameter) throw unfilled(key);
  return typeof key === "string" ? 2 : 1;
}

function checkedItems(items: readonly Term[]): readonly Term[] {
  const problem = setProblem(items);
  if (problem !== undefined) throw new FormatError("invalid_set", problem);
  return items;
}

const INNER_TERM: Codec<Term> = mapped(
  lazy(() => TERM),
  (term) => {
    if (term instanceof Variable) throw new FormatError("invalid_set", "Cannot read a variable inside a value");
    return term;
  },
  (term) => term,
);

const MAP_KEY = oneOf<MapKey>("a map key", keyField, { 1: INT64, 2: SYMBOL });

interface MapEntry {
  readonly key: MapKey;
  readonly value: Term;
}

const MAP_ENTRY = message<MapEntry>({
  key: required(1, MAP_KEY),
  value: required(2, INNER_TERM),
});

const SET = listOf(INNER_TERM);
const MAP = listOf(MAP_ENTRY);

function writtenSet({ items }: TermSet, context: Context): readonly Term[] {
  enter(SET, makeSet(items).items, context);
  const { order } = context;
  return makeSet(
    items.map((item) => inOrder(item, order)),
    order,
  ).items;
}

const asEntries = ({ entries }: TermMap): readonly MapEntry[] => entries.map(([key, value]) => ({ key, value }));

function writtenMap({ entries }: TermMap, context: Context): readonly MapEntry[] {
  enter(MAP, asEntries(makeMap(entries)), context);
  return asEntries(makeMap(entries, context.order));
}

/** A `Term`: strings come from the table, whose indices decide the order of sets and maps on the wire. */
export const TERM: Message<Term> = oneOf<Term>("a term", termField, {
  1: mapped(
    SYMBOL,
    (name) => new Variable(name),
    ({ name }) => name,
  ),
  2: INT64,
  3: SYMBOL,
  4: mapped(
    UINT64,
    (seconds) => new Timestamp(seconds),
    ({ seconds }) => seconds,
  ),
  5: mapped(
    BYTES,
    (bytes) => bytes.slice(),
    (bytes) => bytes,
  ),
  6: BOOL,
  7: mapped(SET, (items, { order }) => makeSet(checkedItems(items), order), writtenSet),
  8: mapped(
    message<object>({}),
    () => null,
    () => ({}),
  ),
  9: listOf(INNER_TERM),
  10: mapped(
    MAP,
    (entries, { order }) =>
      makeMap(
        entries.map(({ key, value }) => [key, value] as const),
        order,
      ),
    writtenMap,
  ),
});

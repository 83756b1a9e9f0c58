import type { SymbolTable } from "../datalog/symbols.ts";
import {
  compareTerms,
  isPrimitive,
  type MapKey,
  makeMap,
  makeSet,
  Parameter,
  type Term,
  TermMap,
  TermSet,
  Timestamp,
  typeRank,
  Variable,
} from "../datalog/term.ts";
import { FormatError } from "../errors.ts";
import type { ProtobufReader, ProtobufWriter } from "./protobuf.ts";
import { once, required } from "./wrapper.ts";

function readOne(reader: ProtobufReader, table: SymbolTable): Term | undefined {
  switch (reader.field) {
    case 1:
      return new Variable(table.symbol(reader.uint32()));
    case 2:
      return reader.int64();
    case 3:
      return table.symbol(reader.uint64());
    case 4:
      return new Timestamp(reader.uint64());
    case 5:
      return reader.bytes().slice();
    case 6:
      return reader.bool();
    case 7:
      return readSet(reader.message(), table);
    case 8:
      return readNull(reader.message());
    case 9:
      return readArray(reader.message(), table);
    case 10:
      return readMap(reader.message(), table);
    default:
      reader.skip();
      return undefined;
  }
}

/** Reads a `Term` message; strings come from the table, sets and maps are sorted by its indices. */
export function readTerm(reader: ProtobufReader, table: SymbolTable): Term {
  let term: Term | undefined;
  while (reader.next()) {
    const value = readOne(reader, table);
    if (value !== undefined) term = once(term, "term", value);
  }
  if (term === undefined) throw new FormatError("empty_content", "Cannot read a term without content");
  return term;
}

function withoutVariable(term: Term): Term {
  if (term instanceof Variable) throw new FormatError("invalid_set", "Cannot read a variable inside a value");
  return term;
}

function readNull(reader: ProtobufReader): null {
  while (reader.next()) reader.skip();
  return null;
}

function readSet(reader: ProtobufReader, table: SymbolTable): TermSet {
  const items: Term[] = [];
  while (reader.next()) {
    if (reader.field === 1) items.push(withoutVariable(readTerm(reader.message(), table)));
    else reader.skip();
  }
  const first = items[0];
  if (first === undefined) return new TermSet([]);
  if (items.some((item) => item instanceof TermSet)) {
    throw new FormatError("invalid_set", "Cannot read a set inside a set");
  }
  if (items.some((item) => typeRank(item) !== typeRank(first))) {
    throw new FormatError("invalid_set", "Cannot read a set with elements of several types");
  }
  return makeSet(items, table.byIndex);
}

function readArray(reader: ProtobufReader, table: SymbolTable): Term[] {
  const items: Term[] = [];
  while (reader.next()) {
    if (reader.field === 1) items.push(withoutVariable(readTerm(reader.message(), table)));
    else reader.skip();
  }
  return items;
}

function readMap(reader: ProtobufReader, table: SymbolTable): TermMap {
  const entries: [MapKey, Term][] = [];
  while (reader.next()) {
    if (reader.field === 1) entries.push(readEntry(reader.message(), table));
    else reader.skip();
  }
  return makeMap(entries, table.byIndex);
}

function readEntry(reader: ProtobufReader, table: SymbolTable): [MapKey, Term] {
  let key: MapKey | undefined;
  let value: Term | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = once(key, "key", readMapKey(reader.message(), table));
    else if (reader.field === 2) value = once(value, "value", withoutVariable(readTerm(reader.message(), table)));
    else reader.skip();
  }
  return [required(key, "key"), required(value, "value")];
}

function readMapKey(reader: ProtobufReader, table: SymbolTable): MapKey {
  let key: MapKey | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = once<MapKey>(key, "key", reader.int64());
    else if (reader.field === 2) key = once<MapKey>(key, "key", table.symbol(reader.uint64()));
    else reader.skip();
  }
  if (key === undefined) throw new FormatError("empty_content", "Cannot read a map key without content");
  return key;
}

/**
 * Adds the strings of a term to the table in the order of the reference: sets and maps in text order. Indices decide
 * the order of sets and maps on the wire, so this comes before writing.
 */
export function internTerm(term: Term | MapKey, table: SymbolTable): void {
  if (typeof term === "string") table.insert(term);
  if (isPrimitive(term)) return;
  if (term instanceof Variable) table.insert(term.name);
  else if (term instanceof TermSet) for (const item of sorted(term.items)) internTerm(item, table);
  else if (term instanceof TermMap) {
    for (const [key, value] of makeMap(term.entries).entries) {
      internTerm(key, table);
      internTerm(value, table);
    }
  } else if (Array.isArray(term)) for (const item of term) internTerm(item, table);
}

const sorted = (items: readonly Term[]): readonly Term[] => [...items].sort((a, b) => compareTerms(a, b));

function writeContent(writer: ProtobufWriter, term: Term, table: SymbolTable): void {
  if (typeof term === "number" || typeof term === "bigint") writer.int64(2, term);
  else if (typeof term === "string") writer.uint64(3, table.insert(term));
  else if (typeof term === "boolean") writer.bool(6, term);
  else if (term === null) writer.message(8, () => {});
  else if (term instanceof Variable) writer.uint64(1, table.insert(term.name));
  else if (term instanceof Timestamp) writer.uint64(4, term.seconds);
  else if (term instanceof Uint8Array) writer.bytes(5, term);
  else if (term instanceof TermSet)
    writer.message(7, () => writeItems(writer, makeSet(term.items, table.byIndex).items, table));
  else if (term instanceof TermMap) writer.message(10, () => writeEntries(writer, term, table));
  else if (term instanceof Parameter)
    throw new FormatError("encode", `Cannot encode a parameter without a value: {${term.name}}`);
  else writer.message(9, () => writeItems(writer, term, table));
}

function writeItems(writer: ProtobufWriter, items: readonly Term[], table: SymbolTable): void {
  for (const item of items) writeTerm(writer, 1, item, table);
}

function writeEntries(writer: ProtobufWriter, map: TermMap, table: SymbolTable): void {
  for (const [key, value] of makeMap(map.entries, table.byIndex).entries) {
    writer.message(1, () => {
      writer.message(1, () => {
        if (typeof key === "string") writer.uint64(2, table.insert(key));
        else if (key instanceof Parameter)
          throw new FormatError("encode", `Cannot encode a parameter without a value: {${key.name}}`);
        else writer.int64(1, key);
      });
      writeTerm(writer, 2, value, table);
    });
  }
}

/** Writes a `Term` message as `field`. */
export function writeTerm(writer: ProtobufWriter, field: number, term: Term, table: SymbolTable): void {
  writer.message(field, () => writeContent(writer, term, table));
}

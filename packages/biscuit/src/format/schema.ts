import type { SymbolTable } from "../datalog/symbols.ts";
import { byCodePoint, type StringOrder } from "../datalog/term.ts";
import { type FormatCode, FormatError } from "../errors.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

/** What values draw on beside their bytes. */
export interface Context {
  /** The strings and keys that the message refers to by number; writing enters what is new. */
  readonly table: SymbolTable;
  /** The order of strings in sets and maps: by their indices on the wire. */
  readonly order: StringOrder;
  /** The Datalog version that the message states, where it is read. */
  readonly version: number;
}

/** The context of a message on the wire. */
export function wireContext(table: SymbolTable, version = 0): Context {
  return { table, order: table.byIndex, version };
}

/**
 * Enters a set or map into the table in text order, as the reference does. The indices decide its order on the wire, so
 * this comes before it is written.
 */
export function enter<T>(message: Message<T>, value: T, { table, order }: Context): void {
  if (order !== byCodePoint) message.encode(value, { table, order: byCodePoint, version: 0 });
}

/** How the value of a field is read and written; it is described once for both ways. */
export interface Codec<T> {
  /** Reads the field on which the reader stands. */
  read(reader: ProtobufReader, context: Context): T;
  write(writer: ProtobufWriter, field: number, value: T, context: Context): void;
}

/** A message: it stands in a field, or alone. */
export interface Message<T> extends Codec<T> {
  decode(bytes: Uint8Array, context: Context): T;
  encode(value: T, context: Context): Uint8Array;
}

export const UINT64: Codec<number | bigint> = {
  read: (reader) => reader.uint64(),
  write: (writer, field, value) => writer.uint64(field, value),
};
export const UINT32: Codec<number> = {
  read: (reader) => reader.uint32(),
  write: (writer, field, value) => writer.uint64(field, value),
};
export const INT64: Codec<number | bigint> = {
  read: (reader) => reader.int64(),
  write: (writer, field, value) => writer.int64(field, value),
};
export const BOOL: Codec<boolean> = {
  read: (reader) => reader.uint64() !== 0,
  write: (writer, field, value) => writer.uint64(field, value ? 1 : 0),
};
/** Bytes; what is read is a view on the message. */
export const BYTES: Codec<Uint8Array> = {
  read: (reader) => reader.bytes(),
  write: (writer, field, value) => writer.bytes(field, value),
};
export const STRING: Codec<string> = {
  read: (reader) => reader.string(),
  write: (writer, field, value) => writer.string(field, value),
};
/** A string by its index in the symbol table. */
export const SYMBOL: Codec<string> = {
  read: (reader, { table }) => table.symbol(reader.uint64()),
  write: (writer, field, value, { table }) => writer.uint64(field, table.insert(value)),
};

/** One of some names, by its place among them. */
export function enumeration<Name extends string>(what: string, names: readonly Name[]): Codec<Name> {
  return {
    read(reader) {
      const at = reader.uint32();
      const name = names[at];
      if (name === undefined) throw new FormatError("invalid_op", `Cannot read ${what} of this kind: ${at}`);
      return name;
    },
    write: (writer, field, value) => writer.uint64(field, names.indexOf(value)),
  };
}

/** Another form of what `codec` reads and writes. */
export function mapped<Wire, T>(
  codec: Codec<Wire>,
  decode: (wire: Wire, context: Context) => T,
  encode: (value: T, context: Context) => Wire,
): Codec<T> {
  return {
    read: (reader, context) => decode(codec.read(reader, context), context),
    write: (writer, field, value, context) => codec.write(writer, field, encode(value, context), context),
  };
}

/** A codec that is defined further down: messages hold each other. */
export function lazy<T>(codec: () => Codec<T>): Codec<T> {
  return {
    read: (reader, context) => codec().read(reader, context),
    write: (writer, field, value, context) => codec().write(writer, field, value, context),
  };
}

/** A field of a message; `T` is what stands for it in the message's object. */
interface Field<T> {
  readonly number: number;
  readonly codec: Codec<unknown>;
  readonly rule: "required" | "optional" | "repeated";
  /** What stands for a field that is missing; such a value is not written. */
  readonly fallback?: T;
}

export function required<T>(number: number, codec: Codec<T>): Field<T> {
  return { number, codec, rule: "required" };
}

/** A field that may be missing. */
export function optional<T>(number: number, codec: Codec<T>): Field<T | undefined> {
  return { number, codec, rule: "optional" };
}

/** A field that is missing where its value is `fallback`. */
export function defaulted<T>(number: number, codec: Codec<T>, fallback: T): Field<T> {
  return { number, codec, rule: "optional", fallback };
}

export function repeated<T>(number: number, codec: Codec<T>): Field<readonly T[]> {
  return { number, codec, rule: "repeated" };
}

/** The fields of a message, the numbers 1 to 31, in the order in which they are written. */
type Fields<T> = { readonly [Name in keyof T]-?: Field<T[Name]> };

function fieldError(name: string, problem: "missing" | "repeated"): FormatError {
  return new FormatError("bytes", `Cannot decode the message: ${problem} field "${name}"`);
}

function framed<T>(
  readContent: (reader: ProtobufReader, context: Context) => T,
  writeContent: (writer: ProtobufWriter, value: T, context: Context) => void,
): Message<T> {
  return {
    read(reader, context) {
      const outerEnd = reader.open();
      const value = readContent(reader, context);
      reader.close(outerEnd);
      return value;
    },
    write: (writer, field, value, context) => writer.message(field, () => writeContent(writer, value, context)),
    decode: (bytes, context) => readContent(new ProtobufReader(bytes), context),
    encode(value, context) {
      const writer = new ProtobufWriter();
      writeContent(writer, value, context);
      return writer.finish();
    },
  };
}

/** A message of fields as an object; what is unknown is skipped. */
export function message<T extends object>(fields: Fields<T>): Message<T> {
  const entries = Object.entries<Field<unknown>>(fields).map(([name, field]) => ({ ...field, name }));
  const lists = entries.filter(({ rule }) => rule === "repeated");
  const empty = Object.fromEntries(entries.map(({ name, fallback }) => [name, fallback]));
  const byNumber: (typeof entries)[number][] = [];
  for (const entry of entries) byNumber[entry.number] = entry;
  /** The fields that must be there, one bit for each number. */
  const needed = entries.reduce((bits, { rule, number }) => (rule === "required" ? bits | (1 << number) : bits), 0);

  function readFields(reader: ProtobufReader, context: Context): T {
    const object: Record<string, unknown> = { ...empty };
    for (const { name } of lists) object[name] = [];
    let seen = 0;
    while (reader.next()) {
      const field = byNumber[reader.field];
      if (field === undefined) {
        reader.skip();
        continue;
      }
      const { name, number, codec, rule } = field;
      if (rule === "repeated") (object[name] as unknown[]).push(codec.read(reader, context));
      else {
        if ((seen & (1 << number)) !== 0) throw fieldError(name, "repeated");
        seen |= 1 << number;
        object[name] = codec.read(reader, context);
      }
    }
    if ((needed & ~seen) !== 0) throw fieldError(byNumber[31 - Math.clz32(needed & ~seen)]?.name ?? "", "missing");
    // Every member was filled by the codec that its type demands.
    return object as T;
  }

  function writeFields(writer: ProtobufWriter, value: T, context: Context): void {
    const members = value as Readonly<Record<string, unknown>>;
    for (const { name, number, codec, rule, fallback } of entries) {
      const member = members[name];
      if (rule === "repeated") for (const item of member as unknown[]) codec.write(writer, number, item, context);
      else if (member !== fallback) codec.write(writer, number, member, context);
    }
  }

  return framed(readFields, writeFields);
}

/** A message that holds exactly one of several fields; `numberOf` tells which one a value goes to. */
export function oneOf<T>(
  what: string,
  numberOf: (value: T) => number,
  alternatives: Readonly<Record<number, Codec<T>>>,
  code: FormatCode = "empty_content",
): Message<T> {
  return framed<T>(
    (reader, context) => {
      let value: T | undefined;
      while (reader.next()) {
        const codec = alternatives[reader.field];
        if (codec === undefined) reader.skip();
        else if (value !== undefined) throw fieldError(what, "repeated");
        else value = codec.read(reader, context);
      }
      if (value === undefined) throw new FormatError(code, `Cannot read ${what} without content`);
      return value;
    },
    (writer, value, context) => {
      const number = numberOf(value);
      alternatives[number]?.write(writer, number, value, context);
    },
  );
}

/** A message whose one field, number 1, is repeated. */
export function listOf<T>(codec: Codec<T>): Message<readonly T[]> {
  return framed<readonly T[]>(
    (reader, context) => {
      const items: T[] = [];
      while (reader.next()) {
        if (reader.field === 1) items.push(codec.read(reader, context));
        else reader.skip();
      }
      return items;
    },
    (writer, items, context) => {
      for (const item of items) codec.write(writer, 1, item, context);
    },
  );
}

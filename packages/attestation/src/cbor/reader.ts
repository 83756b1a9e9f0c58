import { ByteReader } from "../encoding/byte-reader.ts";
import { fromUtf8 } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";

/** A value with a tag. */
export class CborTag {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

/** What the reader gives: no floats, no indefinite lengths. */
export type CborValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborValue, CborValue>
  | CborTag;

const MAX_DEPTH = 16;
const SIMPLE: ReadonlyMap<number, boolean | null | undefined> = new Map([
  [20, false],
  [21, true],
  [22, null],
  [23, undefined],
]);

const fail = (what: string, why: string): AttestationError =>
  new AttestationError("cbor", `Cannot read ${what}: ${why}`);

const bigEndian = (bytes: Uint8Array): number => bytes.reduce((value, byte) => value * 256 + byte, 0);

/** The argument of an item, in its shortest form (RFC 8949 section 4.2.1). */
function readArgument(reader: ByteReader, info: number, what: string): number {
  if (info < 24) return info;
  if (info > 27) throw fail(what, "its length is indefinite");
  const size = 2 ** (info - 24);
  const value = bigEndian(reader.bytes(size, what));
  const least = size === 1 ? 24 : 256 ** (size / 2);
  if (value < least || !Number.isSafeInteger(value))
    throw fail(what, "a number is not in its shortest form, or too large");
  return value;
}

type Read = (reader: ByteReader, argument: number, depth: number, what: string) => CborValue;

function readMap(reader: ByteReader, count: number, depth: number, what: string): CborValue {
  const map = new Map<CborValue, CborValue>();
  for (let at = 0; at < count; at++) {
    const key = readItem(reader, depth + 1, what);
    if (typeof key !== "string" && typeof key !== "number") throw fail(what, "a key is neither text nor number");
    if (map.has(key)) throw fail(what, `key ${key} comes twice`);
    map.set(key, readItem(reader, depth + 1, what));
  }
  return map;
}

function readArray(reader: ByteReader, count: number, depth: number, what: string): CborValue {
  const items: CborValue[] = [];
  for (let at = 0; at < count; at++) items.push(readItem(reader, depth + 1, what));
  return items;
}

function readSimple(_: ByteReader, value: number, __: number, what: string): CborValue {
  if (!SIMPLE.has(value)) throw fail(what, "it has a float, or a simple value that is not known");
  return SIMPLE.get(value);
}

/** By major type (RFC 8949 section 3.1). */
const MAJOR: readonly Read[] = [
  (_, value) => value,
  (_, value) => -1 - value,
  (reader, length, _, what) => reader.bytes(length, what),
  (reader, length, _, what) => fromUtf8(reader.bytes(length, what), what),
  readArray,
  readMap,
  (reader, tag, depth, what) => new CborTag(tag, readItem(reader, depth + 1, what)),
  readSimple,
];

function readItem(reader: ByteReader, depth: number, what: string): CborValue {
  if (depth > MAX_DEPTH) throw fail(what, "it is nested too deeply");
  const [initial = 0] = reader.bytes(1, what);
  const major = initial >> 5;
  const info = initial & 31;
  if (major === 7 && info >= 24) throw fail(what, "it has a float, or a simple value that is not known");
  const read = MAJOR[major];
  if (read === undefined) throw fail(what, "it has no such type");
  return read(reader, readArgument(reader, info, what), depth, what);
}

/** Reads bytes that are one CBOR item: definite lengths and numbers in their shortest form. */
export function readCbor(bytes: Uint8Array, what: string): CborValue {
  const reader = new ByteReader(bytes, "cbor");
  const value = readItem(reader, 0, what);
  reader.end(what);
  return value;
}

/** Demands a byte string. */
export function asBytes(value: CborValue, what: string): Uint8Array {
  ensure(value instanceof Uint8Array, "cbor", `Cannot read ${what}: it is no byte string`);
  return value;
}

/** Demands a list. */
export function asList(value: CborValue, what: string): readonly CborValue[] {
  ensure(Array.isArray(value), "cbor", `Cannot read ${what}: it is no list`);
  return value;
}

/** Demands a map. */
export function asMap(value: CborValue, what: string): ReadonlyMap<CborValue, CborValue> {
  ensure(value instanceof Map, "cbor", `Cannot read ${what}: it is no map`);
  return value;
}

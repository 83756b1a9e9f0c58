import { toInteger } from "../datalog/term.ts";
import { FormatError } from "../errors.ts";

/** The nesting of messages that readers of the format accept. */
const MAX_DEPTH = 100;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8Encoder = new TextEncoder();

function malformed(what: string): FormatError {
  return new FormatError("bytes", `Cannot decode the message: ${what}`);
}

/**
 * Reads one protobuf message, field by field, straight from the bytes.
 *
 * It is as strict as the reference or stricter: groups, truncated fields, overlong integers, invalid UTF-8 and nesting
 * past 100 levels are errors; unknown fields are skipped.
 *
 * @throws {FormatError} code `bytes`.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #end: number;
  #depth = 0;
  /** The number of the field that {@link next} moved to. */
  field = 0;
  #wireType = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Moves to the next field; `false` at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    if (typeof tag !== "number" || tag < 8 || tag > 0xffffffff) throw malformed("a field number out of range");
    this.#wireType = tag & 7;
    this.field = tag >>> 3;
    return true;
  }

  /** The value as an unsigned 64-bit integer. */
  uint64(): number | bigint {
    this.#expect(VARINT);
    return this.#varint();
  }

  /** The value as a signed 64-bit integer. */
  int64(): number | bigint {
    const value = this.uint64();
    return typeof value === "bigint" ? toInteger(BigInt.asIntN(64, value)) : value;
  }

  /** The value as an unsigned 32-bit integer, which is what indices and enumerations are. */
  uint32(): number {
    const value = this.uint64();
    if (value > 0xffffffff) throw malformed("a 32-bit integer out of range");
    return Number(value);
  }

  /** The value as bytes, a view on the message. */
  bytes(): Uint8Array {
    const end = this.#length();
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  string(): string {
    try {
      return utf8Decoder.decode(this.bytes());
    } catch (error) {
      if (error instanceof FormatError) throw error;
      throw malformed("text that is not UTF-8");
    }
  }

  /** Enters the embedded message; what it returns is for {@link close}. */
  open(): number {
    const outerEnd = this.#end;
    this.#end = this.#length();
    if (++this.#depth > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH} messages`);
    return outerEnd;
  }

  /** Goes on behind an embedded message that was read to its end. */
  close(outerEnd: number): void {
    this.#end = outerEnd;
    this.#depth--;
  }

  /** Passes over a field that this version of the format does not know. */
  skip(): void {
    if (this.#wireType === VARINT) this.#varint();
    else if (this.#wireType === BYTES) this.#at = this.#length();
    else if (this.#wireType === FIXED64) this.#advance(8);
    else if (this.#wireType === FIXED32) this.#advance(4);
    else throw malformed(`a field of wire type ${this.#wireType}`);
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw malformed(`field ${this.field} has wire type ${this.#wireType}`);
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw malformed("truncated field");
    this.#at += length;
  }

  #length(): number {
    this.#expect(BYTES);
    const length = this.#varint();
    if (length > this.#end - this.#at) throw malformed("truncated field");
    return this.#at + Number(length);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined || this.#at >= this.#end) throw malformed("truncated integer");
    this.#at++;
    return byte;
  }

  #varint(): number | bigint {
    const start = this.#at;
    let value = this.#byte();
    if (value < 0x80) return value;
    value -= 0x80;
    for (let scale = 128; scale <= 2 ** 63; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value < 2 ** 53 ? value : this.#exactVarint(start);
    }
    throw malformed("an integer of more than 64 bits");
  }

  /** The integer from `start` up to here, which a number does not hold exactly. */
  #exactVarint(start: number): number | bigint {
    let value = 0n;
    for (let at = this.#at - 1; at >= start; at--) value = value * 128n + BigInt((this.#bytes[at] ?? 0) & 0x7f);
    if (value >= 2n ** 64n) throw malformed("an integer of more than 64 bits");
    return toInteger(value);
  }
}

/**
 * Writes one protobuf message.
 *
 * @throws {FormatError} code `encode` from {@link message} when nesting passes what readers accept.
 */
export class ProtobufWriter {
  #bytes = new Uint8Array(128);
  #length = 0;
  #depth = 0;

  /** What was written so far. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  uint64(field: number, value: number | bigint): void {
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
  }

  int64(field: number, value: number | bigint): void {
    this.uint64(field, value < 0 ? BigInt.asUintN(64, BigInt(value)) : value);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#varint(field * 8 + BYTES);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  string(field: number, value: string): void {
    this.bytes(field, utf8Encoder.encode(value));
  }

  /** Writes an embedded message with what `write` puts into this writer. */
  message(field: number, write: () => void): void {
    if (this.#depth >= MAX_DEPTH) {
      throw new FormatError("encode", `Cannot encode content nested deeper than ${MAX_DEPTH} messages`);
    }
    this.#varint(field * 8 + BYTES);
    const start = this.#length;
    this.#reserve(1);
    this.#length++;
    this.#depth++;
    write();
    this.#depth--;
    this.#closeMessage(start);
  }

  #closeMessage(start: number): void {
    const size = this.#length - start - 1;
    const extra = size < 0x80 ? 0 : size < 0x4000 ? 1 : size < 0x200000 ? 2 : size < 0x10000000 ? 3 : 4;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#length);
    }
    const end = this.#length + extra;
    this.#length = start;
    this.#varint(size);
    this.#length = end;
  }

  #reserve(length: number): void {
    const needed = this.#length + length;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  #varint(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === "bigint") {
      this.#bigVarint(value);
      return;
    }
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #bigVarint(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) + 128;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }
}

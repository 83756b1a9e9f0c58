/** A DER value (X.690): a tag, a length, and what is in it. */
export type Der = Uint8Array;

const bytes = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

function lengthOf(count: number): number[] {
  if (count < 0x80) return [count];
  const digits: number[] = [];
  for (let rest = count; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return [0x80 | digits.length, ...digits];
}

/** A value of a tag. */
function tagged(tag: number, ...contents: readonly Uint8Array[]): Der {
  const content = bytes(...contents);
  return bytes([tag], lengthOf(content.length), content);
}

/** SEQUENCE. */
export const sequence = (...members: readonly Der[]): Der => tagged(0x30, ...members);
/** SET of one member, which needs no order. */
export const setOf = (member: Der): Der => tagged(0x31, member);
/** `[number]`, constructed. */
export const context = (number: number, ...members: readonly Der[]): Der => tagged(0xa0 | number, ...members);
/** `[number]` in place of the tag of a primitive value. */
export const implicit = (number: number, content: Uint8Array): Der => tagged(0x80 | number, content);
/** OCTET STRING. */
export const octets = (content: Uint8Array): Der => tagged(0x04, content);
/** BIT STRING, by default of whole bytes. */
export const bits = (content: Uint8Array, unused = 0): Der => tagged(0x03, Uint8Array.of(unused), content);
/** BOOLEAN TRUE. */
export const yes: Der = Uint8Array.of(0x01, 0x01, 0xff);

/** INTEGER from 0 up, of big-endian bytes. */
export function integer(magnitude: Uint8Array): Der {
  const start = magnitude.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Uint8Array.of(0) : magnitude.subarray(start);
  // The first bit is the sign.
  return tagged(0x02, (digits[0] ?? 0) >= 0x80 ? bytes([0], digits) : digits);
}

const utf8 = new TextEncoder();

/** UTF8String. */
export const text = (value: string): Der => tagged(0x0c, utf8.encode(value));

/** IA5String's content: ASCII. @throws {RangeError} for other characters */
export function ascii(value: string): Uint8Array {
  if (/^[\x20-\x7e]*$/.test(value)) return utf8.encode(value);
  throw new RangeError(`Cannot write characters outside ASCII: ${value}`);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}

/** OBJECT IDENTIFIER, as `1.2.840.10045.4.3.2`. */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, bytes([first * 40 + second], ...rest.map(base128)));
}

/** UTCTime until 2049, and GeneralizedTime after (RFC 5280 section 4.1.2.5). @param at Milliseconds since the epoch */
export function time(at: number): Der {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, "");
  const isShort = digits < "2050";
  return tagged(isShort ? 0x17 : 0x18, utf8.encode(isShort ? digits.slice(2) : digits));
}

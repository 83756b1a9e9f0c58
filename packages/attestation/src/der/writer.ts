import { concatBytes, utf8 } from "../encoding/bytes.ts";
import { TAG } from "./reader.ts";

type Bytes = Uint8Array<ArrayBuffer>;

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Writes one value. */
export function der(tag: number, ...content: readonly Uint8Array[]): Bytes {
  const inner = concatBytes(...content);
  return concatBytes(Uint8Array.of(tag, ...lengthBytes(inner.length)), inner);
}

/** Writes a SEQUENCE. */
export const sequence = (...content: readonly Uint8Array[]): Bytes => der(TAG.sequence, ...content);

/** Writes the non-negative integer in big-endian bytes, in its shortest form. */
export function integer(bytes: Uint8Array): Bytes {
  const from = bytes.findIndex((byte) => byte !== 0);
  const short = from < 0 ? Uint8Array.of(0) : bytes.subarray(from);
  return der(TAG.integer, (short[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), short) : short);
}

/** Writes a small integer. */
export const small = (value: number): Bytes => integer(Uint8Array.of(value >> 24, value >> 16, value >> 8, value));

/** Writes TRUE or FALSE. */
export const boolean = (value: boolean): Bytes => der(TAG.boolean, Uint8Array.of(value ? 0xff : 0));

/** Writes an object identifier given in dotted form. */
export function objectId(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const arcs = [first * 40 + second, ...rest].map((arc) => {
    const bytes = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) bytes.unshift(0x80 | (left % 128));
    return Uint8Array.from(bytes);
  });
  return der(TAG.objectId, ...arcs);
}

/** Writes an OCTET STRING. */
export const octets = (bytes: Uint8Array): Bytes => der(TAG.octetString, bytes);

/** Writes a BIT STRING of whole bytes. */
export const bits = (bytes: Uint8Array): Bytes => der(TAG.bitString, Uint8Array.of(0), bytes);

/** Writes a time as RFC 5280 section 4.1.2.5 wants it: two digits of the year until 2049. */
export function time(at: number): Bytes {
  const digits = new Date(at).toISOString().replace(/\D/g, "").slice(0, 14);
  const isUtc = digits >= "1950" && digits < "2050";
  return der(isUtc ? TAG.utcTime : TAG.generalizedTime, utf8(`${isUtc ? digits.slice(2) : digits}Z`));
}

/** Writes a name that has a common name and nothing else. */
export const commonName = (name: string): Bytes =>
  sequence(der(TAG.set, sequence(objectId("2.5.4.3"), der(TAG.utf8String, utf8(name)))));

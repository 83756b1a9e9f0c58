import { littleEndian } from "../encoding/bytes.ts";
import { fromUtf8 } from "../encoding/text.ts";
import { AttestationError, ensure } from "../errors.ts";
import { type DerReader, type DerValue, TAG } from "./reader.ts";

const fail = (what: string, why: string): AttestationError =>
  new AttestationError("der", `Cannot read ${what}: ${why}`);

/** The bytes of a non-negative integer, without the leading zero that keeps it positive. */
export function unsigned({ content }: DerValue, what: string): Uint8Array {
  const [first = 0x80, second = 0x80] = content;
  if (first >= 0x80) throw fail(what, "it is negative or empty");
  if (first === 0 && content.length > 1 && second < 0x80) throw fail(what, "it is not in its shortest form");
  return first === 0 ? content.subarray(1) : content;
}

/** A small non-negative integer, at most 4 bytes. */
export function readInteger(reader: DerReader, what: string, tag: number = TAG.integer): number {
  const bytes = unsigned(reader.next(what, tag), what);
  if (bytes.length > 4) throw fail(what, "it is too large");
  return littleEndian(bytes.toReversed());
}

/** A boolean: DER has one form of each. */
export function readBoolean(reader: DerReader, what: string): boolean {
  const { content } = reader.next(what, TAG.boolean);
  const [byte] = content;
  if (content.length !== 1 || (byte !== 0 && byte !== 0xff)) throw fail(what, "it is no boolean");
  return byte === 0xff;
}

/** A BOOLEAN DEFAULT FALSE: where it is false, DER leaves it out. */
export function readDefaultFalse(reader: DerReader, what: string): boolean {
  const value = reader.optional(TAG.boolean, what);
  if (value === undefined) return false;
  if (value.content.length !== 1 || value.content[0] !== 0xff) throw fail(what, "it is present and not true");
  return true;
}

/** An object identifier in dotted form. */
export function readObjectId(reader: DerReader, what: string): string {
  const { content } = reader.next(what, TAG.objectId);
  const arcs: number[] = [];
  let arc = 0;
  let isInside = false;
  for (const byte of content) {
    if (!isInside && byte === 0x80) throw fail(what, "an arc is not in its shortest form");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > 0xffffffff) throw fail(what, "an arc is too large");
    isInside = byte >= 0x80;
    if (isInside) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first] = arcs;
  if (first === undefined || isInside) throw fail(what, "it is no object identifier");
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - 40 * top, ...arcs.slice(1)].join(".");
}

/** A bit string of whole bytes. */
export function readBitString(reader: DerReader, what: string): Uint8Array {
  const { content } = reader.next(what, TAG.bitString);
  ensure(content[0] === 0, "der", `Cannot read ${what}: it has unused bits, or none at all`);
  return content.subarray(1);
}

const UTC = /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const GENERALIZED = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** An instant in milliseconds since 1970 (RFC 5280 section 4.1.2.5). */
export function readTime(reader: DerReader, what: string): number {
  const { tag, content } = reader.next(what);
  const isUtc = tag === TAG.utcTime;
  if (!isUtc && tag !== TAG.generalizedTime) throw fail(what, "it is no time");
  const text = fromUtf8(content, what);
  const [, year = "", month = "", day = "", hour = "", minute = "", second = ""] =
    (isUtc ? UTC : GENERALIZED).exec(text) ?? [];
  const century = isUtc ? (Number(year) < 50 ? "20" : "19") : "";
  const iso = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = Date.parse(iso);
  // Engines take the 30th of February for a day in March.
  if (Number.isNaN(at) || new Date(at).toISOString() !== iso)
    throw fail(what, `it is no time: ${text.length} characters`);
  return at;
}

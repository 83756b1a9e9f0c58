import { Timestamp, toInteger } from "../datalog/term.ts";

const FIRST_SECOND = -62_167_219_200n;
const LAST_SECOND = 253_402_300_799n;

/** Prints seconds as RFC 3339 in UTC; what has no four-digit year is `<invalid date>`, as in the reference. */
export function formatDate(seconds: number | bigint): string {
  // The reference reads the unsigned seconds as signed when it prints.
  const signed = BigInt.asIntN(64, BigInt(seconds));
  if (signed < FIRST_SECOND || signed > LAST_SECOND) return "<invalid date>";
  return new Date(Number(signed) * 1000).toISOString().replace(".000Z", "Z");
}

/** The form of a date in Datalog text (RFC 3339 section 5.6). */
export const DATE_PATTERN = /(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))/y;

const range = (value: number, low: number, high: number): boolean => value >= low && value <= high;

/** Reads a match of {@link DATE_PATTERN}; `undefined` for a date that does not exist or lies before 1970. */
export function dateOf(match: RegExpExecArray): Timestamp | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const offsetHour = Number(match[8] ?? 0);
  const offsetMinute = Number(match[9] ?? 0);
  if (!range(hour, 0, 23) || !range(minute, 0, 59) || !range(second, 0, 59)) return undefined;
  if (!range(offsetHour, 0, 23) || !range(offsetMinute, 0, 59)) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offset = (match[7] === "-" ? -1 : 1) * (offsetHour * 3600 + offsetMinute * 60);
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  return seconds < 0 ? undefined : new Timestamp(toInteger(BigInt(seconds)));
}

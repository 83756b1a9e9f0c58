import { Timestamp } from "../datalog/term.ts";

const TWO_DIGITS = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, "0"));

/** Prints seconds as RFC 3339 in UTC; what has no four-digit year is `<invalid date>`, as in the reference. */
export function formatDate(seconds: number | bigint): string {
  // The reference reads the unsigned seconds as signed when it prints.
  const signed = typeof seconds === "bigint" ? BigInt.asIntN(64, seconds) : seconds;
  const date = new Date(Number(signed) * 1000);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) return "<invalid date>";
  // Part by part, as toISOString takes several times as long and a token can hold eight thousand dates.
  const [two, century] = [TWO_DIGITS, Math.floor(year / 100)];
  const day = `${two[century]}${two[year % 100]}-${two[date.getUTCMonth() + 1]}-${two[date.getUTCDate()]}`;
  return `${day}T${two[date.getUTCHours()]}:${two[date.getUTCMinutes()]}:${two[date.getUTCSeconds()]}Z`;
}

/** The form of a date in Datalog text (RFC 3339 section 5.6). */
export const DATE_PATTERN = /(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))/y;

/** Whether the next second begins a month in UTC: the only place of a leap second (RFC 3339 section 5.7). */
const endsMonth = (seconds: number): boolean => formatDate(seconds + 1).endsWith("-01T00:00:00Z");

/**
 * Reads a match of {@link DATE_PATTERN}; `undefined` for a date that does not exist or lies before 1970. A leap second is
 * the second before it, as in the reference.
 */
export function dateOf([, day, time = "", sign, hours = "0", minutes = "0"]: RegExpExecArray): Timestamp | undefined {
  const isLeap = time.endsWith(":60");
  const local = `${day}T${isLeap ? time.replace(/60$/, "59") : time}Z`;
  const atMs = Date.parse(local);
  // Engines differ in what they make of a day or hour that does not exist; none gives its text back.
  if (Number.isNaN(atMs) || formatDate(atMs / 1000) !== local) return undefined;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60;
  const seconds = atMs / 1000 + (sign === "-" ? offset : -offset);
  return seconds < 0 || (isLeap && !endsMonth(seconds)) ? undefined : new Timestamp(seconds);
}

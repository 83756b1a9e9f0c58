import { AttestationError, ensure } from "../errors.ts";

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}

/** Reads lower-case hexadecimal text: one text for each byte string. */
export function fromHex(text: string, what: string): Uint8Array<ArrayBuffer> {
  ensure(text.length % 2 === 0 && !/[^0-9a-f]/.test(text), "hex", `Cannot read ${what}: not lower-case hexadecimal`);
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = `${STANDARD.slice(0, 62)}-_`;

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const digits = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63];
    text += digits
      .slice(0, Math.min(4, bytes.length - at + 1))
      .map((digit) => alphabet[digit])
      .join("");
  }
  return text;
}

const valuesOf = (alphabet: string): Int8Array => {
  const values = new Int8Array(128).fill(-1);
  for (const [value, digit] of [...alphabet].entries()) values[digit.charCodeAt(0)] = value;
  return values;
};
const STANDARD_VALUES = valuesOf(STANDARD);
const URL_VALUES = valuesOf(URL_SAFE);

/** The bytes of digits without padding; spare bits must be zero, so that there is one text for each byte string. */
function decode(digits: string, values: Int8Array, what: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let count = 0;
  let at = 0;
  for (let index = 0; index < digits.length; index++) {
    const value = values[digits.charCodeAt(index)] ?? -1;
    if (value < 0) throw new AttestationError("base64", `Cannot read ${what}: not base64 at ${index}`);
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[at++] = bits >> count;
  }
  const isCanonical = digits.length % 4 !== 1 && (bits & ((1 << count) - 1)) === 0;
  ensure(isCanonical, "base64", `Cannot read ${what}: not canonical base64`);
  return bytes;
}

/** Base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  const text = encode(bytes, STANDARD);
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Reads canonical base64 with padding. */
export function fromBase64(text: string, what: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/={1,2}$/, "");
  ensure(Math.ceil(digits.length / 4) * 4 === text.length, "base64", `Cannot read ${what}: base64 is not padded`);
  return decode(digits, STANDARD_VALUES, what);
}

/** Base64url without padding (RFC 4648 section 5). */
export const toBase64Url = (bytes: Uint8Array): string => encode(bytes, URL_SAFE);

/** Reads canonical base64url without padding. */
export const fromBase64Url = (text: string, what: string): Uint8Array<ArrayBuffer> => decode(text, URL_VALUES, what);

/** Reads UTF-8, strictly. */
export function fromUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AttestationError("json", `Cannot read ${what}: not UTF-8`);
  }
}

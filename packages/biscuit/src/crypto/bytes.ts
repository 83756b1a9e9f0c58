const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal text of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** The bytes of hexadecimal text in either case, or `undefined` when it is no such text. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** The big-endian integer in `bytes`. */
export function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/** `value` as `length` big-endian bytes. */
export function fromBigInt(value: bigint, length: number): Uint8Array {
  const bytes = fromHex(value.toString(16).padStart(2 * length, "0"));
  if (bytes?.length !== length) throw new RangeError(`Cannot write the integer in ${length} bytes`);
  return bytes;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** From this length on it is quicker to compare four bytes at a time. */
const LONG = 128;

const words = ({ buffer, byteOffset, length }: Uint8Array): Int32Array =>
  new Int32Array(buffer, byteOffset, length >> 2);

function difference(a: ArrayLike<number>, b: ArrayLike<number>, from: number): number {
  let bits = 0;
  // No early exit: callers compare private keys too.
  for (let i = from; i < a.length; i++) bits |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return bits;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.length < LONG || ((a.byteOffset | b.byteOffset) & 3) !== 0) return difference(a, b, 0) === 0;
  return (difference(words(a), words(b), 0) | difference(a, b, a.length & ~3)) === 0;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NO_DIGIT = 0xff;
const VALUES = new Uint8Array(128).fill(NO_DIGIT);
for (const [value, digit] of [...DIGITS].entries()) VALUES[digit.charCodeAt(0)] = value;
VALUES["+".charCodeAt(0)] = 62;
VALUES["/".charCodeAt(0)] = 63;

/** Unpadded base64url (RFC 7515 section 2). */
export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += DIGITS.charAt(group >> 18) + DIGITS.charAt((group >> 12) & 63);
    if (i + 1 < bytes.length) text += DIGITS.charAt((group >> 6) & 63);
    if (i + 2 < bytes.length) text += DIGITS.charAt(group & 63);
  }
  return text;
}

/** The bytes of unpadded base64 in either alphabet, or `undefined`; what is left over after the last byte must be zero. */
export function fromAnyBase64(text: string): Uint8Array | undefined {
  // A lone character carries no byte (RFC 4648 section 3.5).
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let group = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? NO_DIGIT;
    if (value === NO_DIGIT) return undefined;
    group = ((group << 6) | value) & 0x3fff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (group >> bits) & 0xff;
    }
  }
  return (group & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}

/** The bytes of canonical unpadded base64url, or `undefined`. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  return /[+/]/.test(text) ? undefined : fromAnyBase64(text);
}

/** `text` filled up to groups of four characters. */
export function padBase64(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Padded base64 (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return padBase64(toBase64Url(bytes)).replaceAll("-", "+").replaceAll("_", "/");
}

/** The bytes of canonical padded base64, or `undefined`. */
export function fromBase64(text: string): Uint8Array | undefined {
  return text.length % 4 !== 0 || /[-_]/.test(text) ? undefined : fromAnyBase64(text.replace(/={1,2}$/, ""));
}

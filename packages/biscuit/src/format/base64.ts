import { FormatError } from "../errors.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGITS: ReadonlyMap<string, number> = new Map([
  ...[...ALPHABET].map((digit, value) => [digit, value] as const),
  ["+", 62],
  ["/", 63],
]);

const CODES = new Uint8Array(128).fill(0xff);
for (const [digit, value] of DIGITS) CODES[digit.charCodeAt(0)] = value;

/** URL-safe base64 with padding, the text form of tokens (RFC 4648 section 5). */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET.charAt(group >> 18) + ALPHABET.charAt((group >> 12) & 63);
    text += i + 1 < bytes.length ? ALPHABET.charAt((group >> 6) & 63) : "=";
    text += i + 2 < bytes.length ? ALPHABET.charAt(group & 63) : "=";
  }
  return text;
}

function invalid(): FormatError {
  return new FormatError("base64", "Cannot decode the token: the text is not base64");
}

/**
 * Reads base64 in either alphabet, padded or not; nothing else may be in the text and unused bits must be zero.
 *
 * @throws {FormatError} code `base64`.
 */
export function fromBase64(text: string): Uint8Array {
  let end = text.length;
  if (end > 0 && text.charCodeAt(end - 1) === 0x3d) {
    if (end % 4 !== 0) throw invalid();
    end -= text.charCodeAt(end - 2) === 0x3d ? 2 : 1;
  }
  if (end % 4 === 1) throw invalid();
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let group = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < end; i++) {
    const digit = CODES[text.charCodeAt(i)] ?? 0xff;
    if (digit === 0xff) throw invalid();
    group = ((group << 6) | digit) & 0x3fff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (group >> bits) & 0xff;
    }
  }
  if ((group & ((1 << bits) - 1)) !== 0) throw invalid();
  return bytes;
}

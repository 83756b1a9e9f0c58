import { assertBytes } from "./arguments.ts";
import { fromAnyBase64, padBase64, toBase64Url } from "./crypto/bytes.ts";
import { FormatError, LimitError } from "./errors.ts";
import type { Limits } from "./limits.ts";

/** URL-safe base64 with padding, the text form of tokens (RFC 4648 section 5). */
export function toBase64(bytes: Uint8Array): string {
  return padBase64(toBase64Url(bytes));
}

/**
 * Reads base64 in either alphabet, padded or not; nothing else may be in the text and unused bits must be zero.
 *
 * @throws {FormatError} code `base64`.
 */
function fromBase64(text: string): Uint8Array {
  const bytes = text.endsWith("=") && text.length % 4 !== 0 ? undefined : fromAnyBase64(text.replace(/={1,2}$/, ""));
  if (bytes === undefined) throw new FormatError("base64", "Cannot decode the token: the text is not base64");
  return bytes;
}

const PREFIX = "biscuit:";

/** The bytes of a token given as bytes or as text, within the limit. */
export function tokenBytes(token: Uint8Array | string, limits: Limits): Uint8Array {
  const tooLong = (length: number): LimitError =>
    new LimitError("token_bytes", `Cannot read a token of more than ${limits.maxTokenBytes} bytes: ${length}`);
  if (typeof token !== "string") {
    assertBytes("parse or verifyToken", "a token as bytes or base64", token);
    if (token.length > limits.maxTokenBytes) throw tooLong(token.length);
    // A Buffer gives no copy from `slice`, and its owner may write to it while signatures are checked.
    const bytes = new Uint8Array(token.length);
    bytes.set(token);
    return bytes;
  }
  const text = token.startsWith(PREFIX) ? token.slice(PREFIX.length) : token;
  // Four characters carry three bytes.
  if (text.length > Math.ceil(limits.maxTokenBytes / 3) * 4) throw tooLong(Math.floor((text.length * 3) / 4));
  const bytes = fromBase64(text);
  if (bytes.length > limits.maxTokenBytes) throw tooLong(bytes.length);
  return bytes;
}

/** The bytes of a message given as bytes, which are copied, or as base64. */
export function messageBytes(message: Uint8Array | string): Uint8Array {
  if (typeof message === "string") return fromBase64(message);
  assertBytes("reading a message", "bytes or base64", message);
  return new Uint8Array(message);
}

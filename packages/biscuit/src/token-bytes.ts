import { assertBytes } from "./arguments.ts";
import { LimitError } from "./errors.ts";
import { fromBase64 } from "./format/base64.ts";
import type { Limits } from "./limits.ts";

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

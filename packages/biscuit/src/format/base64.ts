import { fromAnyBase64, padBase64, toBase64Url } from "../crypto/bytes.ts";
import { FormatError } from "../errors.ts";

/** URL-safe base64 with padding, the text form of tokens (RFC 4648 section 5). */
export function toBase64(bytes: Uint8Array): string {
  return padBase64(toBase64Url(bytes));
}

/**
 * Reads base64 in either alphabet, padded or not; nothing else may be in the text and unused bits must be zero.
 *
 * @throws {FormatError} code `base64`.
 */
export function fromBase64(text: string): Uint8Array {
  const bytes = text.endsWith("=") && text.length % 4 !== 0 ? undefined : fromAnyBase64(text.replace(/={1,2}$/, ""));
  if (bytes === undefined) throw new FormatError("base64", "Cannot decode the token: the text is not base64");
  return bytes;
}

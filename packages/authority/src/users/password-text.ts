import { CountersignError } from "@countersign/protocol";
import { commonPasswords } from "./common-passwords.ts";

const fewestCharacters = 8;
const mostBytes = 1024;
const control = /\p{Cc}/u;

/**
 * The form of a password that is hashed: OpaqueString of RFC 8265 section 4.2 (any space is a plain one, NFC, case and
 * leading spaces kept). `undefined` when no password has this text: controls, lone surrogates, more than 1,024 bytes.
 */
export function opaquePassword(text: string): string | undefined {
  if (text.length > mostBytes || !text.isWellFormed() || control.test(text)) return undefined;
  const opaque = text.replace(/\p{Zs}/gu, " ").normalize("NFC");
  return Buffer.byteLength(opaque) <= mostBytes ? opaque : undefined;
}

/**
 * Checks a password that somebody chooses, and gives it in the form that is hashed.
 *
 * @throws {CountersignError} `invalid_password` when it is short, long, common, the username, or holds controls.
 */
export function checkNewPassword(text: string, username: string): string {
  const opaque = opaquePassword(text);
  if (opaque === undefined || [...opaque].length < fewestCharacters) throw new CountersignError("invalid_password");
  const lower = opaque.toLowerCase();
  if (lower === username) throw new CountersignError("invalid_password");
  if (commonPasswords.has(lower)) {
    throw new CountersignError("invalid_password", { hint: "The password is among the most common; choose another" });
  }
  return opaque;
}

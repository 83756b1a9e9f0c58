import { KeyError, PublicKey } from "@countersign/biscuit";
import { refusal } from "./refusals.ts";

const URL_SAFE = /^[A-Za-z0-9_-]+={0,2}$/;

/**
 * Takes a token as bytes, or as URL-safe base64 (RFC 4648 section 5), padded or not: no other alphabet, no prefix, no
 * white space.
 *
 * @throws {CountersignError} `token_malformed`.
 */
export function tokenInput(token: Uint8Array | string): Uint8Array | string {
  if (typeof token !== "string") return token;
  if (URL_SAFE.test(token)) return token;
  throw refusal("token_malformed", { reason: "the text is not URL-safe base64" });
}

/**
 * Reads key text: `ed25519/` and 64 hexadecimal digits, or `secp256r1/` and 66.
 *
 * @throws {CountersignError} `invalid_public_key`.
 */
export function publicKeyOf(key: PublicKey | string): PublicKey {
  if (key instanceof PublicKey) return key;
  try {
    return PublicKey.parse(key);
  } catch (error) {
    if (error instanceof KeyError) throw refusal("invalid_public_key", { reason: error.message }, error);
    throw error;
  }
}

/** UTF-16 units of the longest name. */
const MAX_NAME = 1024;
// C0 and C1 controls and DEL: nobody sees them, and they forge lines in terminals and files.
const CONTROLS = /\p{Cc}/u;

function fault(value: string): string | undefined {
  if (value.length === 0) return "it is empty";
  if (value.length > MAX_NAME) return `it is longer than ${MAX_NAME} characters`;
  if (!value.isWellFormed()) return "it holds half of a surrogate pair";
  return CONTROLS.test(value) ? "it holds a control character" : undefined;
}

/**
 * Checks the names that go into a token, by what they name.
 *
 * @throws {CountersignError} `invalid_name`.
 */
export function checkNames(names: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(names)) {
    const reason = value === undefined ? undefined : fault(value);
    if (reason !== undefined) throw refusal("invalid_name", { name, reason });
  }
}

import { KeyError } from "../errors.ts";
import { fromHex, toHex } from "./bytes.ts";
import { member } from "./jwk.ts";
import type { KeyAlgorithm } from "./provider.ts";
import { PublicKey } from "./public-key.ts";

/** A root key as an issuer publishes it at `/.well-known/biscuit-web-keys` (Biscuit web keys specification). */
export interface BiscuitWebKey {
  /** The key that verifies tokens. */
  readonly publicKey: PublicKey;
  /** The root key id that tokens signed by this key carry, an unsigned 32-bit integer. */
  readonly keyId: number;
  /** Free text to choose among keys that are trusted already; it never makes a key trusted. */
  readonly issuer?: string;
  /** When the issuer plans to retire the key, in milliseconds since 1970. */
  readonly expiresAt?: number;
}

const DATE_TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}):\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/i;

function fail(what: string): KeyError {
  return new KeyError("invalid_key", `Cannot read the biscuit web key: ${what}`);
}

function optionalString(json: object, name: string): string | undefined {
  const value = member(json, name) ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw fail(`${name} is not text`);
}

function readAlgorithm(json: object): KeyAlgorithm {
  const algorithm = member(json, "algorithm");
  if (algorithm === "ed25519" || algorithm === "secp256r1") return algorithm;
  throw new KeyError("unsupported_algorithm", "Cannot read the biscuit web key: unknown algorithm");
}

function readKeyId(json: object): number {
  const id = member(json, "key_id");
  if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id <= 0xffffffff) return id;
  throw fail("key_id is not an unsigned 32-bit integer");
}

function readExpiry(json: object): number | undefined {
  const text = optionalString(json, "expires_at");
  if (text === undefined) return undefined;
  const [, day = "", hour] = DATE_TIME.exec(text) ?? [];
  const at = Date.parse(text);
  // Engines take the 30th of February for a day in March, and hour 24 for the next day.
  const exists = !Number.isNaN(Date.parse(day)) && new Date(day).toISOString().startsWith(day) && hour !== "24";
  if (!exists || Number.isNaN(at)) throw fail("expires_at is not an RFC 3339 date and time");
  return at;
}

function parseOne(json: unknown): BiscuitWebKey {
  if (typeof json !== "object" || json === null) throw fail("not an object");
  const bytes = fromHex(optionalString(json, "key_bytes") ?? "");
  if (bytes === undefined) throw fail("key_bytes is not hexadecimal");
  const issuer = optionalString(json, "issuer");
  const expiresAt = readExpiry(json);
  return {
    publicKey: PublicKey.fromBytes(readAlgorithm(json), bytes),
    keyId: readKeyId(json),
    ...(issuer !== undefined && { issuer }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

/**
 * Reads a biscuit web key set, a JSON array already parsed. Unknown members are ignored.
 *
 * @throws {KeyError} when a key of the set cannot be read.
 * @example
 * const set = [{ algorithm: "ed25519", key_bytes: "1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284", key_id: 1 }];
 * parseBiscuitWebKeys(set)[0]?.keyId; // 1
 */
export function parseBiscuitWebKeys(json: unknown): BiscuitWebKey[] {
  if (!Array.isArray(json)) throw fail("the set is not an array");
  return json.map(parseOne);
}

/** Writes keys as the JSON array that {@link parseBiscuitWebKeys} reads. */
export function formatBiscuitWebKeys(keys: readonly BiscuitWebKey[]): object[] {
  return keys.map(({ publicKey, keyId, issuer, expiresAt }) => ({
    algorithm: publicKey.algorithm,
    key_bytes: toHex(publicKey.toBytes()),
    key_id: keyId,
    ...(issuer !== undefined && { issuer }),
    ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
  }));
}

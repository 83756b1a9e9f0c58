import { createHmac, createSecretKey } from "node:crypto";
import { type Random, systemRandom } from "@countersign/protocol";
import { decrypt, encrypt } from "./aes-gcm.ts";

/** The length of a key-encryption key. */
export const keyEncryptionKeyBytes = 32;

/**
 * What seals the keys that seal the signing keys. A key management service can stand behind it: it is asked once for
 * each signing key a node meets, never while a token is signed.
 */
export interface KeyEncryptionKey {
  /** Tells keys apart without telling the key. */
  readonly id: string;
  /** Encrypts a data-encryption key, bound to `associatedData`. */
  wrap(dataKey: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array>;
  /** The data-encryption key; rejects when key, text or associated data are not those of `wrap`. */
  unwrap(wrapped: Uint8Array, associatedData: Uint8Array): Promise<Uint8Array>;
}

/**
 * A key-encryption key of 32 bytes held in memory, used with AES-256-GCM.
 *
 * @throws {RangeError} unless `bytes` are 32 and not all equal, as those of a forgotten buffer are.
 * @example
 * ```ts
 * import { createKeyEncryptionKey } from "@countersign/authority";
 * const keyEncryptionKey = createKeyEncryptionKey(Buffer.from(secret, "base64url"));
 * ```
 */
export function createKeyEncryptionKey(bytes: Uint8Array, random: Random = systemRandom): KeyEncryptionKey {
  if (bytes.length !== keyEncryptionKeyBytes) {
    throw new RangeError(`Cannot use a key-encryption key of ${bytes.length} bytes: it must have 32`);
  }
  if (isConstant(bytes)) {
    throw new RangeError("Cannot use a key-encryption key whose bytes are all equal: make one from random bytes");
  }
  const key = createSecretKey(bytes);
  const id = createHmac("sha256", key).update("countersign key-encryption key id").digest("base64url").slice(0, 16);
  return {
    id,
    wrap: async (dataKey, associatedData) => encrypt(key, { plaintext: dataKey, associatedData, random }),
    unwrap: async (wrapped, associatedData) => decrypt(key, wrapped, associatedData),
  };
}

/** Whether all bytes are the same: what comes of a buffer nobody filled, never of a generator. */
export function isConstant(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === bytes[0]);
}

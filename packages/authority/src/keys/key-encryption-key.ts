import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { type Random, systemRandom } from "@countersign/protocol";

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

const cipher = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;

/** What is encrypted and what is only authenticated. */
export interface AesGcmInput {
  readonly plaintext: Uint8Array;
  readonly associatedData: Uint8Array;
  readonly random: Random;
}

/** AES-256-GCM under a random 96-bit IV (NIST SP 800-38D section 8.2.2): IV, ciphertext and 128-bit tag in one. */
export function encrypt(key: KeyObject, { plaintext, associatedData, random }: AesGcmInput): Uint8Array {
  const iv = random.bytes(ivBytes);
  const gcm = createCipheriv(cipher, key, iv, { authTagLength: tagBytes });
  gcm.setAAD(associatedData);
  return new Uint8Array(Buffer.concat([iv, gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]));
}

/** The plaintext, or an exception when key, text or associated data are not those of `encrypt`. */
export function decrypt(key: KeyObject, sealed: Uint8Array, associatedData: Uint8Array): Uint8Array {
  const gcm = createDecipheriv(cipher, key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
  gcm.setAAD(associatedData);
  gcm.setAuthTag(sealed.subarray(-tagBytes));
  return new Uint8Array(Buffer.concat([gcm.update(sealed.subarray(ivBytes, -tagBytes)), gcm.final()]));
}

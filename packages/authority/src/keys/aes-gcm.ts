import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import type { Random } from "@countersign/protocol";

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

import { createSecretKey } from "node:crypto";
import { fromBase64url, type Random, toBase64url } from "@countersign/protocol";
import { decrypt, encrypt, isConstant, type KeyEncryptionKey } from "./key-encryption-key.ts";

/** What a sealed secret is for. It is authenticated: a secret moved to another place does not open there. */
export interface SealContext {
  readonly kid: string;
  readonly algorithm: string;
  readonly purpose: "sign" | "derive";
  /** Version of the format of the secret. */
  readonly version: number;
}

/** A secret at rest: AES-256-GCM under a data-encryption key of its own, which the key-encryption key wraps. */
export interface Sealed {
  /** Id of the key-encryption key. */
  readonly kek: string;
  /** The wrapped data-encryption key, base64url. */
  readonly key: string;
  /** IV, ciphertext and tag, base64url. */
  readonly text: string;
}

/** What sealing needs beside secret and context. */
export interface SealOptions {
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly random: Random;
}

/** Seals a secret for one context. */
export async function seal(secret: Uint8Array, context: SealContext, options: SealOptions): Promise<Sealed> {
  const { keyEncryptionKey, random } = options;
  const associatedData = encodeContext(context);
  const dataKey = random.bytes(32);
  if (isConstant(dataKey)) throw new Error("Cannot seal a key: the source of randomness gives equal bytes");
  const wrapped = await keyEncryptionKey.wrap(dataKey, associatedData);
  const text = encrypt(createSecretKey(dataKey), { plaintext: secret, associatedData, random });
  dataKey.fill(0);
  return { kek: keyEncryptionKey.id, key: toBase64url(wrapped), text: toBase64url(text) };
}

/**
 * The secret of `seal`.
 *
 * @throws {Error} when it was sealed under another key-encryption key or for another context, or was changed.
 */
export async function unseal(
  sealed: Sealed,
  context: SealContext,
  keyEncryptionKey: KeyEncryptionKey,
): Promise<Uint8Array> {
  refuseOtherKey(sealed, context, keyEncryptionKey);
  const associatedData = encodeContext(context);
  try {
    const dataKey = await keyEncryptionKey.unwrap(decode(sealed.key), associatedData);
    return decrypt(createSecretKey(dataKey), decode(sealed.text), associatedData);
  } catch (cause) {
    throw new Error(`Cannot unseal key ${context.kid}: it was changed, or moved here from another key`, { cause });
  }
}

/** From one key-encryption key to another. */
export interface RewrapKeys {
  readonly from: KeyEncryptionKey;
  readonly to: KeyEncryptionKey;
}

/**
 * The same secret under another key-encryption key: only the data-encryption key is wrapped anew.
 *
 * @throws {Error} when `from` does not open it, or `to` does not open what it wrapped.
 */
export async function rewrap(sealed: Sealed, context: SealContext, { from, to }: RewrapKeys): Promise<Sealed> {
  (await unseal(sealed, context, from)).fill(0);
  const associatedData = encodeContext(context);
  const dataKey = await from.unwrap(decode(sealed.key), associatedData);
  const wrapped = await to.wrap(dataKey, associatedData);
  dataKey.fill(0);
  const rewrapped = { kek: to.id, key: toBase64url(wrapped), text: sealed.text };
  (await unseal(rewrapped, context, to)).fill(0);
  return rewrapped;
}

function refuseOtherKey(sealed: Sealed, { kid }: SealContext, { id }: KeyEncryptionKey): void {
  if (sealed.kek === id) return;
  throw new Error(
    `Cannot unseal key ${kid}: it is sealed under key-encryption key ${sealed.kek}, and this one is ${id}`,
  );
}

/** An array, so that the encoding has one form. */
function encodeContext({ kid, algorithm, purpose, version }: SealContext): Uint8Array {
  return Buffer.from(JSON.stringify(["countersign", kid, algorithm, purpose, version]));
}

function decode(text: string): Uint8Array {
  const bytes = fromBase64url(text);
  if (bytes === undefined) throw new TypeError("Cannot decode base64url");
  return bytes;
}

import { createSecretKey } from "node:crypto";
import { fromBase64url, type Random, toBase64url } from "@countersign/protocol";
import { z } from "zod";
import { decrypt, encrypt, type KeyEncryptionKey } from "../keys/key-encryption-key.ts";

/** The form of sealed files. */
export const SEALED_FORMAT = "countersign-sealed-rules/1";

/**
 * A rule file at rest: AES-256-GCM under a key of its own, which the key of the file wraps. Format, key and version are
 * authenticated with it, so that no other file can take its place.
 */
export interface SealedRules {
  /** Tells it from a document that is not sealed, and its version of this form. */
  readonly format: typeof SEALED_FORMAT;
  /** Tells keys apart without telling the key. */
  readonly key: string;
  /** That of the document. An authority runs none that is lower than one it ran before. */
  readonly version: number;
  /** The wrapped data-encryption key, base64url. */
  readonly wrapped: string;
  /** IV, ciphertext and tag of the document's text, base64url. */
  readonly text: string;
}

const schema = z.strictObject({
  format: z.literal(SEALED_FORMAT),
  key: z.string().max(64),
  version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  wrapped: z.string().max(1024),
  text: z.string().max(16 * 1024 * 1024),
});

/** A sealed file cannot be used, and why. */
export class SealedRulesError extends Error {
  override readonly name = "SealedRulesError";
}

/** What rules are sealed with. */
export interface SealRulesOptions {
  /** What the key of the document is wrapped with. */
  readonly keyEncryptionKey: KeyEncryptionKey;
  /** Makes the key of the document, and the initialisation vectors. */
  readonly random: Random;
  /** That of the document. */
  readonly version: number;
}

/**
 * Seals the text of a policy document.
 *
 * @example
 * ```ts
 * const sealed = await sealRules(text, { keyEncryptionKey, random: systemRandom, version: 7 });
 * writeFileSync("rules.sealed", JSON.stringify(sealed));
 * ```
 */
export async function sealRules(document: string, options: SealRulesOptions): Promise<SealedRules> {
  const { keyEncryptionKey, random, version } = options;
  const head = { format: SEALED_FORMAT, key: keyEncryptionKey.id, version } as const;
  const dataKey = random.bytes(32);
  const wrapped = await keyEncryptionKey.wrap(dataKey, associated(head));
  const text = encrypt(createSecretKey(dataKey), {
    plaintext: Buffer.from(document),
    associatedData: associated(head),
    random,
  });
  dataKey.fill(0);
  return { ...head, wrapped: toBase64url(wrapped), text: toBase64url(text) };
}

/** What stands outside of the ciphertext, and is authenticated with it. */
function associated({ format, key, version }: Pick<SealedRules, "format" | "key" | "version">): Uint8Array {
  return Buffer.from(JSON.stringify([format, key, version]));
}

/** The head of a sealed file; `undefined` for the text of anything else. */
export function readSealedRules(text: string): SealedRules | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * The text that was sealed.
 *
 * @throws {SealedRulesError} when it was sealed under another key, or anything of it was changed.
 */
export async function openSealedRules(sealed: SealedRules, keyEncryptionKey: KeyEncryptionKey): Promise<string> {
  if (sealed.key !== keyEncryptionKey.id) {
    throw new SealedRulesError(
      `Cannot open rules that are sealed under the key ${sealed.key}: this is ${keyEncryptionKey.id}`,
    );
  }
  try {
    const dataKey = await keyEncryptionKey.unwrap(bytesOf(sealed.wrapped), associated(sealed));
    const text = decrypt(createSecretKey(dataKey), bytesOf(sealed.text), associated(sealed));
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch (cause) {
    throw new SealedRulesError("Cannot open the sealed rules: something of them was changed", { cause });
  }
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64url(text);
  if (bytes === undefined) throw new SealedRulesError("Cannot open the sealed rules: they are not base64url");
  return bytes;
}

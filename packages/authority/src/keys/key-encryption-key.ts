import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { constants } from "node:fs";
import { link, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fromBase64url, type Random, randomSecret, systemRandom } from "@countersign/protocol";
import { errorCode, readPrivateFile } from "../private-file.ts";

/** The length of a key-encryption key. */
const KEY_ENCRYPTION_KEY_BYTES = 32;

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
  if (bytes.length !== KEY_ENCRYPTION_KEY_BYTES) {
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

const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What is encrypted and what is only authenticated. */
export interface AesGcmInput {
  readonly plaintext: Uint8Array;
  readonly associatedData: Uint8Array;
  readonly random: Random;
}

/** AES-256-GCM under a random 96-bit IV (NIST SP 800-38D section 8.2.2): IV, ciphertext and 128-bit tag in one. */
export function encrypt(key: KeyObject, { plaintext, associatedData, random }: AesGcmInput): Uint8Array {
  const iv = random.bytes(IV_BYTES);
  const gcm = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
  gcm.setAAD(associatedData);
  return new Uint8Array(Buffer.concat([iv, gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]));
}

/** The plaintext, or an exception when key, text or associated data are not those of `encrypt`. */
export function decrypt(key: KeyObject, sealed: Uint8Array, associatedData: Uint8Array): Uint8Array {
  const gcm = createDecipheriv(CIPHER, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  gcm.setAAD(associatedData);
  gcm.setAuthTag(sealed.subarray(-TAG_BYTES));
  return new Uint8Array(Buffer.concat([gcm.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), gcm.final()]));
}

/** Where the key-encryption key is kept. */
export interface KeyEncryptionKeyFileOptions {
  /** The file: 43 base64url characters and a line feed, readable by its owner alone. Its directory must exist. */
  readonly path: string;
  /** @default systemRandom */
  readonly random?: Random;
}

/** Base64url of 32 bytes and a line feed, and one byte more to notice a longer file. */
const FILE_BYTES = 44;

/**
 * The key-encryption key of a file, which is made on the first call. Of any number of processes that make it at once
 * one wins and all read the same key; a crash leaves either no file or a whole one.
 *
 * @throws {Error} when the file is a symbolic link, belongs to somebody else, can be read or written by others, or
 * does not hold exactly one key. Says how to mend it.
 * @example
 * ```ts
 * import { openKeyEncryptionKeyFile } from "@countersign/authority";
 * const keyEncryptionKey = await openKeyEncryptionKeyFile({ path: "data/key-encryption-key" });
 * ```
 */
export async function openKeyEncryptionKeyFile(options: KeyEncryptionKeyFileOptions): Promise<KeyEncryptionKey> {
  const { path, random = systemRandom } = options;
  const existing = await read(path, random);
  if (existing !== undefined) {
    await clearDrafts(path);
    return existing;
  }
  const { failure } = await make(path, random);
  const made = await read(path, random);
  if (made === undefined) throw cannotCreate(path, failure);
  return made;
}

/** What takes the place of a key-encryption key. */
export interface ReplaceKeyFileOptions {
  readonly path: string;
  /** The file that becomes `path`; without it `path` is only put aside. */
  readonly nextPath?: string;
}

/**
 * Puts the file of another key-encryption key in the place of one. The one that was there stays beside it as
 * `<path>-<id>`, as backups may need it; resolves to that path, or `undefined` when nothing was there. A crash at any
 * point leaves at `path` a whole key, the one or the other, unless it was to be put aside.
 *
 * @throws {Error} when a file cannot be read or moved, or another key has the name already.
 * @example
 * ```ts
 * import { replaceKeyEncryptionKeyFile } from "@countersign/authority";
 * await replaceKeyEncryptionKeyFile({ path: "data/kek", nextPath: "data/kek.next" });
 * ```
 */
export async function replaceKeyEncryptionKeyFile(options: ReplaceKeyFileOptions): Promise<string | undefined> {
  const { path, nextPath } = options;
  const kept = await keepBeside(path);
  if (nextPath !== undefined) await rename(nextPath, path);
  else await rm(path, { force: true });
  await syncDirectory(dirname(path));
  return kept;
}

/** A second name for the file, checked and durable before the first one goes. */
async function keepBeside(path: string): Promise<string | undefined> {
  const key = await read(path, systemRandom);
  if (key === undefined) return undefined;
  const kept = `${path}-${key.id}`;
  const cause: unknown = await link(path, kept).catch((error: unknown) => error);
  if ((await read(kept, systemRandom))?.id !== key.id) {
    throw new Error(`Cannot keep the key before in: ${kept}`, { cause });
  }
  await syncDirectory(dirname(path));
  return kept;
}

async function read(path: string, random: Random): Promise<KeyEncryptionKey | undefined> {
  const bytes = await readPrivateFile({ path, holds: "key-encryption key", maxBytes: FILE_BYTES + 1 });
  if (bytes === undefined) return undefined;
  return createKeyEncryptionKey(parse(Buffer.from(bytes).toString("latin1"), path), random);
}

function parse(text: string, path: string): Uint8Array {
  const bytes = fromBase64url(text.replace(/\n$/, ""));
  if (bytes?.length === KEY_ENCRYPTION_KEY_BYTES) return bytes;
  throw new Error(
    `Cannot find a key-encryption key in ${path}: the file is truncated or changed; restore it from a backup`,
  );
}

/** Names tried for a draft: somebody who knew the next one could put a file there. */
const MAX_DRAFTS = 8;

/**
 * Writes a whole file under another name and links it to its place. Where that fails somebody was faster, and may have
 * cleared the draft away, unless there is no key then.
 */
async function make(path: string, random: Random): Promise<{ readonly failure: unknown }> {
  const draft = await writeDraft(path, random).catch((error: unknown) => {
    throw cannotCreate(path, error);
  });
  const failure: unknown = await link(draft, path).catch((error: unknown) => error);
  await clearDrafts(path);
  await syncDirectory(dirname(path));
  return { failure };
}

function cannotCreate(path: string, cause: unknown): Error {
  return new Error(`Cannot create the key-encryption key: ${path}`, { cause });
}

/** A file of this call's own: what stands at a name already is neither written to nor believed. */
async function writeDraft(path: string, random: Random): Promise<string> {
  const key = `${randomSecret(random, KEY_ENCRYPTION_KEY_BYTES)}\n`;
  for (let tries = 1; ; tries++) {
    const draft = `${path}.${randomSecret(random, 12)}.new`;
    try {
      await writeDurably(draft, key);
      return draft;
    } catch (error) {
      if (errorCode(error) !== "EEXIST" || tries === MAX_DRAFTS) throw error;
    }
  }
}

/**
 * Removes drafts that a crash has left, each of which may be a copy of the key. Only called when the key has its place:
 * whoever is still at work on a draft has lost.
 */
async function clearDrafts(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  const prefix = `${basename(path)}.`;
  for (const name of names) {
    if (!name.startsWith(prefix) || !/^[\w-]{16}\.new$/.test(name.slice(prefix.length))) continue;
    // What cannot be removed, such as a directory, does no harm.
    await rm(join(dirname(path), name), { force: true }).catch(() => undefined);
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY).catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

import { constants } from "node:fs";
import { type FileHandle, link, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fromBase64url, type Random, randomSecret, systemRandom } from "@countersign/protocol";
import { createKeyEncryptionKey, type KeyEncryptionKey, keyEncryptionKeyBytes } from "./key-encryption-key.ts";

/** Where the key-encryption key is kept. */
export interface KeyEncryptionKeyFileOptions {
  /** The file: 43 base64url characters and a line feed, readable by its owner alone. Its directory must exist. */
  readonly path: string;
  /** @default systemRandom */
  readonly random?: Random;
}

/** Base64url of 32 bytes and a line feed, and one byte more to notice a longer file. */
const fileBytes = 44;

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
  await make(path, random);
  const made = await read(path, random);
  if (made === undefined) throw new Error(`Cannot read the key-encryption key just written: ${path}`);
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
  await link(path, kept).catch((error: unknown) => {
    if (errorCode(error) !== "EEXIST") throw error;
  });
  if ((await read(kept, systemRandom))?.id !== key.id) throw new Error(`Cannot keep the key before in: ${kept}`);
  await syncDirectory(dirname(path));
  return kept;
}

async function read(path: string, random: Random): Promise<KeyEncryptionKey | undefined> {
  const file = await openToRead(path);
  if (file === undefined) return undefined;
  try {
    await refuseExposed(file, path);
    const buffer = Buffer.alloc(fileBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return createKeyEncryptionKey(parse(buffer.toString("latin1", 0, bytesRead), path), random);
  } finally {
    await file.close();
  }
}

async function openToRead(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") {
      throw new Error(`Cannot use a symbolic link as key-encryption key: ${path}; name the file itself`);
    }
    throw new Error(`Cannot read the key-encryption key: ${path} (${code}); it must be this user's`, { cause: error });
  }
}

/** Judges the open file, not the name, so that nothing can be swapped in between. */
async function refuseExposed(file: FileHandle, path: string): Promise<void> {
  const status = await file.stat();
  if (!status.isFile()) throw new Error(`Cannot use anything but a regular file as key-encryption key: ${path}`);
  // The number alone: in a container its user often has no name. Windows has neither.
  const uid = process.geteuid?.();
  if (uid === undefined) return;
  if (status.uid !== uid && status.uid !== 0) {
    // Given to root it would be taken from the server that runs as its owner.
    const mend = uid === 0 ? `run this as user ${status.uid}` : `chown it to ${uid}`;
    throw new Error(`Cannot use a key-encryption key that belongs to user ${status.uid}: ${path}; ${mend}`);
  }
  if ((status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
    throw new Error(`Cannot use a key-encryption key with mode ${mode}: ${path}; chmod it to 0600`);
  }
}

function parse(text: string, path: string): Uint8Array {
  const bytes = fromBase64url(text.replace(/\n$/, ""));
  if (bytes?.length === keyEncryptionKeyBytes) return bytes;
  throw new Error(
    `Cannot find a key-encryption key in ${path}: the file is truncated or changed; restore it from a backup`,
  );
}

/** Names tried for a draft: somebody who knew the next one could put a file there. */
const maxDrafts = 8;

/** Writes a whole file under another name and links it to its place, which fails when somebody was faster. */
async function make(path: string, random: Random): Promise<void> {
  try {
    const draft = await writeDraft(path, random);
    try {
      await link(draft, path);
    } catch (error) {
      // EEXIST: somebody was faster; ENOENT: they were, and have cleared away.
      if (errorCode(error) !== "EEXIST" && errorCode(error) !== "ENOENT") throw error;
    } finally {
      await rm(draft, { force: true });
    }
  } catch (error) {
    throw new Error(`Cannot create the key-encryption key: ${path}`, { cause: error });
  }
  await clearDrafts(path);
  await syncDirectory(dirname(path));
}

/** A file of this call's own: what stands at a name already is neither written to nor believed. */
async function writeDraft(path: string, random: Random): Promise<string> {
  const key = `${randomSecret(random, keyEncryptionKeyBytes)}\n`;
  for (let tries = 1; ; tries++) {
    const draft = `${path}.${randomSecret(random, 12)}.new`;
    try {
      await writeDurably(draft, key);
      return draft;
    } catch (error) {
      if (errorCode(error) !== "EEXIST" || tries === maxDrafts) throw error;
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

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

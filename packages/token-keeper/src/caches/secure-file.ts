import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/** Windows has neither owners nor modes of this kind: there the profile's folder protects the file. */
const ownUid = process.geteuid?.();
const MAX_BYTES = 1_048_576;

/** Why a file is not trusted. */
export class UnsafeFileError extends Error {
  override readonly name = "UnsafeFileError";
}

/** What {@link readPrivate} lets pass. */
export interface ReadPrivateOptions {
  /** Follow links, and read what others own or may read: for files that a platform mounts. @default false */
  readonly shared?: boolean;
}

/**
 * Reads a file that only this user may read: no link of either kind, no pipe, no folder, mode 0600 or less (CWE-59).
 * @returns undefined when there is none.
 * @throws UnsafeFileError naming the reason; the system's error otherwise.
 */
export async function readPrivate(
  path: string,
  { shared = false }: ReadPrivateOptions = {},
): Promise<string | undefined> {
  // Non-blocking, as opening a pipe would wait for a writer.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (shared ? 0 : constants.O_NOFOLLOW);
  let file: FileHandle;
  try {
    file = await open(path, flags);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    if (codeOf(error) === "ELOOP")
      throw new UnsafeFileError(`Refused to follow a symbolic link: ${path}; give the file itself`);
    throw error;
  }
  try {
    // The handle is judged, not the path: what is read is what was checked.
    const stat = await file.stat();
    if (!stat.isFile()) throw new UnsafeFileError(`Refused to read what is no plain file: ${path}; give a file`);
    if (stat.size > MAX_BYTES)
      throw new UnsafeFileError(
        `Refused to read more than ${MAX_BYTES} bytes: ${path}; give a file that holds one token`,
      );
    if (!shared) requirePrivate(stat, path);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file atomically and durably, mode 0600: a new file beside it, fsync, rename, fsync of the folder. A reader
 * sees the old text or the new one; so does a machine that lost power.
 */
export async function writePrivate(path: string, text: string, temporaryName: string): Promise<void> {
  const temporary = `${path}.${temporaryName}.tmp`;
  try {
    await createPrivate(temporary, text, { durable: true });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Creates a file of mode 0600 that did not exist; `EEXIST` when it did. */
export async function createPrivate(
  path: string,
  text: string | ((created: { readonly ino: number }) => string),
  { durable }: { durable: boolean },
): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(typeof text === "string" ? text : text(await file.stat()));
    if (durable) await sync(file);
  } finally {
    await file.close();
  }
}

/**
 * Makes a folder of mode 0700, and refuses one in which others could swap files.
 * @throws UnsafeFileError naming the reason.
 */
export async function requirePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const stat = await lstat(path);
  if (!stat.isDirectory())
    throw new UnsafeFileError(
      `Refused to use what is no folder: ${path}; give a folder, or a path where one can be made`,
    );
  if (ownUid === undefined) return;
  if (stat.uid !== ownUid)
    throw new UnsafeFileError(`Refused to use a folder of another owner: ${path}; give one that this user owns`);
  if ((stat.mode & 0o022) !== 0)
    throw new UnsafeFileError(`Refused to use a folder others may write: ${path}; run chmod 700`);
}

/** The system's name of an error. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function requirePrivate(stat: { uid: number; mode: number; nlink: number }, path: string): void {
  if (ownUid === undefined) return;
  if (stat.uid !== ownUid)
    throw new UnsafeFileError(`Refused to read a file of another owner: ${path}; give one that this user owns`);
  if ((stat.mode & 0o077) !== 0)
    throw new UnsafeFileError(`Refused to read a file others may read: ${path}; run chmod 600`);
  // No name at all is a file that was replaced since it was opened: its content was valid then.
  if (stat.nlink > 1)
    throw new UnsafeFileError(`Refused to read a file with other names (hard links): ${path}; copy it to a new file`);
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder; its file systems order the rename themselves.
  if (process.platform === "win32") return;
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await sync(folder);
  } finally {
    await folder.close();
  }
}

/** The errors of file systems without fsync: some network and FUSE mounts. */
const UNSUPPORTED_FSYNC: readonly unknown[] = ["EPERM", "EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EBADF"];

async function sync(handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (!UNSUPPORTED_FSYNC.includes(codeOf(error))) throw error;
  }
}

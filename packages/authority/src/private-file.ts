import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Which file to read. */
export interface PrivateFileOptions {
  /** Where it is. */
  readonly path: string;
  /** What it holds, for messages: "key-encryption key". */
  readonly holds: string;
  /** Bytes to read at most; what a longer file holds beyond them is left out. */
  readonly maxBytes: number;
}

/**
 * Reads a file that nobody but this user and root can read or write (CWE-59, CWE-732). `token-keeper`, which imports none of
 * our packages, has a reader of its own.
 *
 * @returns its first bytes, or `undefined` when there is no such file.
 * @throws {Error} when it is a symbolic link or no regular file, belongs to somebody else, or has a mode beyond 0600. Says how
 * to mend it.
 * @example
 * ```ts
 * import { readPrivateFile } from "@countersign/authority";
 * const bytes = await readPrivateFile({ path: "data/session.json", holds: "session", maxBytes: 65536 });
 * ```
 */
export async function readPrivateFile({ path, holds, maxBytes }: PrivateFileOptions): Promise<Uint8Array | undefined> {
  const file = await openToRead(path, holds);
  if (file === undefined) return undefined;
  try {
    await refuseExposed(file, path, holds);
    const buffer = new Uint8Array(maxBytes);
    const { bytesRead } = await file.read(buffer, 0, maxBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Without waiting for the writer of a pipe. */
async function openToRead(path: string, holds: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw new Error(`Cannot use a symbolic link as ${holds}: ${path}; name the file itself`);
    throw new Error(`Cannot read the ${holds}: ${path} (${code}); it must be this user's`, { cause: error });
  }
}

/** Judges the open file, not the name, so that nothing can be swapped in between. */
async function refuseExposed(file: FileHandle, path: string, holds: string): Promise<void> {
  const status = await file.stat();
  if (!status.isFile()) throw new Error(`Cannot use anything but a regular file as ${holds}: ${path}`);
  // The number alone: in a container its user often has no name. Windows has neither.
  const uid = process.geteuid?.();
  if (uid === undefined) return;
  if (status.uid !== uid && status.uid !== 0) {
    // Given to root it would be taken from the server that runs as its owner.
    const mend = uid === 0 ? `run this as user ${status.uid}` : `chown it to ${uid}`;
    throw new Error(`Cannot use a ${holds} that belongs to user ${status.uid}: ${path}; ${mend}`);
  }
  if ((status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
    throw new Error(`Cannot use a ${holds} with mode ${mode}: ${path}; chmod it to 0600`);
  }
}

/** The system's name of an error, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Operation } from "./sqlite-batch.ts";
import { connect } from "./sqlite-file.ts";

/** `fullfsync`: on macOS fsync(2) alone leaves the data in the drive's cache. */
export const SETTINGS = `
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA journal_size_limit = 16777216;
  PRAGMA cache_size = -2048;
`;

/** An operation changes a few pages at most: of the table, of its index, and of those that are swept. */
const BYTES_PER_OPERATION = 4 * 4096;

/**
 * Empties the log that a crash or a full disk left, on a handle of its own: one on which it fails is closed, and the log
 * goes on as it is.
 */
export function foldLog({ path, busyTimeoutMs }: { readonly path: string; readonly busyTimeoutMs: number }): void {
  if (logBytes(path) === 0) return;
  try {
    using database = connect(path, "rw", busyTimeoutMs);
    database.exec(`${SETTINGS} PRAGMA wal_checkpoint(TRUNCATE)`);
  } catch {
    // The commit that follows says what is wrong.
  }
}

/** Removes a log that was folded, as the last connection that may write does when it closes. */
export function removeFoldedLog(path: string): void {
  try {
    using database = connect(path, "rw", 0);
    database.prepare("SELECT 1 FROM version").get();
  } catch {
    // An empty log that stays does no harm.
  }
}

/** Why the log must not take these operations before it is folded, or `undefined` when there is room to fold it after them. */
export function lacksRoomToFold(path: string, operations: readonly Operation[]): string | undefined {
  const log = logBytes(path);
  if (log === 0) return undefined;
  const { bavail, bsize } = statfsSync(dirname(path));
  const texts = operations.reduce((sum, [, key, , , , text]) => sum + key.length + (text?.length ?? 0), 0);
  const needed = log + 2 * (texts + operations.length * BYTES_PER_OPERATION);
  const free = bavail * bsize;
  return free < needed ? `the disk is full: ${free} bytes are free, and folding the log may need ${needed}` : undefined;
}

function logBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

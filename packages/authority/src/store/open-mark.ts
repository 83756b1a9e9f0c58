import { closeSync, existsSync, fsyncSync, openSync, statSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";

/**
 * The file beside a database that says that a log belongs to it. It is made once the log is there and removed, at a clean
 * close, before the log is: where it stands without a log, the log was taken away.
 */
export function openMark(path: string): string {
  return `${path}-open`;
}

/** Marks the database as open, durably. Its log must be there, and stay there until `unmark` has returned. */
export function mark(path: string): void {
  // First the entry of the log, then that of the mark: a power cut must not leave the second alone.
  syncDirectory(dirname(path));
  const descriptor = openSync(openMark(path), "a", 0o600);
  fsyncSync(descriptor);
  closeSync(descriptor);
  syncDirectory(dirname(path));
}

/** Takes the mark away, durably: what the log held is in the database, and the log may go. */
export function unmark(path: string): void {
  if (!existsSync(openMark(path))) return;
  // Not `rmSync`: the tests of power cuts watch unlink(2).
  unlinkSync(openMark(path));
  syncDirectory(dirname(path));
}

/** What was taken away from a database that was not closed, or `undefined`: its log, or the file with it. */
export function takenAway(path: string): "file" | "log" | undefined {
  if (!existsSync(openMark(path))) return undefined;
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return "file";
  return existsSync(`${path}-wal`) ? undefined : "log";
}

/** A file's entry is durable only when its directory is synced. */
export function syncDirectory(directory: string): void {
  // Windows opens no directories.
  if (process.platform === "win32") return;
  const descriptor = openSync(directory, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

import { closeSync, existsSync, fsyncSync, openSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { isFirstStartComplete, type Store } from "@countersign/authority";
import { CliFailure } from "./failure.ts";

/** What bears on whether a data directory has held an authority. */
export interface MarkedPaths {
  readonly database: string;
  /** Says that a first start was completed here. */
  readonly marker: string;
}

const TEXT = `A first start was completed in this directory. Without its database no authority starts here:
a lost database is to be restored, not replaced by a new one. To start anew on purpose, move all files away.
`;

/**
 * Refuses before anything is opened or made where there was a database that is gone or empty.
 *
 * @throws {CliFailure} saying how to restore it, or to start anew on purpose.
 */
export function refuseLostDatabase(paths: MarkedPaths): void {
  if (!existsSync(paths.marker)) return;
  const status = statSync(paths.database, { throwIfNoEntry: false });
  if (status === undefined) throw lost("the database of this authority is gone", paths);
  if (status.size === 0) throw lost("the database of this authority is empty", paths);
}

/**
 * The same for a database that is there and holds no authority, as when its log was removed.
 *
 * @throws {CliFailure}
 */
export async function refuseEmptiedDatabase(store: Store, paths: MarkedPaths): Promise<void> {
  if (!existsSync(paths.marker) || (await isFirstStartComplete(store))) return;
  throw lost("the database of this authority has lost what it held", paths);
}

/** Writes durably that a first start was completed. */
export async function markFirstStart(store: Store, { marker }: Pick<MarkedPaths, "marker">): Promise<void> {
  if (existsSync(marker) || !(await isFirstStartComplete(store))) return;
  const file = openSync(marker, "w", 0o600);
  writeSync(file, TEXT);
  fsyncSync(file);
  closeSync(file);
  if (process.platform === "win32") return;
  const directory = openSync(dirname(marker), "r");
  fsyncSync(directory);
  closeSync(directory);
}

function lost(what: string, { database, marker }: MarkedPaths): CliFailure {
  return new CliFailure(`${what}: ${database}`, {
    hints: [
      "a first start was completed here before; users, clients and keys were in that file",
      `restore it from a backup as ${database}, without files ${database}-* (docs/operations.md, Backup)`,
      `to start a new authority on purpose, move ${marker} and the other files of this directory away`,
    ],
  });
}

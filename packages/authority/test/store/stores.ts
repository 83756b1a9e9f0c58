import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Clock, systemClock } from "@countersign/protocol";
import { openSqliteStore, type SqliteStoreOptions } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

/** A directory that goes with its test. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "store-"));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Where the store of a test is. */
export function storePath(context: TestContext): string {
  return join(temporaryDirectory(context), "store.db");
}

/** A store at a path that is closed with its test. */
export async function openAt(
  path: string,
  context: TestContext,
  options: Partial<SqliteStoreOptions> & { readonly clock?: Clock } = {},
): Promise<Store> {
  const store = await openSqliteStore({ path, clock: systemClock, ...options });
  context.after(() => store.close());
  return store;
}

/** Copies a store that is open, as a crash would leave it. In another process: closing a file here drops its locks. */
export function copyAsAfterCrash(from: string, to: string): void {
  const script = `
    import { copyFileSync } from "node:fs";
    for (const suffix of ["", "-wal"]) copyFileSync(process.argv[1] + suffix, process.argv[2] + suffix);
  `;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script, from, to]);
  if (status !== 0) throw new Error(`Cannot copy the store: ${stderr}`);
}

import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Clock, systemClock } from "@countersign/protocol";
import { openSqliteStore, type SqliteStoreOptions } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

const opened = new WeakMap<TestContext, Store[]>();

/** A directory that goes with its test, after the stores in it were closed. */
export function temporaryDirectory(context: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "store-")));
  context.after(async () => {
    for (const store of opened.get(context) ?? []) await store.close();
    rmSync(directory, { recursive: true });
  });
  return directory;
}

/** Where the store of a test is. */
export function storePath(context: TestContext): string {
  return join(temporaryDirectory(context), "store.db");
}

/** A store in a temporary directory of this test. */
export async function openAt(
  path: string,
  context: TestContext,
  options: Partial<SqliteStoreOptions> & { readonly clock?: Clock } = {},
): Promise<Store> {
  const store = await openSqliteStore({ path, clock: systemClock, ...options });
  opened.set(context, [...(opened.get(context) ?? []), store]);
  return store;
}

/** Copies a store that is open, as a crash would leave it. In another process: closing a file here drops its locks. */
export function copyAsAfterCrash(from: string, to: string): void {
  const script = `
    import { copyFileSync } from "node:fs";
    for (const suffix of ["", "-wal", "-open"]) copyFileSync(process.argv[1] + suffix, process.argv[2] + suffix);
  `;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script, from, to]);
  if (status !== 0) throw new Error(`Cannot copy the store: ${stderr}`);
}

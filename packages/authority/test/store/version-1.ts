import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { TestContext } from "node:test";
import { storePath } from "./stores.ts";

const directory = new URL("./version-1/", import.meta.url);

/**
 * A database as the program of schema version 1 left it: people, clients, logins and an invitation; what processes left
 * that were killed in a registration and in a renaming; and a minute under a clock that showed the year 2626.
 */
export function storeOfVersion1(context: TestContext): string {
  const path = storePath(context);
  using database = new DatabaseSync(path);
  database.exec(readFileSync(new URL("store.sql", directory), "utf8"));
  return path;
}

/** Ids, secrets and tokens of that database. The key-encryption key is that of `testAuthority`. */
export const version1: Readonly<Record<string, string>> & { readonly now: number } = JSON.parse(
  readFileSync(new URL("facts.json", directory), "utf8"),
);

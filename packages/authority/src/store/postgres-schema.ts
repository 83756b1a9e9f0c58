import type { ClientBase } from "pg";
import { sqlStateOf } from "./postgres-errors.ts";

/** What the statements name. */
export interface Names {
  readonly item: string;
  readonly version: string;
  readonly migration: string;
}

/** The names of a schema's objects, as SQL. The schema's own name was checked. */
export function namesIn(schema: string): Names {
  return { item: `"${schema}".item`, version: `"${schema}".version`, migration: `"${schema}".migration` };
}

/** A process reserves so many versions at once, and so knows a commit's version before it sends it. */
export const VERSIONS_PER_BLOCK = 1024;

/** Below 2^53 with the whole block that begins there. */
const LAST_BLOCK = 2 ** 53 - 2 * VERSIONS_PER_BLOCK;

/**
 * Each row takes a schema from the version of its index to the next. Rows are never changed, only added. `key` and `owner` are
 * bytes because a text takes no NUL and sorts by a collation; `value` is text because `jsonb` changes what it holds.
 */
const migrations: readonly ((names: Names) => string)[] = [
  ({ item, version }) => `
    CREATE SEQUENCE ${version} INCREMENT BY ${VERSIONS_PER_BLOCK} MAXVALUE ${LAST_BLOCK} CACHE 1 NO CYCLE;
    CREATE TABLE ${item} (
      key bytea NOT NULL PRIMARY KEY,
      version bigint NOT NULL,
      owner bytea,
      expires_at float8,
      value text NOT NULL
    ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
    CREATE INDEX item_owner ON ${item} (owner, key) WHERE owner IS NOT NULL;
    CREATE INDEX item_expires_at ON ${item} (expires_at) WHERE expires_at IS NOT NULL;`,
];

/** The version of the schema that this program writes. */
export const schemaVersion = migrations.length;

/** "CtSg" and a number of ours: whoever changes a schema of this program holds this advisory lock. */
const MIGRATION_LOCK = "0x4374536700000001";

/** The version of a schema; 0 where it holds no store. */
export async function schemaVersionOf(client: ClientBase, schema: string): Promise<number> {
  const { migration } = namesIn(schema);
  const there = await client.query("SELECT to_regclass($1) AS found", [migration]);
  if (there.rows[0]?.found === null) return 0;
  const { rows } = await client.query(`SELECT max(version) AS version FROM ${migration}`);
  return Number(rows[0]?.version ?? 0);
}

/** duplicate_schema, duplicate_table, unique_violation. */
const duplicates = new Set(["42P06", "42P07", "23505"]);
const MAX_ATTEMPTS = 3;

/** Brings a schema to the version of this program, one process at a time, in one transaction. Resolves to the version before. */
export async function migrateSchema(client: ClientBase, schema: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await migrateOnce(client, schema);
    } catch (error) {
      // A session that waited for the lock may still remember that there were no tables; its next transaction looks again.
      if (attempt === MAX_ATTEMPTS || !duplicates.has(sqlStateOf(error) ?? "")) throw error;
    }
  }
}

async function migrateOnce(client: ClientBase, schema: string): Promise<number> {
  const names = namesIn(schema);
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1::bigint)", [BigInt(MIGRATION_LOCK).toString()]);
    const found = await schemaVersionOf(client, schema);
    refuseNewer(found);
    if (found === 0) {
      await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
      await client.query(
        `CREATE TABLE ${names.migration} (version int PRIMARY KEY, made_at timestamptz DEFAULT now())`,
      );
    }
    for (let version = found + 1; version <= schemaVersion; version++) {
      await client.query(migrations[version - 1]?.(names) ?? "");
      await client.query(`INSERT INTO ${names.migration} (version) VALUES ($1)`, [version]);
    }
    await client.query("COMMIT");
    return found;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** @throws {Error} when the schema was written by a newer program. */
export function refuseNewer(found: number): void {
  if (found <= schemaVersion) return;
  throw new Error(
    `Cannot use the store: its schema version ${found} is newer than ${schemaVersion}; update this program`,
  );
}

import type { Clock } from "@countersign/protocol";
import { createDynamodbTable, openDynamodbStore } from "./dynamodb.ts";
import { createMemoryStore } from "./memory.ts";
import { migratePostgresStore, openPostgresStore } from "./postgres.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** What a store of any engine is opened with. */
export interface OpenStoreOptions {
  /** By which items expire. */
  readonly clock: Clock;
  /** Told of each commit: how many writes it made durable, and how long it took, in milliseconds. @default nobody */
  readonly onCommit?: (writes: number, durationMs: number) => void;
  /** Told once, when the store was taken away while it was in use: close it and end the process. @default nobody */
  readonly onLost?: (why: string) => void;
}

/** Opens what stands behind the colon of a location. */
type Engine = (place: string, options: OpenStoreOptions) => Promise<Store>;

/** Every engine: a new one is a file and a row. */
const engines: ReadonlyMap<string, Engine> = new Map<string, Engine>([
  ["memory", async (_place, options) => createMemoryStore(options)],
  ["sqlite", (path, options) => openSqliteStore({ ...options, path })],
  ["postgres", (place, options) => openPostgresStore({ ...options, location: `postgres:${place}` })],
  ["dynamodb", (place, options) => openDynamodbStore({ ...options, location: `dynamodb:${place}` })],
]);

/** Makes what the others find: tables and their schema. An engine that makes it when it opens is opened. */
const preparations: Readonly<Record<string, (location: string) => Promise<unknown>>> = {
  postgres: migratePostgresStore,
  dynamodb: (location) => createDynamodbTable(location),
};

/**
 * Makes the store at a location, or brings it to the version of this program.
 *
 * @throws {RangeError} when the location names no engine; and whatever the engine throws.
 */
export async function prepareStore(location: string, options: OpenStoreOptions): Promise<void> {
  await preparations[location.slice(0, location.indexOf(":"))]?.(location);
  await (await openStore(location, options)).close();
}

/** The engines that a location can name. */
export const storeEngines: readonly string[] = [...engines.keys()];

/**
 * Opens the store at a location: the name of an engine, a colon, and where it keeps its items. `sqlite:data/auth.db` is
 * a file, taken literally; `memory:` is gone with the process.
 *
 * @throws {RangeError} when the location names no engine; and whatever the engine throws.
 * @example
 * ```ts
 * import { openStore } from "@countersign/authority";
 * import { systemClock } from "@countersign/protocol";
 * const store = await openStore("memory:", { clock: systemClock });
 * await store.close();
 * ```
 */
export async function openStore(location: string, options: OpenStoreOptions): Promise<Store> {
  const [name = "", ...place] = location.split(":");
  const engine = engines.get(name);
  if (engine === undefined || place.length === 0) {
    throw new RangeError(`Cannot open a store without its engine: begin with ${[...engines.keys()].join(": or ")}:`);
  }
  return engine(place.join(":"), options);
}

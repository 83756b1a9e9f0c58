import { type Clock, CountersignError } from "@countersign/protocol";
import { type CheckedChange, checkChange, checkCommit, checkPage, isKey, parseFrozen } from "./checks.ts";
import { COMMIT_LIFE_MS, keys } from "./keys.ts";
import { PostgresCommits, STATEMENTS_AT_ONCE, type Wish } from "./postgres-commits.ts";
import { PostgresConnections } from "./postgres-connections.ts";
import { failureOf, NoConnection, sqlStateOf } from "./postgres-errors.ts";
import { parsePostgresLocation } from "./postgres-location.ts";
import { migrateSchema, namesIn, refuseNewer, schemaVersion, schemaVersionOf } from "./postgres-schema.ts";
import { listing, type PostgresRow, type Statement, type Statements, statementsFor } from "./postgres-statements.ts";
import { ReadBatches } from "./read-batches.ts";
import type { Change, CommitOptions, CommitResult, Draft, Item, Page, Scanned, Store } from "./store.ts";
import { WriteHealth } from "./write-health.ts";

/** Where a store is, and how long it waits. */
export interface PostgresStoreOptions {
  /** `postgres://USER@HOST:PORT/DATABASE`, with the parameters that `parsePostgresLocation` names. */
  readonly location: string;
  readonly clock: Clock;
  /** Commits that may wait for a statement before more are refused. @default 4096 */
  readonly maxWaiting?: number;
  /** How long to go on for an outcome before it is refused as unknown, in milliseconds. @default 6000 */
  readonly patienceMs?: number;
  /** Told of each statement: how many writes it made durable, and how long it took, in milliseconds. @default nobody */
  readonly onCommit?: (writes: number, durationMs: number) => void;
}

/**
 * Opens a store in a PostgreSQL database, for any number of authorities. Where its schema is not there yet it is made.
 *
 * A write resolves when the server has made it durable. One that had no answer is sent again, under the version that it was sent
 * with first, until the server says what became of it; when it does not for `patienceMs`, or when `maxWaiting` is passed, the write
 * rejects with `temporarily_unavailable` and `retryAfterMs`.
 *
 * @throws {RangeError} when the location is none.
 * @throws {Error} when the server cannot be reached, refuses, is a standby, or would lose acknowledged writes; or when the schema
 * is older or newer than this program.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const place = parsePostgresLocation(options.location);
  const { patienceMs = DEFAULT_PATIENCE_MS } = options;
  const writing = await PostgresConnections.open(place, { most: STATEMENTS_AT_ONCE + 1, patienceMs });
  const reading = await PostgresConnections.open(place, { most: READINGS_AT_ONCE, patienceMs });
  try {
    await prepareSchema(writing, place.schema);
    return new PostgresStore(options, { writing, reading, statements: statementsFor(namesIn(place.schema)) });
  } catch (error) {
    await Promise.all([writing.close(), reading.close()]);
    throw explain(error);
  }
}

/** Brings the schema of a location to the version of this program. Resolves to the version before; 0 where there was none. */
export async function migratePostgresStore(location: string): Promise<number> {
  const place = parsePostgresLocation(location);
  const connections = await PostgresConnections.open(place, { most: 1, patienceMs: MIGRATION_MS });
  try {
    return await connections.use((client) => migrateSchema(client, place.schema));
  } catch (error) {
    throw explain(error);
  } finally {
    await connections.close();
  }
}

const DEFAULT_PATIENCE_MS = 6000;
/** An index of a large table takes its time. */
const MIGRATION_MS = 3_600_000;
const READINGS_AT_ONCE = 4;
const KEYS_PER_READING = 64;
const READING_ATTEMPTS = 3;
const PAUSE_MS = 50;
const RETRY_AFTER_MS = 1000;
const PROBE_LIFE_MS = 60_000;
const SWEEP_EVERY_MS = 60_000;
const ROWS_PER_SWEEP = 1000;
/** Clocks of nodes differ, and step back: what has expired by one of them is erased long after it has by all. */
const SWEEP_GRACE_MS = 86_400_000;

const SCANNED_ITEMS = 500;

interface Parts {
  readonly writing: PostgresConnections;
  readonly reading: PostgresConnections;
  readonly statements: Statements;
}

class PostgresStore implements Store {
  readonly #clock: Clock;
  readonly #parts: Parts;
  readonly #commits: PostgresCommits;
  readonly #health: WriteHealth;
  readonly #items: ReadBatches<PostgresRow>;
  readonly #stop = new AbortController();
  readonly #sweeping: Promise<void>;
  #failedReading: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: PostgresStoreOptions, parts: Parts) {
    const { clock, maxWaiting = 4096, patienceMs = DEFAULT_PATIENCE_MS, onCommit = () => {} } = options;
    const { writing: connections, statements } = parts;
    this.#clock = clock;
    this.#parts = parts;
    this.#health = new WriteHealth(clock);
    const health = this.#health;
    const sending = { connections, statements, clock, health };
    this.#commits = new PostgresCommits({ ...sending, maxWaiting, patienceMs, onCommit });
    const read = (names: readonly string[]) => this.#readItems(names);
    this.#items = new ReadBatches({ read, atOnce: READINGS_AT_ONCE, keysPerReading: KEYS_PER_READING });
    this.#sweeping = this.#sweep();
  }

  async get<Value>(key: string): Promise<Item<Value> | undefined> {
    this.#checkOpen();
    if (!isKey(key)) return undefined;
    const row = await this.#items.get(key);
    if (row === undefined || (row.expires_at !== null && row.expires_at <= this.#clock.now())) return undefined;
    return toItem<Value>(row);
  }

  async commit(changes: readonly Change[], options: CommitOptions = {}): Promise<CommitResult> {
    const wishes = checkCommit(changes, options).map(wishOf);
    return this.#commit(options.id === undefined ? wishes : [this.#noteOf(options.id), ...wishes]);
  }

  async swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined> {
    return (await this.#commit([wishOf(checkChange({ key, expectedVersion, draft }))])).version;
  }

  async take<Value>(key: string, version?: number): Promise<Item<Value> | undefined> {
    this.#checkOpen();
    if (!isKey(key)) return undefined;
    const values = [Buffer.from(key), version ?? null, this.#clock.now()];
    const [row] = await this.#run<PostgresRow>(this.#parts.writing, this.#parts.statements.take, values);
    return row && toItem<Value>(row);
  }

  async list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]> {
    this.#checkOpen();
    checkPage(page);
    if (!isKey(owner) || (page.after !== undefined && !page.after.isWellFormed())) return [];
    const { statement, values } = listing(this.#parts.statements, { owner, page, now: this.#clock.now() });
    return (await this.#read(statement, values)).map((row) => toItem<Value>(row));
  }

  async scan(after = ""): Promise<Scanned> {
    this.#checkOpen();
    const rows = await this.#read(this.#parts.statements.scan, [Buffer.from(after), SCANNED_ITEMS]);
    const now = this.#clock.now();
    const alive = rows.filter(({ expires_at: expiresAt }) => expiresAt === null || expiresAt > now);
    const next = rows.length === SCANNED_ITEMS ? rows.at(-1)?.key.toString() : undefined;
    return { items: alive.map((row) => toItem(row)), ...(next !== undefined && { next }) };
  }

  async failure(): Promise<string | undefined> {
    if (this.#failedReading !== undefined) await this.get(keys.probe()).catch(() => undefined);
    if (this.#failedReading !== undefined) return `Cannot read: ${this.#failedReading}`;
    return this.#health.failure({ isWaiting: this.#commits.isWaiting, probe: () => this.#probe() });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await this.#commits.close();
    await this.#sweeping;
    await Promise.all([this.#parts.writing.close(), this.#parts.reading.close()]);
  }

  /** Every node shares the probe, so its version is not expected to stay. */
  async #probe(): Promise<void> {
    const before = await this.get(keys.probe());
    await this.swap(keys.probe(), before?.version ?? 0, { value: {}, expiresAt: this.#clock.now() + PROBE_LIFE_MS });
  }

  async #commit(wishes: readonly Wish[]): Promise<CommitResult> {
    this.#checkOpen();
    const outcome = await this.#commits.submit(wishes);
    return "version" in outcome ? { version: outcome.version } : { failed: outcome.failed };
  }

  #noteOf(id: string): Wish {
    const expiresAt = this.#clock.now() + COMMIT_LIFE_MS;
    return { kind: "note", key: keys.commit(id), expected: 0, owner: null, expiresAt, text: "{}" };
  }

  async #readItems(names: readonly string[]): Promise<ReadonlyMap<string, PostgresRow>> {
    const rows = await this.#read(this.#parts.statements.get, [names.map((name) => Buffer.from(name))]);
    return new Map(rows.map((row) => [row.key.toString(), row]));
  }

  /** A reading changes nothing, so one that failed is tried again, on another connection. */
  async #read(statement: Statement, values: readonly unknown[]): Promise<readonly PostgresRow[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const rows = await this.#run<PostgresRow>(this.#parts.reading, statement, values);
        this.#failedReading = undefined;
        return rows;
      } catch (error) {
        this.#failedReading = messageOf(error);
        if (attempt === READING_ATTEMPTS || this.#closed !== undefined) throw error;
        await this.#clock.sleep(PAUSE_MS * attempt);
      }
    }
  }

  async #run<Row>(connections: PostgresConnections, statement: Statement, values: readonly unknown[]) {
    try {
      return await connections.run<Row>(statement, values);
    } catch (cause) {
      const detail = `Cannot use the database: ${messageOf(cause)}`;
      if (failureOf(cause) === "own fault") throw new CountersignError("server_error", { detail, cause });
      throw new CountersignError("temporarily_unavailable", { detail, retryAfterMs: RETRY_AFTER_MS, cause });
    }
  }

  /** Erases what has expired long ago, a little at a time; several nodes share the work. */
  async #sweep(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#clock.sleep(SWEEP_EVERY_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.#sweepOnce().catch(() => undefined);
    }
  }

  async #sweepOnce(): Promise<void> {
    const { writing, statements } = this.#parts;
    await writing.run(statements.sweep, [this.#clock.now() - SWEEP_GRACE_MS, ROWS_PER_SWEEP]);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) {
      throw new CountersignError("temporarily_unavailable", { detail: "The store is closed" });
    }
  }
}

/** Makes the schema where there is none; an older one is left to `countersign store migrate`, as other nodes may still need it. */
async function prepareSchema(connections: PostgresConnections, schema: string): Promise<void> {
  const found = await connections.use((client) => schemaVersionOf(client, schema));
  refuseNewer(found);
  if (found === 0) await connections.use((client) => migrateSchema(client, schema));
  else if (found < schemaVersion) {
    throw new Error(
      `Cannot use the store: its schema version ${found} is older than ${schemaVersion}; run countersign store migrate`,
    );
  }
}

function explain(error: unknown): unknown {
  if (error instanceof NoConnection) {
    return new Error(`Cannot open the store: the database cannot be reached or refuses: ${error.message}`, {
      cause: error,
    });
  }
  const state = sqlStateOf(error);
  if (state === undefined) return error;
  const mend =
    state === "42501" ? "; have its owner run countersign store create, or grant this role what it needs" : "";
  return new Error(`Cannot open the store: ${messageOf(error)} (SQLSTATE ${state})${mend}`, { cause: error });
}

function wishOf({ change: { key, expectedVersion, draft, remove }, text }: CheckedChange): Wish {
  const kind = text !== undefined ? "write" : remove ? "remove" : "guard";
  const owner = draft?.owner ?? null;
  return { kind, key, expected: expectedVersion, owner, expiresAt: draft?.expiresAt ?? null, text: text ?? null };
}

function toItem<Value>({ key, version, owner, expires_at: expiresAt, value }: PostgresRow): Item<Value> {
  return {
    key: key.toString(),
    version,
    // The port leaves the shape of a value to whoever wrote it under this key (store/records.ts).
    value: parseFrozen(value) as Value,
    ...(owner !== null && { owner: owner.toString() }),
    ...(expiresAt !== null && { expiresAt }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

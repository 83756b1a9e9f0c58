import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { type Clock, CountersignError } from "@countersign/protocol";
import { checkKey, checkPage, isKey, serialise } from "./checks.ts";
import { parseFrozen } from "./frozen.ts";
import { ItemCache, type ReadItem } from "./item-cache.ts";
import { keys } from "./keys.ts";
import type { Operation, Outcome, Row } from "./sqlite-batch.ts";
import { Commits } from "./sqlite-commits.ts";
import { prepareFile } from "./sqlite-file.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import type { Draft, Item, Page, Store } from "./store.ts";
import { createVersions } from "./versions.ts";
import { WriteHealth } from "./write-health.ts";

/** Where a store is, and how long it waits. */
export interface SqliteStoreOptions {
  /** The database file. It and its directory are created when missing, readable by their owner only. */
  readonly path: string;
  readonly clock: Clock;
  /** Writes that may wait for a commit before more are refused. @default 4096 */
  readonly maxWaiting?: number;
  /** How long a commit waits for another process that holds the file, in milliseconds. @default 500 */
  readonly busyTimeoutMs?: number;
  /** Told of each commit: how many writes it made durable, and how long it took. @default nobody */
  readonly onCommit?: (writes: number, durationMs: number) => void;
}

/**
 * Opens the embedded store: one SQLite file in WAL mode with `synchronous=FULL`, one server at a time.
 *
 * A write resolves when an fsync has made it durable; those that wait share one. When the disk is full, fails or is
 * held by another process for longer than `busyTimeoutMs`, or when `maxWaiting` is passed, a write rejects with
 * `temporarily_unavailable` and `retryAfterMs`.
 *
 * @throws {Error} when another server holds the file, or it is damaged, newer than this program, of another
 * application, or on a network file system. Nothing was written then.
 * @example
 * ```ts
 * import { mkdtemp } from "node:fs/promises";
 * import { systemClock } from "@countersign/protocol";
 * import { openSqliteStore } from "@countersign/authority";
 * const directory = await mkdtemp("store-");
 * const store = await openSqliteStore({ path: `${directory}/countersign.db`, clock: systemClock });
 * await store.swap("C#app", 0, { value: { clientName: "app" }, owner: "clients" });
 * await store.close();
 * ```
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { clock, maxWaiting = 4096, busyTimeoutMs = 500, onCommit = () => {} } = options;
  const { path, lock } = prepareFile(options.path);
  try {
    const health = new WriteHealth(clock);
    const commits = await Commits.start({ path, busyTimeoutMs, clock, maxWaiting, onCommit, health });
    return new SqliteStore(clock, { lock, commits, health, reader: new SqliteReader(path) });
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** What the items in use may take, in characters of their rows: some 8,000 clients or logins. */
const cachedCharacters = 4 * 1024 * 1024;

/** How long what was written to see whether it can be is kept. */
const probeLifeMs = 60_000;

interface Parts {
  readonly lock: DatabaseSync;
  readonly commits: Commits;
  readonly health: WriteHealth;
  readonly reader: SqliteReader;
}

class SqliteStore implements Store {
  /** The lock says so, and the system takes it back from a process however that ends. */
  readonly exclusive = true;
  readonly #clock: Clock;
  readonly #parts: Parts;
  readonly #nextVersion: () => number;
  readonly #items = new ItemCache(cachedCharacters);
  readonly #read = (key: string) => {
    const row = this.#parts.reader.get(key);
    return row && weigh(key, row);
  };
  #closed: Promise<void> | undefined;

  constructor(clock: Clock, parts: Parts) {
    this.#clock = clock;
    this.#parts = parts;
    this.#nextVersion = createVersions(clock);
  }

  async get<Value>(key: string): Promise<Item<Value> | undefined> {
    this.#checkOpen();
    if (!isKey(key)) return undefined;
    // The port leaves the shape of a value to whoever wrote it under this key (store/records.ts).
    const item = this.#items.get(key, this.#read) as Item<Value> | undefined;
    return item?.expiresAt !== undefined && item.expiresAt <= this.#clock.now() ? undefined : item;
  }

  async swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined> {
    checkKey(key);
    const text = serialise(draft);
    const version = this.#nextVersion();
    const { owner = null, expiresAt = null } = draft;
    const written = await this.#submit([key, expectedVersion, version, owner, expiresAt, text]);
    if (written !== true) return this.#lost(key);
    this.#items.replace(key, () => weigh(key, [version, owner, expiresAt, text]));
    return version;
  }

  async take<Value>(key: string, version?: number): Promise<Item<Value> | undefined> {
    if (!isKey(key)) return undefined;
    const row = await this.#submit([key, version ?? null, null, null, null, null]);
    if (typeof row !== "object") return this.#lost(key);
    this.#items.drop(key);
    return toItem<Value>(key, row);
  }

  async list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]> {
    checkPage(page);
    // A page is read on this thread. Whoever reads many of them must not keep everybody else waiting until the last.
    await setImmediate();
    this.#checkOpen();
    if (!isKey(owner)) return [];
    const rows = this.#parts.reader.list(owner, page, this.#clock.now());
    return rows.map((row) => toItem<Value>(String(row[4]), row));
  }

  writeFailure(): Promise<string | undefined> {
    const { commits, health } = this.#parts;
    return health.failure({ isWaiting: commits.isWaiting, probe: () => this.#probe() });
  }

  async #probe(): Promise<void> {
    const before = await this.get(keys.probe());
    await this.swap(keys.probe(), before?.version ?? 0, { value: {}, expiresAt: this.#clock.now() + probeLifeMs });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { reader, commits, lock } = this.#parts;
    // Before the writer, so that it is the last to go and folds the log into the file.
    reader.close();
    await commits.close();
    lock.close();
  }

  async #submit(operation: Operation): Promise<Outcome> {
    try {
      return await this.#parts.commits.submit(operation);
    } catch (error) {
      this.#items.drop(operation[0]);
      throw error;
    }
  }

  /** A held item that had expired and was erased comes to life when the clock is put back: no write would meet it. */
  #lost(key: string): undefined {
    this.#items.drop(key);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) {
      throw new CountersignError("temporarily_unavailable", { detail: "The store is closed" });
    }
  }
}

function weigh(key: string, row: Row): ReadItem {
  return { item: toItem(key, row), size: key.length + String(row[3]).length };
}

function toItem<Value>(key: string, [version, owner, expiresAt, text]: Row): Item<Value> {
  return {
    key,
    version: Number(version),
    // The port leaves the shape of a value to whoever wrote it under this key (store/records.ts).
    value: parseFrozen(String(text)) as Value,
    ...(owner !== null && { owner: String(owner) }),
    ...(expiresAt !== null && { expiresAt: Number(expiresAt) }),
  };
}

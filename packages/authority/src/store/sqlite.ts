import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { type Clock, CountersignError } from "@countersign/protocol";
import { type CheckedChange, checkChange, checkCommit, checkPage, isKey, parseFrozen } from "./checks.ts";
import { HeldFiles } from "./held-files.ts";
import { ItemCache, type ReadItem } from "./item-cache.ts";
import { COMMIT_LIFE_MS, keys } from "./keys.ts";
import { mark, unmark } from "./open-mark.ts";
import type { Operation, Outcome, Row, Unit } from "./sqlite-batch.ts";
import { Commits } from "./sqlite-commits.ts";
import { prepareFile } from "./sqlite-file.ts";
import { removeFoldedLog } from "./sqlite-log.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import type { Change, CommitOptions, CommitResult, Draft, Item, Page, Scanned, Store } from "./store.ts";
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
  /**
   * Told once, when somebody has removed or replaced the file, its log or its lock while they were in use: another server
   * may be at work then. The store refuses everything from that moment; close it and end the process. @default nobody
   */
  readonly onLost?: (why: string) => void;
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
  const { clock, maxWaiting = 4096, busyTimeoutMs = 500, onCommit = () => {}, onLost = () => {} } = options;
  const { path, lock } = prepareFile(options.path);
  // From before the writer to after it: while it is open, no connection that closes takes the log with it.
  let reader: SqliteReader | undefined;
  try {
    reader = new SqliteReader(path);
    const health = new WriteHealth(clock);
    const commits = await Commits.start({ path, busyTimeoutMs, clock, maxWaiting, onCommit, health });
    // Where the writer has just turned the log on, the reader has it from its next statement on.
    reader.get(keys.probe());
    mark(path);
    const files = { database: new HeldFiles([`${path}.lock`, path]), log: new HeldFiles([`${path}-wal`]) };
    return new SqliteStore(clock, { path, lock, commits, health, reader, files, onLost });
  } catch (error) {
    reader?.close();
    lock.close();
    throw error;
  }
}

/** What the items in use may take, in characters of their rows: some 8,000 clients or logins. */
const CACHED_CHARACTERS = 4 * 1024 * 1024;

/** How long what was written to see whether it can be is kept. */
const PROBE_LIFE_MS = 60_000;

const RETRY_AFTER_MS = 1000;

const SCANNED_ITEMS = 500;

interface Parts {
  readonly path: string;
  readonly lock: DatabaseSync;
  readonly commits: Commits;
  readonly health: WriteHealth;
  readonly reader: SqliteReader;
  readonly files: { readonly database: HeldFiles; readonly log: HeldFiles };
  readonly onLost: (why: string) => void;
}

/** How often the files are looked at: while there are writes, and at rest. */
const LOOK_EVERY_MS = 100;
const LOOK_AT_REST_MS = 1000;

class SqliteStore implements Store {
  /** The lock says so, and the system takes it back from a process however that ends. */
  readonly exclusive = true;
  readonly #clock: Clock;
  readonly #parts: Parts;
  readonly #items = new ItemCache(CACHED_CHARACTERS);
  readonly #read = (key: string) => this.#reading(() => this.#readItem(key));
  /** The last reading that failed, to be tried again by whoever asks for the health. */
  #failedReading: (() => unknown) | undefined;
  readonly #looking: NodeJS.Timeout;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #lostBecause: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(clock: Clock, parts: Parts) {
    this.#clock = clock;
    this.#parts = parts;
    this.#looking = setInterval(() => this.#look(), LOOK_AT_REST_MS);
    this.#looking.unref();
  }

  async get<Value>(key: string): Promise<Item<Value> | undefined> {
    this.#checkOpen();
    if (!isKey(key)) return undefined;
    // The port leaves the shape of a value to whoever wrote it under this key (store/records.ts).
    const item = this.#items.get(key, this.#read) as Item<Value> | undefined;
    return item?.expiresAt !== undefined && item.expiresAt <= this.#clock.now() ? undefined : item;
  }

  async commit(changes: readonly Change[], options: CommitOptions = {}): Promise<CommitResult> {
    const checked = checkCommit(changes, options);
    const unit = checked.map(operationOf);
    const { id } = options;
    return this.#commit(checked, id === undefined ? unit : [this.#noteOf(id), ...unit]);
  }

  async swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined> {
    const checked = checkChange({ key, expectedVersion, draft });
    return (await this.#commit([checked], [operationOf(checked)])).version;
  }

  async take<Value>(key: string, version?: number): Promise<Item<Value> | undefined> {
    if (!isKey(key)) return undefined;
    const row = await this.#submit([["take", key, version ?? null, null, null, null]]);
    // Removed now or gone before: a held item that had expired and was erased must not be served again when a clock is put back.
    this.#items.drop(key);
    return typeof row === "object" ? toItem<Value>(key, row) : undefined;
  }

  async list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]> {
    checkPage(page);
    // A page is read on this thread. Whoever reads many of them must not keep everybody else waiting until the last.
    await setImmediate();
    this.#checkOpen();
    if (!isKey(owner)) return [];
    const now = this.#clock.now();
    return this.#reading(() =>
      this.#parts.reader.list(owner, page, now).map((row) => toItem<Value>(String(row[4]), row)),
    );
  }

  async scan(after = ""): Promise<Scanned> {
    await setImmediate();
    this.#checkOpen();
    const now = this.#clock.now();
    const rows = this.#reading(() => this.#parts.reader.scan(after, SCANNED_ITEMS));
    const found = rows.map((row) => toItem(String(row[4]), row));
    const next = rows.length === SCANNED_ITEMS ? found.at(-1)?.key : undefined;
    const items = found.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
    return { items, ...(next !== undefined && { next }) };
  }

  async failure(): Promise<string | undefined> {
    const { commits, health } = this.#parts;
    this.#look();
    if (this.#lostBecause !== undefined) return this.#lostBecause;
    const unreadable = this.#unreadable();
    if (unreadable !== undefined) return unreadable;
    return health.failure({ isWaiting: commits.isWaiting, probe: () => this.#probe() });
  }

  async #probe(): Promise<void> {
    const before = await this.get(keys.probe());
    await this.swap(keys.probe(), before?.version ?? 0, { value: {}, expiresAt: this.#clock.now() + PROBE_LIFE_MS });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { path, reader, commits, lock, files } = this.#parts;
    clearInterval(this.#looking);
    const folding = await commits.close();
    const hasLog = files.log.lost() === undefined;
    // A file that another server has by now must not be marked as closed.
    const isOurs = files.database.lost() === undefined;
    if (isOurs && (folding === "all folded" || (folding !== undefined && hasLog))) unmark(path);
    reader.close();
    if (isOurs && folding !== undefined && hasLog) removeFoldedLog(path);
    lock.close();
  }

  async #commit(checked: readonly CheckedChange[], unit: Unit): Promise<CommitResult> {
    const outcome = await this.#submit(unit);
    if (typeof outcome !== "number") throw new TypeError("A commit has no row");
    if (outcome > 0) {
      for (const one of checked) this.#hold(one, outcome);
      return { version: outcome };
    }
    for (const [, key] of unit) this.#items.drop(key);
    return { failed: unit.slice(-1 - outcome, -outcome).map(([, key]) => key) };
  }

  #hold({ change: { key, draft, remove }, text }: CheckedChange, version: number): void {
    if (remove) this.#items.drop(key);
    if (text === undefined) return;
    this.#items.replace(key, () => weigh(key, [version, draft?.owner ?? null, draft?.expiresAt ?? null, text]));
  }

  /** Whoever lost a race, or got no outcome, must not go on with an item that no write would meet. */
  async #submit(unit: Unit): Promise<Outcome> {
    if (this.#clock.monotonic() - this.#lookedAt >= LOOK_EVERY_MS) this.#look();
    this.#checkHeld();
    try {
      return await this.#parts.commits.submit(unit);
    } catch (error) {
      for (const [, key] of unit) this.#items.drop(key);
      throw error;
    }
  }

  #noteOf(id: string): Operation {
    return ["note", keys.commit(id), null, null, this.#clock.now() + COMMIT_LIFE_MS, null];
  }

  #readItem(key: string): ReadItem | undefined {
    const row = this.#parts.reader.get(key);
    return row && weigh(key, row);
  }

  #reading<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (cause) {
      this.#failedReading = read;
      throw new CountersignError("temporarily_unavailable", {
        detail: `Cannot read: ${cause}`,
        retryAfterMs: RETRY_AFTER_MS,
        cause,
      });
    }
  }

  /** Why what could not be read still cannot. */
  #unreadable(): string | undefined {
    try {
      this.#failedReading?.();
      this.#failedReading = undefined;
      return undefined;
    } catch (error) {
      return `Cannot read: ${error}`;
    }
  }

  #look(): void {
    this.#lookedAt = this.#clock.monotonic();
    const name = this.#lostBecause === undefined ? this.#missing() : undefined;
    if (name === undefined) return;
    this.#lostBecause = `${name} was removed or replaced while this server used it; another one may be running on this store`;
    this.#parts.onLost(this.#lostBecause);
  }

  #missing(): string | undefined {
    const { database, log } = this.#parts.files;
    return database.lost() ?? log.lost();
  }

  #checkHeld(): void {
    if (this.#lostBecause !== undefined) {
      throw new CountersignError("temporarily_unavailable", {
        detail: this.#lostBecause,
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) {
      throw new CountersignError("temporarily_unavailable", { detail: "The store is closed" });
    }
    this.#checkHeld();
  }
}

function operationOf({ change: { key, expectedVersion, draft, remove }, text }: CheckedChange): Operation {
  if (text === undefined) return [remove ? "remove" : "guard", key, expectedVersion, null, null, null];
  return ["write", key, expectedVersion, draft?.owner ?? null, draft?.expiresAt ?? null, text];
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

import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Clock, CountersignError, type Random, systemRandom } from "@countersign/protocol";
import { type CheckedChange, checkChange, checkCommit, checkPage, isKey } from "./checks.ts";
import { type Attributes, type Cancellation, CONDITION_FAILED, cancellationOf, failureOf } from "./dynamodb-errors.ts";
import { isExpired, toItem, versionOf } from "./dynamodb-items.ts";
import { type DynamodbPlace, parseDynamodbLocation } from "./dynamodb-location.ts";
import { actionOf, pageOf, removalOf, type Sent } from "./dynamodb-requests.ts";
import { createTable, refuseUnusable } from "./dynamodb-table.ts";
import { COMMIT_LIFE_MS, keys } from "./keys.ts";
import type { Change, CommitOptions, CommitResult, Draft, Item, Page, Scanned, Store } from "./store.ts";
import { WriteHealth } from "./write-health.ts";

/** Where a store is, and how long it waits. */
export interface DynamodbStoreOptions {
  /** `dynamodb:TABLE?region=REGION`. */
  readonly location: string;
  readonly clock: Clock;
  /** Of versions and pauses. @default the machine's randomness */
  readonly random?: Random;
  /** Commits that may be on their way before more are refused. @default 1024 */
  readonly maxWaiting?: number;
  /** How long to go on for an outcome before it is refused as unknown, in milliseconds. @default 6000 */
  readonly patienceMs?: number;
  /** Told of each commit: how many writes it made durable, and how long it took, in milliseconds. @default nobody */
  readonly onCommit?: (writes: number, durationMs: number) => void;
}

type Sdk = typeof import("@aws-sdk/client-dynamodb");

/** The SDK, and a client that tries once: it would take its own write for another's, whose answer it lost. */
async function connectDynamodb({ region, endpoint }: DynamodbPlace, patienceMs: number) {
  // Whoever keeps to the embedded store never loads it.
  const sdk: Sdk = await import("@aws-sdk/client-dynamodb");
  const requestHandler = {
    connectionTimeout: Math.ceil(patienceMs / 3),
    requestTimeout: Math.ceil(patienceMs / 3),
    throwOnRequestTimeout: true,
  };
  const place = { ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }) };
  return { sdk, client: new sdk.DynamoDBClient({ ...place, maxAttempts: 1, requestHandler }) };
}

/**
 * Opens a store in a table of DynamoDB, for any number of authorities. `countersign store create` makes the table.
 *
 * A commit of one change is a conditional write, of several a transaction. A write resolves when the service has made it durable.
 * One that had no answer is sent again as it was until the service says what became of it; when it does not for `patienceMs`, or
 * throttles for so long, the write rejects with `temporarily_unavailable` and `retryAfterMs`.
 *
 * @throws {RangeError} when the location is none.
 * @throws {Error} when the table cannot be read, or is of a newer program.
 */
export async function openDynamodbStore(options: DynamodbStoreOptions): Promise<Store> {
  const place = parseDynamodbLocation(options.location);
  const { sdk, client } = await connectDynamodb(place, options.patienceMs ?? DEFAULT_PATIENCE_MS);
  try {
    await refuseUnusable(sdk, client, place.table);
    return new DynamodbStore(options, { sdk, client, table: place.table });
  } catch (error) {
    client.destroy();
    throw error;
  }
}

/**
 * Makes the table of a location where there is none. Resolves to whether it was made.
 *
 * @param version of its items; another than this program's for tests alone
 */
export async function createDynamodbTable(location: string, version?: number): Promise<boolean> {
  const place = parseDynamodbLocation(location);
  const { sdk, client } = await connectDynamodb(place, DEFAULT_PATIENCE_MS);
  try {
    return await createTable(sdk, client, { table: place.table, ...(version !== undefined && { version }) });
  } finally {
    client.destroy();
  }
}

const DEFAULT_PATIENCE_MS = 6000;
const PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1000;
const RETRY_AFTER_MS = 1000;
const PROBE_LIFE_MS = 60_000;
/** Expired items are left out after a page is read, so a little more is read than is asked for. */
const SPARE_ITEMS = 8;

const SCANNED_ITEMS = 500;

interface Parts {
  readonly sdk: Sdk;
  readonly client: DynamoDBClient;
  readonly table: string;
}

/** A commit on its way. */
interface Unit extends Sent {
  readonly changes: readonly CheckedChange[];
  /** Of its own item, where it has an id: then it is the first of the changes. */
  readonly id?: string;
}

class DynamodbStore implements Store {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #parts: Parts;
  readonly #health: WriteHealth;
  readonly #maxWaiting: number;
  readonly #patienceMs: number;
  readonly #onCommit: (writes: number, durationMs: number) => void;
  readonly #onTheirWay = new Set<Promise<unknown>>();
  /** The commits of which an earlier copy may have been done, or may be yet. */
  readonly #doubtful = new WeakSet<Unit>();
  #isClosed = false;

  constructor(options: DynamodbStoreOptions, parts: Parts) {
    this.#clock = options.clock;
    this.#random = options.random ?? systemRandom;
    this.#parts = parts;
    this.#health = new WriteHealth(options.clock);
    this.#maxWaiting = options.maxWaiting ?? 1024;
    this.#patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#onCommit = options.onCommit ?? (() => {});
  }

  async get<Value>(key: string): Promise<Item<Value> | undefined> {
    this.#checkOpen();
    if (!isKey(key)) return undefined;
    const found = await this.#read(key);
    return found === undefined || isExpired(found, this.#clock.now()) ? undefined : toItem<Value>(found);
  }

  async commit(changes: readonly Change[], { id }: CommitOptions = {}): Promise<CommitResult> {
    const checked = checkCommit(changes, id === undefined ? {} : { id });
    return this.#commit(id === undefined ? checked : [this.#noteOf(id), ...checked], id);
  }

  async swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined> {
    return (await this.#commit([checkChange({ key, expectedVersion, draft })])).version;
  }

  async take<Value>(key: string, version?: number): Promise<Item<Value> | undefined> {
    this.#checkOpen();
    // No item has it: version 0 means an absence elsewhere.
    if (!isKey(key) || version === 0) return undefined;
    return this.#hold(async () => {
      const { sdk, client, table } = this.#parts;
      const taken = await this.#persist("take", () => {
        const request = removalOf(key, table, version, this.#clock.now());
        return client.send(new sdk.DeleteItemCommand(request)).catch(nothingIfConditionFailed);
      });
      return taken?.Attributes === undefined ? undefined : toItem<Value>(taken.Attributes as Attributes);
    });
  }

  async list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]> {
    this.#checkOpen();
    checkPage(page);
    if (!isKey(owner) || (page.after !== undefined && !isKey(page.after))) return [];
    const found: Item<Value>[] = [];
    let { after } = page;
    for (;;) {
      const limit = page.limit - found.length + SPARE_ITEMS;
      const { items, isLast } = await this.#page(owner, { ...page, ...(after !== undefined && { after }), limit });
      const now = this.#clock.now();
      found.push(...items.filter((item) => !isExpired(item, now)).map((item) => toItem<Value>(item)));
      if (isLast || items.length === 0 || found.length >= page.limit) return found.slice(0, page.limit);
      after = items.at(-1)?.pk?.S ?? after;
    }
  }

  async scan(after?: string): Promise<Scanned> {
    this.#checkOpen();
    const { sdk, client, table } = this.#parts;
    const start = after === undefined ? {} : { ExclusiveStartKey: { pk: { S: after } } };
    const request = { TableName: table, ConsistentRead: true, Limit: SCANNED_ITEMS, ...start };
    const answer = await this.#persist("list", () => client.send(new sdk.ScanCommand(request)));
    const now = this.#clock.now();
    const found = ((answer.Items ?? []) as readonly Attributes[]).filter((item) => item.d !== undefined);
    const next = answer.LastEvaluatedKey?.pk?.S;
    const items = found.filter((item) => !isExpired(item, now)).map((item) => toItem(item));
    return { items, ...(next !== undefined && { next }) };
  }

  async failure(): Promise<string | undefined> {
    const isWaiting = this.#onTheirWay.size > 0;
    return this.#health.failure({ isWaiting, probe: () => this.#probe() });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#onTheirWay);
    this.#parts.client.destroy();
  }

  async #probe(): Promise<void> {
    const before = await this.get(keys.probe());
    await this.swap(keys.probe(), before?.version ?? 0, { value: {}, expiresAt: this.#clock.now() + PROBE_LIFE_MS });
  }

  #noteOf(id: string): CheckedChange {
    const draft = { value: {}, expiresAt: this.#clock.now() + COMMIT_LIFE_MS };
    return { change: { key: keys.commit(id), expectedVersion: 0, draft }, text: "{}" };
  }

  async #commit(changes: readonly CheckedChange[], id?: string): Promise<CommitResult> {
    this.#checkOpen();
    if (this.#onTheirWay.size >= this.#maxWaiting)
      throw unavailable(`${this.#onTheirWay.size} commits are on their way`);
    const unit = { changes, version: this.#newVersion(), now: this.#clock.now(), ...(id !== undefined && { id }) };
    if (this.#onTheirWay.size === 0) this.#health.progress();
    return this.#hold(() => this.#complete(unit));
  }

  /** Sends a commit, always the same, until the service says what became of it. */
  async #complete(unit: Unit): Promise<CommitResult> {
    const startedAt = this.#clock.monotonic();
    for (let attempt = 0; ; attempt++) {
      try {
        if (this.#doubtful.has(unit) && (await this.#isMade(unit))) return { version: unit.version };
        await this.#send(unit);
        this.#health.wrote();
        this.#onCommit(unit.changes.length, this.#clock.monotonic() - startedAt);
        return { version: unit.version };
      } catch (error) {
        const cancelled = cancellationOf(error);
        const verdict = cancelled && (await this.#judge(unit, cancelled, this.#doubtful.has(unit)));
        if (verdict !== undefined) return verdict;
        await this.#retry(unit, error, { attempt, startedAt });
      }
    }
  }

  /**
   * A lone item that was created may be gone again when its commit is repeated, and would be created twice. A transaction has
   * its token against that.
   */
  async #isMade({ changes, version }: Unit): Promise<boolean> {
    const [first, ...more] = changes;
    if (first === undefined || more.length > 0 || first.change.expectedVersion > 0) return false;
    const there = await this.#read(first.change.key);
    if (there !== undefined && versionOf(there) === version) return true;
    throw unavailable("A commit had no answer, and nothing is left that says whether it was made");
  }

  async #retry(
    unit: Unit,
    error: unknown,
    { attempt, startedAt }: { attempt: number; startedAt: number },
  ): Promise<void> {
    const failure = failureOf(error);
    if (failure === "own fault")
      throw new CountersignError("server_error", { detail: `Cannot commit: ${error}`, cause: error });
    if (failure === "unknown") this.#doubtful.add(unit);
    if (failure !== "raced") this.#health.failed(`Cannot commit: ${error}`);
    if (this.#clock.monotonic() - startedAt >= this.#patienceMs) throw unavailable(`Cannot commit: ${error}`, error);
    await this.#pause(attempt);
  }

  async #send({ changes, version, now }: Unit): Promise<void> {
    const { sdk, client, table } = this.#parts;
    const [first, ...more] = changes.map((change) => actionOf(change, table, { version, now }));
    if (first !== undefined && more.length === 0) {
      if (first.Put !== undefined) await client.send(new sdk.PutItemCommand(first.Put));
      else if (first.Delete !== undefined) await client.send(new sdk.DeleteItemCommand(first.Delete));
      else await client.send(new sdk.TransactWriteItemsCommand({ TransactItems: [first] }));
      return;
    }
    const TransactItems = first === undefined ? more : [first, ...more];
    await client.send(
      new sdk.TransactWriteItemsCommand({ TransactItems, ClientRequestToken: `countersign-${version}` }),
    );
  }

  /**
   * What conditions that were not met mean: an earlier copy of the commit was done, where its version stands; somebody else was
   * faster; or, after a copy without an answer, nobody knows. `undefined` where the service could not judge.
   */
  async #judge(unit: Unit, cancelled: Cancellation, isDoubtful: boolean): Promise<CommitResult | undefined> {
    const { codes } = cancelled;
    if (!codes.includes(CONDITION_FAILED)) return undefined;
    const there = await this.#whatIsThere(unit, cancelled);
    const note = unit.id === undefined ? undefined : there[0];
    if (note !== undefined && !isExpired(note, unit.now)) return { version: versionOf(note) };
    const isOurs = there.some((item, place) => {
      return item !== undefined && unit.changes[place]?.text !== undefined && versionOf(item) === unit.version;
    });
    if (isOurs) return { version: unit.version };
    const isUntouched = unit.changes.some(({ change }, place) => {
      return codes[place] === "None" && change.expectedVersion > 0 && (change.draft !== undefined || change.remove);
    });
    if (isDoubtful && !isUntouched) throw unavailable("A commit had no answer, and what it changed was changed since");
    this.#health.progress();
    const failed = unit.changes.filter((_, place) => codes[place] === CONDITION_FAILED).map(({ change }) => change.key);
    return { failed };
  }

  /** The items whose conditions were not met; emulators do not say, and are asked. */
  #whatIsThere({ changes }: Unit, { codes, items }: Cancellation): Promise<readonly (Attributes | undefined)[]> {
    return Promise.all(
      changes.map(({ change }, place) => {
        if (codes[place] !== CONDITION_FAILED) return undefined;
        return items[place] ?? this.#read(change.key);
      }),
    );
  }

  async #read(key: string): Promise<Attributes | undefined> {
    const { sdk, client, table } = this.#parts;
    const request = { TableName: table, Key: { pk: { S: key } }, ConsistentRead: true };
    const { Item } = await this.#persist("read", () => client.send(new sdk.GetItemCommand(request)));
    return Item as Attributes | undefined;
  }

  async #page(owner: string, page: Parameters<typeof pageOf>[2]) {
    const { sdk, client, table } = this.#parts;
    const request = pageOf(owner, table, page);
    const answer = await this.#persist("list", () => client.send(new sdk.QueryCommand(request)));
    return { items: (answer.Items ?? []) as readonly Attributes[], isLast: answer.LastEvaluatedKey === undefined };
  }

  /** Tries what changes nothing until it succeeds; a removal whose answer was lost cannot be tried again. */
  async #persist<Result>(what: "read" | "list" | "take", request: () => Promise<Result>): Promise<Result> {
    const startedAt = this.#clock.monotonic();
    for (let attempt = 0; ; attempt++) {
      try {
        return await request();
      } catch (error) {
        const failure = failureOf(error);
        const detail = `Cannot ${what}: ${error}`;
        if (failure === "own fault") throw new CountersignError("server_error", { detail, cause: error });
        const isLate = this.#clock.monotonic() - startedAt >= this.#patienceMs / 2;
        if (isLate || (what === "take" && failure === "unknown")) throw unavailable(detail, error);
        await this.#pause(attempt);
      }
    }
  }

  /** By chance between nothing and twice as long each time, so that those who met do not meet again. */
  async #pause(attempt: number): Promise<void> {
    const most = Math.min(PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
    const [dice = 0] = this.#random.bytes(1);
    await this.#clock.sleep((most * dice) / 255);
  }

  /** 52 random bits and one more: a version that a key had before is given again once in 2^52 times. */
  #newVersion(): number {
    const bytes = this.#random.bytes(8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    return 2 ** 52 + (view.getUint32(0) & 0xfffff) * 2 ** 32 + view.getUint32(4);
  }

  async #hold<Result>(run: () => Promise<Result>): Promise<Result> {
    const running = run();
    this.#onTheirWay.add(running);
    try {
      return await running;
    } finally {
      this.#onTheirWay.delete(running);
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new CountersignError("temporarily_unavailable", { detail: "The store is closed" });
  }
}

function nothingIfConditionFailed(error: unknown): undefined {
  if (error instanceof Error && error.name === "ConditionalCheckFailedException") return undefined;
  throw error;
}

function unavailable(detail: string, cause?: unknown): CountersignError {
  return new CountersignError("temporarily_unavailable", {
    detail,
    retryAfterMs: RETRY_AFTER_MS,
    ...(cause !== undefined && { cause }),
  });
}

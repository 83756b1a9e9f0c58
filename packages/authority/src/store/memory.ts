import { type Clock, CountersignError, defined } from "@countersign/protocol";
import { type CheckedChange, checkCommit, checkPage, parseFrozen } from "./checks.ts";
import { COMMIT_LIFE_MS, keys } from "./keys.ts";
import type { Change, CommitOptions, CommitResult, Draft, Item, Page, Scanned, Store } from "./store.ts";

/** What a store is made with. */
export interface MemoryStoreOptions {
  readonly clock: Clock;
}

interface Row extends Omit<Item, "value"> {
  readonly text: string;
}

/**
 * A store that lives as long as its process: for tests and development. Keeps values as JSON text, like the others, and
 * keeps what has expired until it is written anew.
 *
 * @example
 * ```ts
 * import { systemClock } from "@countersign/protocol";
 * import { createMemoryStore } from "@countersign/authority";
 * const store = createMemoryStore({ clock: systemClock });
 * const version = await store.swap("C#app", 0, { value: { clientName: "app" }, owner: "clients" });
 * ```
 */
export function createMemoryStore({ clock }: MemoryStoreOptions): Store {
  return new MemoryStore(clock);
}

class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #rows = new Map<string, Row>();
  readonly #keysOf = new Map<string, Set<string>>();
  #version = 0;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get<Value>(key: string): Promise<Item<Value> | undefined> {
    const row = this.#live(key);
    return row && toItem<Value>(row);
  }

  async commit(changes: readonly Change[], options: CommitOptions = {}): Promise<CommitResult> {
    const checked = checkCommit(changes, options);
    const repeated = options.id === undefined ? undefined : this.#live(keys.commit(options.id));
    if (repeated !== undefined) return { version: repeated.version };
    const failed = changes.filter(({ key, expectedVersion }) => (this.#live(key)?.version ?? 0) !== expectedVersion);
    if (failed.length > 0) return { failed: failed.map(({ key }) => key) };
    const version = ++this.#version;
    for (const one of checked) this.#apply(one, version);
    if (options.id !== undefined) this.#note(options.id, version);
    return { version };
  }

  async swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined> {
    return (await this.commit([{ key, expectedVersion, draft }])).version;
  }

  async take<Value>(key: string, version?: number): Promise<Item<Value> | undefined> {
    const row = this.#live(key);
    if (row === undefined || (version !== undefined && version !== row.version)) return undefined;
    this.#erase(key);
    return toItem<Value>(row);
  }

  async list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]> {
    this.#checkOpen();
    checkPage(page);
    const direction = page.reverse ? -1 : 1;
    const { after } = page;
    return [...(this.#keysOf.get(owner) ?? [])]
      .filter((key) => after === undefined || direction * compareBytes(key, after) > 0)
      .sort((a, b) => direction * compareBytes(a, b))
      .map((key) => this.#live(key))
      .filter((row) => row !== undefined)
      .slice(0, page.limit)
      .map((row) => toItem<Value>(row));
  }

  async scan(): Promise<Scanned> {
    this.#checkOpen();
    const rows = [...this.#rows.keys()].map((key) => this.#live(key)).filter((row) => row !== undefined);
    return { items: rows.map((row) => toItem(row)) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rows.clear();
    this.#keysOf.clear();
  }

  #apply({ change: { key, draft, remove }, text }: CheckedChange, version: number): void {
    if (text === undefined) {
      if (remove) this.#erase(key);
      return;
    }
    const { owner, expiresAt } = draft ?? {};
    this.#erase(key);
    this.#rows.set(key, {
      key,
      version,
      text,
      ...defined({ owner, expiresAt }),
    });
    if (owner !== undefined) this.#keysOf.set(owner, (this.#keysOf.get(owner) ?? new Set()).add(key));
  }

  #note(id: string, version: number): void {
    const key = keys.commit(id);
    this.#rows.set(key, { key, version, text: "{}", expiresAt: this.#clock.now() + COMMIT_LIFE_MS });
  }

  #checkOpen(): void {
    if (this.#closed) throw new CountersignError("temporarily_unavailable", { detail: "The store is closed" });
  }

  #live(key: string): Row | undefined {
    this.#checkOpen();
    const row = this.#rows.get(key);
    return row && this.#isExpired(row) ? undefined : row;
  }

  #isExpired(row: Row): boolean {
    return row.expiresAt !== undefined && row.expiresAt <= this.#clock.now();
  }

  #erase(key: string): void {
    const owner = this.#rows.get(key)?.owner;
    this.#rows.delete(key);
    if (owner === undefined) return;
    const keys = this.#keysOf.get(owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(owner);
  }
}

function toItem<Value>({ text, ...rest }: Row): Item<Value> {
  // The port leaves the shape of a value to whoever wrote it under this key (store/records.ts).
  return { ...rest, value: parseFrozen(text) as Value };
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

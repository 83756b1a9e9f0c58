/** What a key holds: JSON, with a version that changes with every write. */
export interface Item<Value = unknown> {
  /** 1 to 2,048 bytes of UTF-8 in well-formed Unicode. */
  readonly key: string;
  /**
   * An opaque positive integer that changes with every write. It does not come back when the item is removed and
   * written anew, so whoever read the old item cannot mistake the new one for it.
   */
  readonly version: number;
  /** Frozen through and through: one reading may serve many callers. */
  readonly value: Value;
  /** Whose item it is, for `list`. */
  readonly owner?: string;
  /** Instant from which the item is gone, in milliseconds. Judged on reading; engines may erase it later. */
  readonly expiresAt?: number;
}

/** What `swap` writes. Omitted fields are cleared, not kept. The value takes at most 256 Ki characters of JSON. */
export type Draft<Value = unknown> = Pick<Item<Value>, "value" | "owner" | "expiresAt">;

/** One page of a listing, in the order of the keys: that of their UTF-8 bytes. */
export interface Page {
  /** At most this many items; 1 to 1,000. */
  readonly limit: number;
  /** Continue after this key: the last one of the page before. */
  readonly after?: string;
  /** Newest first: from the end of the keys backwards. */
  readonly reverse?: boolean;
}

/**
 * Where an authority keeps what must outlive it. Four verbs, so that "once" and "only if unchanged" are said by the
 * store and not hoped for by its callers. Every promise of a write resolves only when the write is durable.
 *
 * A write that the engine cannot make durable rejects with `CountersignError("temporarily_unavailable")`; whether it
 * happened is then unknown. To write a key, owner or value outside its bounds, or to list such a page, rejects with a
 * `RangeError` or `TypeError`; to read or take such a key finds nothing.
 */
export interface Store {
  /**
   * Whether nobody else writes to it while it is open: no other process can, and one authority stands on it. What such
   * an authority finds begun, a process began that is no more. @default false
   */
  readonly exclusive?: boolean;
  /**
   * Why it takes no writes, or `undefined` when it does. Where none was made for a while it makes one of its own to find
   * out, not often, however often it is asked. @default it always does
   */
  writeFailure?(): Promise<string | undefined>;
  /** The item, or `undefined` when absent or expired. Strongly consistent: sees every acknowledged write. */
  get<Value>(key: string): Promise<Item<Value> | undefined>;
  /**
   * Writes `draft` if the item's version still is `expectedVersion` (0: absent or expired).
   * Resolves to the new version, or to `undefined` when somebody else was first; then nothing changed.
   */
  swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined>;
  /** Removes the item and resolves to it: to exactly one of any number of callers. `version` removes only that one. */
  take<Value>(key: string, version?: number): Promise<Item<Value> | undefined>;
  /** The unexpired items of one owner, in the order of their keys. May lag behind writes on a distributed engine. */
  list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]>;
  /** Finishes accepted writes, then lets go of files and threads. Later calls reject. */
  close(): Promise<void>;
}

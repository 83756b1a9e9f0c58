/** How far the clocks of nodes on one store may be apart: what is dated further ahead was written by a clock put back since. */
export const CLOCK_SKEW_MS = 60_000;

/** What a key holds: JSON, with a version that changes with every write. */
export interface Item<Value = unknown> {
  /** 1 to 1,024 bytes of UTF-8 in well-formed Unicode, as is the owner. */
  readonly key: string;
  /**
   * An opaque positive safe integer, the same for all that one commit wrote. It comes from a sequence of the store, never
   * from a clock, and is given out once: whoever read an item that was removed, expired or replaced since cannot mistake
   * what is there now for it. Versions are compared for equality alone; their order says nothing.
   */
  readonly version: number;
  /** Frozen through and through: one reading may serve many callers. */
  readonly value: Value;
  /** Whose item it is, for `list`. */
  readonly owner?: string;
  /** Instant from which the item is gone, in milliseconds. Judged on reading; engines may erase it later. */
  readonly expiresAt?: number;
}

/** What is written. Omitted fields are cleared, not kept. The value takes at most 256 KiB of JSON in UTF-8. */
export type Draft<Value = unknown> = Pick<Item<Value>, "value" | "owner" | "expiresAt">;

/**
 * One item of a commit and what is expected of it: its version, or 0 for "absent or expired". With a draft it is written,
 * with `remove` it is removed, with neither it is only guarded: it must be unchanged.
 */
export type Change<Value = unknown> = { readonly key: string; readonly expectedVersion: number } & (
  | { readonly draft: Draft<Value>; readonly remove?: undefined }
  | { readonly draft?: undefined; readonly remove?: boolean }
);

/** What became of a commit. */
export type CommitResult =
  | {
      /** The version that everything written has now. */
      readonly version: number;
      readonly failed?: undefined;
    }
  | {
      readonly version?: undefined;
      /** Keys whose expectation was not met: at least one of them. Nothing changed. */
      readonly failed: readonly string[];
    };

/** How a commit is made. */
export interface CommitOptions {
  /**
   * 1 to 36 characters, random: the same commit again under the same id, within ten minutes, changes nothing and has the
   * result of the first. For callers that got no result and must know it. An id that is used for another commit is an error of
   * the caller, and may go unnoticed. @default a commit that is not recognised when it is repeated
   */
  readonly id?: string;
}

/** One page of a listing, in the order of the keys: that of their UTF-8 bytes. */
export interface Page {
  /** At most this many items; 1 to 1,000. */
  readonly limit: number;
  /** Continue after this key: the last one of the page before. */
  readonly after?: string;
  /** Newest first: from the end of the keys backwards. */
  readonly reverse?: boolean;
}

/** A part of all items of a store. */
export interface Scanned {
  /** Those that live. */
  readonly items: readonly Item[];
  /** Where the next part begins; absent after the last. */
  readonly next?: string;
}

/**
 * Where an authority keeps what must outlive it. Few verbs, so that "once", "only if unchanged" and "all or nothing" are
 * said by the store and not hoped for by its callers. Every promise of a write resolves only when the write is durable.
 *
 * A write that the engine cannot make durable rejects with `CountersignError("temporarily_unavailable")`; whether it
 * happened is then unknown, and it may happen even later. Sending the same commit again settles that: it has a winner among
 * its copies, as long as it expects a version or an absence of something that it changes. To write a key, owner or value
 * outside its bounds, or to list such a page, rejects with a `RangeError` or `TypeError`; to read or take such a key finds
 * nothing.
 *
 * The promise is what several engines can keep: one SQLite transaction; one PostgreSQL statement at READ COMMITTED that
 * locks the rows named, in the order of their keys, before it judges them; one DynamoDB `TransactWriteItems`, or a
 * conditional put where there is one change. Hence the bounds, no key twice, a version for a commit as a whole, and guards
 * that lock what they guard. Of a commit in progress two gets may see one item before it and another after it.
 */
export interface Store {
  /**
   * Whether nobody else writes to it while it is open: no other process can, and one authority stands on it. What such
   * an authority finds begun, a process began that is no more. @default false
   */
  readonly exclusive?: boolean;
  /**
   * Why it takes no writes or cannot read what it holds, or `undefined` when all is well. Where nothing was written for a
   * while it makes a write of its own to find out, not often, however often it is asked. @default all is always well
   */
  failure?(): Promise<string | undefined>;
  /** The item, or `undefined` when absent or expired. Strongly consistent: sees every acknowledged write. */
  get<Value>(key: string): Promise<Item<Value> | undefined>;
  /**
   * Makes all changes or none, judged at one instant. 1 to 25 changes, no key twice, their keys, owners and values together
   * at most 2 MiB.
   */
  commit(changes: readonly Change[], options?: CommitOptions): Promise<CommitResult>;
  /** The commit of one draft: resolves to the new version, or to `undefined` when somebody else was first. */
  swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined>;
  /** Removes the item and resolves to it: to exactly one of any number of callers. `version` removes only that one. */
  take<Value>(key: string, version?: number): Promise<Item<Value> | undefined>;
  /** The unexpired items of one owner, in the order of their keys. May lag behind writes on a distributed engine. */
  list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]>;
  /**
   * All items, part by part, for copies: whatever is written meanwhile may be seen or not. Not for requests.
   *
   * @param after `next` of the part before @default the beginning
   */
  scan?(after?: string): Promise<Scanned>;
  /** Finishes accepted writes, then lets go of files and threads. Later calls reject. */
  close(): Promise<void>;
}

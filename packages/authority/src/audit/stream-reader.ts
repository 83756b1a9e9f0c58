import { keys, owners } from "../store/keys.ts";
import type { Item, Store } from "../store/store.ts";
import type { AuthorityEvent } from "./events.ts";
import type { Ordered, StreamRecord } from "./streams.ts";

/** What an audit record holds. */
export type StoredEvent = AuthorityEvent & Ordered;

/** A record with its place: in the trail by order and stream, in its stream by position. */
export interface Placed {
  readonly event: StoredEvent;
  readonly order: number;
  readonly streamId: string;
  readonly position: string;
}

/** A place between records. */
export type Place = Pick<Placed, "order" | "streamId" | "position">;

/** What of a stream is read backwards. */
export interface Bounds {
  /** Only records before this place. */
  readonly before?: Place | undefined;
  /** Only records of an earlier order. */
  readonly until?: number | undefined;
  /** Only records of this order or a later one. */
  readonly since: number;
}

/** So many are read at once: each page is read on the thread that serves everybody. */
const PAGE_SIZE = 100;

/** Reads one stream. Its order never falls, so that an instant can be searched for. */
export class StreamReader {
  readonly streamId: string;
  /** The position of the last record, once it was read backwards from the end. */
  newest: string | undefined;
  readonly #store: Store;
  readonly #stream: StreamRecord;
  readonly #owner: string;

  constructor(store: Store, stream: StreamRecord) {
    this.#store = store;
    this.#stream = stream;
    this.streamId = stream.streamId;
    this.#owner = owners.auditStream(stream.streamId);
  }

  /** Newest first, page by page. */
  async *backwards(bounds: Bounds): AsyncGenerator<readonly Placed[]> {
    let after = await this.#startOf(bounds);
    for (;;) {
      const page = await this.#page(after, true);
      if (after === undefined) this.newest ??= page[0]?.position;
      const wanted = page.filter(({ order }) => order >= bounds.since);
      yield wanted.filter(({ order }) => bounds.until === undefined || order < bounds.until);
      after = page.at(-1)?.position;
      if (page.length < PAGE_SIZE || wanted.length < page.length) return;
    }
  }

  /** Oldest first, page by page, after a position. */
  async *forwards(position: string | undefined): AsyncGenerator<readonly Placed[]> {
    let after = position;
    for (;;) {
      const page = await this.#page(after, false);
      yield page;
      after = page.at(-1)?.position;
      if (page.length < PAGE_SIZE) return;
    }
  }

  /** The position at which to begin backwards, itself left out; `undefined` at the end. */
  async #startOf({ before, until }: Bounds): Promise<string | undefined> {
    if (before?.streamId === this.streamId) return before.position;
    // Of another stream only what stands before that place: records of the same order by the ids of their streams.
    const place = before && (this.streamId < before.streamId ? before.order + 1 : before.order);
    const limit = Math.min(until ?? Number.POSITIVE_INFINITY, place ?? Number.POSITIVE_INFINITY);
    return limit === Number.POSITIVE_INFINITY ? undefined : this.#firstFrom(limit);
  }

  /** The position of the first record whose order is not below an instant; `undefined` when there is none. */
  async #firstFrom(order: number): Promise<string | undefined> {
    const [last] = await this.#page(undefined, true, 1);
    if (last === undefined || last.order < order) return undefined;
    if (this.#stream.reserved === undefined) return (await this.#page(instantOf(order), false, 1))[0]?.position;
    let least = 0;
    let most = this.#stream.reserved;
    while (least < most) {
      const middle = Math.floor((least + most) / 2);
      const found = await this.#firstAt(middle);
      if (found === undefined || found.order >= order) most = middle;
      else least = middle + 1;
    }
    return (await this.#firstAt(least))?.position;
  }

  /** The first record at a position or behind it. */
  async #firstAt(position: number): Promise<Placed | undefined> {
    return (await this.#page(position === 0 ? undefined : positionOf(position - 1), false, 1))[0];
  }

  async #page(after: string | undefined, reverse: boolean, limit = PAGE_SIZE): Promise<readonly Placed[]> {
    const place = after === undefined ? {} : { after: keys.audit(this.streamId, after) };
    const items = await this.#store.list<StoredEvent>(this.#owner, { limit, reverse, ...place });
    return items.map((item) => this.#placed(item));
  }

  #placed({ key, value }: Item<StoredEvent>): Placed {
    const position = key.slice(keys.audit(this.streamId, "").length);
    const order = value.order ?? value.at;
    const { closedAt = order } = this.#stream;
    return { event: value, order: Math.min(order, closedAt), streamId: this.streamId, position };
  }
}

/** A position as text that sorts as its number. */
export function positionOf(number: number): string {
  return number.toString(36).padStart(10, "0");
}

/** Where an instant is in the stream of a store that was written by schema version 1: its positions begin with one. */
function instantOf(order: number): string {
  return String(Math.ceil(order)).padStart(15, "0");
}

/** Merges streams whose pages are sorted, by `isFirst`. */
export async function* merged(
  sources: readonly AsyncGenerator<readonly Placed[]>[],
  isFirst: (a: Placed, b: Placed) => boolean,
): AsyncGenerator<Placed> {
  const cursors = await Promise.all(sources.map((source) => Cursor.open(source)));
  for (;;) {
    let first: Cursor | undefined;
    for (const cursor of cursors) {
      if (cursor.head === undefined) continue;
      if (first?.head === undefined || isFirst(cursor.head, first.head)) first = cursor;
    }
    if (first?.head === undefined) return;
    yield first.head;
    await first.advance();
  }
}

/** Where a merge stands in one of its sources. */
class Cursor {
  head: Placed | undefined;
  readonly #source: AsyncGenerator<readonly Placed[]>;
  #page: readonly Placed[] = [];
  #at = 0;

  static async open(source: AsyncGenerator<readonly Placed[]>): Promise<Cursor> {
    const cursor = new Cursor(source);
    await cursor.advance();
    return cursor;
  }

  private constructor(source: AsyncGenerator<readonly Placed[]>) {
    this.#source = source;
  }

  async advance(): Promise<void> {
    while (this.#at >= this.#page.length) {
      const { done, value } = await this.#source.next();
      if (done) {
        this.head = undefined;
        return;
      }
      this.#page = value;
      this.#at = 0;
    }
    this.head = this.#page[this.#at++];
  }
}

/** Whether a record stands before another in the trail. */
export function isEarlier(a: Place, b: Place): boolean {
  if (a.order !== b.order) return a.order < b.order;
  if (a.streamId !== b.streamId) return a.streamId < b.streamId;
  return a.position < b.position;
}

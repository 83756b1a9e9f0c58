import type { Clock } from "@countersign/protocol";
import { defined } from "@countersign/protocol";
import type { Store } from "../store/store.ts";
import type { AuthorityEvent } from "./events.ts";
import { isEarlier, merged, type Placed, StreamReader } from "./stream-reader.ts";
import { listStreams, MAX_AHEAD_MS } from "./streams.ts";
import { idOf, type Positions, parseCursor, placeOf, printCursor } from "./trail-places.ts";

/** Which records to read. */
export interface AuditQuery {
  /** How many records at most: 1 to 1,000. */
  readonly limit: number;
  /** Only events whose name is this or starts with this and a dot. */
  readonly name?: string;
  /** Only events one of whose fields is this: a client, user, family or address. */
  readonly about?: string;
  /** Only events from this instant on. */
  readonly since?: number;
  /** Only events before this instant. */
  readonly until?: number;
  /** Only events older than the record with this id. */
  readonly before?: string;
  /** Only events recorded after this cursor, oldest first; without `since`, `until` and `before`. */
  readonly after?: string;
}

/** Part of the trail. */
export interface AuditPage {
  /** At most `limit` records, in the order that the query asks for. */
  readonly records: readonly AuditRecord[];
  /** The id to give as `before`, when older records were not looked at. */
  readonly next?: string;
  /**
   * Everything that is recorded from now on comes after it, whatever clocks do: to be given as `after`. Absent where the
   * page does not begin at the newest records.
   */
  readonly cursor?: string;
  /** When the newest record happened that was looked at, be it one of these or not: read later ones since then. */
  readonly latestAt?: number;
}

/** One record of the trail. */
export type AuditRecord = AuthorityEvent & { readonly id: string };

/** The most records one page looks at, so that a rare name in a long trail cannot occupy the store. */
const MAX_RECORDS = 100_000;

/** Reads the trail: the streams of all processes, merged. */
export class TrailReader {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async page(query: AuditQuery): Promise<AuditPage> {
    const streams = (await listStreams(this.#store)).map(({ value }) => new StreamReader(this.#store, value));
    return query.after === undefined ? this.#backwards(query, streams) : forwards(query, query.after, streams);
  }

  async #backwards(query: AuditQuery, streams: readonly StreamReader[]): Promise<AuditPage> {
    const { limit, until, before } = query;
    const bounds = { until, since: this.#since(query), before: before === undefined ? undefined : placeOf(before) };
    const sources = streams.map((stream) => stream.backwards(bounds));
    const isNewest = until === undefined && before === undefined;
    const found = new Found(query);
    let next: string | undefined;
    for await (const placed of merged(sources, (a, b) => isEarlier(b, a))) {
      if (found.records.length >= limit || found.looked === MAX_RECORDS) {
        next = found.lastId;
        break;
      }
      found.look(placed);
    }
    const { records, latest } = found;
    return {
      records,
      ...defined({ next }),
      ...(isNewest ? { cursor: printCursor(newestOf(streams)) } : {}),
      ...defined({ latestAt: latest }),
    };
  }

  /** What is further ahead than a day was the latest instant under a clock that was put back since: it excludes nothing. */
  #since({ since = 0 }: AuditQuery): number {
    return since > this.#clock.now() + MAX_AHEAD_MS ? 0 : since;
  }
}

async function forwards(query: AuditQuery, after: string, streams: readonly StreamReader[]): Promise<AuditPage> {
  const known = parseCursor(after);
  // A stream that is not in the cursor is younger than it. One that has expired may be back when a clock is put back.
  const positions = new Map([
    ...known,
    ...streams.map(({ streamId }) => [streamId, known.get(streamId) ?? ""] as const),
  ]);
  const sources = streams.map((stream) => stream.forwards(positions.get(stream.streamId) || undefined));
  const found = new Found(query);
  for await (const placed of merged(sources, isEarlier)) {
    if (found.records.length >= query.limit || found.looked === MAX_RECORDS) break;
    found.look(placed);
    positions.set(placed.streamId, placed.position);
  }
  const { records, latest } = found;
  return { records, cursor: printCursor(positions), ...defined({ latestAt: latest }) };
}

/** What a page has found so far. */
class Found {
  readonly records: AuditRecord[] = [];
  readonly #query: AuditQuery;
  looked = 0;
  latest: number | undefined;
  lastId = "";

  constructor(query: AuditQuery) {
    this.#query = query;
  }

  look(placed: Placed): void {
    const { name, at, fields } = placed.event;
    this.looked += 1;
    this.latest = Math.max(this.latest ?? placed.order, placed.order);
    this.lastId = idOf(placed);
    // The three come from one event; the union of all events cannot follow them apart.
    if (matches(placed.event, this.#query)) this.records.push({ name, at, fields, id: this.lastId } as AuditRecord);
  }
}

function newestOf(streams: readonly StreamReader[]): Positions {
  return new Map(streams.map(({ streamId, newest = "" }) => [streamId, newest]));
}

function matches({ name, fields }: AuthorityEvent, query: AuditQuery): boolean {
  if (query.name !== undefined && name !== query.name && !name.startsWith(`${query.name}.`)) return false;
  return query.about === undefined || Object.values(fields).includes(query.about);
}

import { CountersignError, defined, type Random, toBase64url } from "@countersign/protocol";
import { keys, owners } from "../store/keys.ts";
import type { Draft, Item, Store } from "../store/store.ts";

/**
 * `AS#<stream>`: a sequence of audit records that one process at a time goes on with. Its records carry an order that never
 * falls: the wall clock's instant, or that of the record before where the clock was put back.
 */
export interface StreamRecord {
  readonly streamId: string;
  /** Positions up to this one were reserved by processes that wrote to the stream. Absent: nobody goes on with it. */
  readonly reserved?: number;
  /** No record until then had a later order. */
  readonly order: number;
  /** The last instant before another took its place: what a clock that was ahead dated later counts as of then. */
  readonly closedAt?: number;
}

/** What of an audit record the stream needs to know: `order` stands in it only where it differs from `at`. */
export interface Ordered {
  readonly at: number;
  readonly order?: number;
}

/** A stream that this process writes to. */
export interface OpenStream {
  readonly streamId: string;
  /** The owner of its records. */
  readonly owner: string;
  /** The position of the next record. */
  next: number;
  order: number;
  reserved: number;
  /** The item of the stream lives as long as each of its records. */
  expiresAt: number;
  version: number;
  readonly doubt: Doubt | undefined;
}

/** Why the clock is in doubt. */
interface Doubt {
  /** The latest instant that a stream has seen from which the clock was put back. */
  readonly latest: number;
  /** When the clock is believed: had it been behind, somebody would have put it right. */
  readonly until: number;
}

/** What streams are made with. */
export interface StreamsOptions {
  readonly store: Store;
  readonly random: Random;
  /** The longest time for which a record is kept. */
  readonly retentionMs: number;
}

/** A clock that was ahead by more than this and was put back ends a stream: its order must not date all that follows. */
export const MAX_AHEAD_MS = 86_400_000;
/** So many positions are reserved at once: the item of the stream is written rarely. */
const RESERVED_POSITIONS = 1_000_000;
const RENEW_EVERY_MS = 30 * 86_400_000;
/** A clock that was put back by more than a day may be behind as well as it may have been ahead: so long it is in doubt. */
const DOUBT_MS = 30 * 86_400_000;
/** No record is older than this program: a clock that shows less is behind. */
const writtenAt = Date.UTC(2026, 0, 1);
const MAX_STREAMS = 1000;
const ID_BYTES = 9;

/**
 * From when on the retention of a record counts. While the clock is in doubt that is the latest instant known, so that
 * records which it dates too early are not erased as soon as it is put right; but had it been ahead before, they are kept
 * for no more than twice the time.
 */
export function keptFrom({ doubt }: Pick<OpenStream, "doubt">, order: number, retentionMs: number): number {
  if (doubt === undefined || order >= doubt.until) return order;
  const most = order < writtenAt ? Number.POSITIVE_INFINITY : order + retentionMs;
  return Math.max(order, Math.min(doubt.latest, most));
}

/** Finds or makes the stream that a process writes to. */
export class Streams {
  readonly #options: StreamsOptions;
  #open: OpenStream | undefined;
  #opening: Promise<OpenStream> | undefined;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** The stream to write to at `now`, at once where there is one that can be gone on with. */
  at(now: number): OpenStream | Promise<OpenStream> {
    if (this.#open !== undefined && this.#isGood(this.#open, now)) return this.#open;
    this.#opening ??= this.#prepare(now).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Somebody else writes to it too: this process takes another. */
  leave(stream: OpenStream): void {
    if (this.#open === stream) this.#open = undefined;
  }

  #isGood(stream: OpenStream, now: number): boolean {
    const { next, reserved, order, expiresAt } = stream;
    const lives = this.#latestEnd(stream, Math.max(order, now)) <= expiresAt;
    return lives && next < reserved && order <= now + MAX_AHEAD_MS;
  }

  /** When the last record made by now goes, at the latest. */
  #latestEnd(stream: Pick<OpenStream, "doubt">, order: number): number {
    const { retentionMs } = this.#options;
    return keptFrom(stream, order, retentionMs) + retentionMs;
  }

  async #prepare(now: number): Promise<OpenStream> {
    const before = this.#open ?? (this.#options.store.exclusive ? await this.#goOn(now) : undefined);
    const isUsable = before !== undefined && before.order <= now + MAX_AHEAD_MS;
    const renewed = isUsable ? await this.#renew(before, now) : undefined;
    if (before !== undefined && !isUsable) await this.#end(before.streamId, now);
    this.#open = renewed ?? (await this.#begin(now));
    return this.#open;
  }

  /** By the streams that ended, long before their last records, not long ago. */
  async #doubt(now: number): Promise<Doubt | undefined> {
    const { store } = this.#options;
    let doubt: Doubt | undefined;
    for (const { value } of await listStreams(store)) {
      const { closedAt = Number.NEGATIVE_INFINITY } = value;
      if (closedAt + DOUBT_MS <= now) continue;
      const order = await lastOrder(store, value);
      if (order <= closedAt + MAX_AHEAD_MS) continue;
      const { latest = order, until = now } = doubt ?? {};
      doubt = { latest: Math.max(latest, order), until: Math.max(until, closedAt + DOUBT_MS) };
    }
    return doubt;
  }

  /** The stream that the process before wrote to; all others are at their end, as nobody else can write to this store. */
  async #goOn(now: number): Promise<OpenStream | undefined> {
    const { store } = this.#options;
    let latest: OpenStream | undefined;
    for (const item of await listStreams(store)) {
      const { streamId, reserved, closedAt } = item.value;
      if (closedAt !== undefined) continue;
      const order = await lastOrder(store, item.value);
      const isLater = order <= now + MAX_AHEAD_MS && (latest === undefined || order >= latest.order);
      if (reserved === undefined || !isLater) {
        await this.#end(streamId, now);
        continue;
      }
      if (latest !== undefined) await this.#end(latest.streamId, now);
      latest = this.#opened(item, order);
    }
    return latest;
  }

  #opened({ value, version, expiresAt = 0 }: Item<StreamRecord>, order: number): OpenStream {
    const { streamId, reserved = 0 } = value;
    const owner = owners.auditStream(streamId);
    // What the process before had reserved is left out: nobody knows how much of it is used.
    return { streamId, owner, next: reserved, reserved, order, expiresAt, version, doubt: undefined };
  }

  async #begin(now: number): Promise<OpenStream> {
    const streamId = toBase64url(this.#options.random.bytes(ID_BYTES)).replaceAll("-", "_");
    const owner = owners.auditStream(streamId);
    const begun = { streamId, owner, next: 0, reserved: 0, order: now, expiresAt: 0, version: 0, doubt: undefined };
    const stream = await this.#renew(begun, now);
    if (stream === undefined) throw new CountersignError("server_error", { detail: "an audit stream exists already" });
    return stream;
  }

  /** Reserves positions and prolongs the life of the item; `undefined` when somebody else did. */
  async #renew(stream: OpenStream, now: number): Promise<OpenStream | undefined> {
    const order = Math.max(stream.order, now);
    const reserved = stream.next + RESERVED_POSITIONS;
    const doubt = await this.#doubt(now);
    const expiresAt = Math.max(stream.expiresAt, this.#latestEnd({ doubt }, order) + RENEW_EVERY_MS);
    const draft = streamDraft({ streamId: stream.streamId, reserved, order }, expiresAt);
    const version = await this.#options.store.swap(keys.auditStream(stream.streamId), stream.version, draft);
    return version === undefined ? undefined : { ...stream, order: stream.order, reserved, expiresAt, version, doubt };
  }

  async #end(streamId: string, now: number): Promise<void> {
    const { store } = this.#options;
    const item = await store.get<StreamRecord>(keys.auditStream(streamId));
    if (item === undefined || item.value.closedAt !== undefined) return;
    await store.swap(item.key, item.version, streamDraft({ ...item.value, closedAt: now - 1 }, item.expiresAt));
  }
}

/** Every stream that may hold records. */
export async function listStreams(store: Pick<Store, "list">): Promise<readonly Item<StreamRecord>[]> {
  const found: Item<StreamRecord>[] = [];
  for (;;) {
    const after = found.at(-1)?.key;
    const page = { limit: MAX_STREAMS, ...defined({ after }) };
    const some = await store.list<StreamRecord>(owners.auditStreams(), page);
    found.push(...some);
    if (some.length < MAX_STREAMS) return found;
  }
}

async function lastOrder(store: Store, { streamId, order }: StreamRecord): Promise<number> {
  const [last] = await store.list<Ordered>(owners.auditStream(streamId), { limit: 1, reverse: true });
  return last === undefined ? order : Math.max(order, last.value.order ?? last.value.at);
}

function streamDraft(value: StreamRecord, expiresAt: number | undefined): Draft<StreamRecord> {
  return { value, owner: owners.auditStreams(), ...defined({ expiresAt }) };
}

import { type Clock, CountersignError, type Random } from "@countersign/protocol";
import type { Config } from "../config.ts";
import { keys } from "../store/keys.ts";
import type { Change, CommitResult, Item, Store } from "../store/store.ts";
import { type Edit, updateItem } from "../store/update-item.ts";
import type { AuthorityEvent, EventFields, EventName } from "./events.ts";
import type { Observer } from "./observer.ts";
import { positionOf } from "./stream-reader.ts";
import { keptFrom, type OpenStream, Streams } from "./streams.ts";
import { type AuditPage, type AuditQuery, type AuditRecord, TrailReader } from "./trail-reader.ts";

/** An event that is to be recorded: what happens, without when. */
export type EventDraft = {
  readonly [Name in EventName]: { readonly name: Name; readonly fields: EventFields[Name] };
}[EventName];

/** An edit of an item, and what is recorded of it. */
export interface RecordedEdit<Value> extends Edit<Value> {
  readonly events: readonly EventDraft[];
}

/** The durable trail: what happened, in the store, before the caller is told. */
export interface AuditTrail {
  /**
   * Commits changes with the records of the events they are: all or nothing, so there is no change without its record and
   * no record without its change. Tells the observers once it is durable.
   */
  commit(changes: readonly Change[], events: readonly EventDraft[]): Promise<CommitResult>;
  /** Edits an item as `updateItem` does, with its records in the same commit. */
  update<Value, Made extends RecordedEdit<Value>>(
    key: string,
    edit: (item: Item<Value> | undefined) => Made | undefined | Promise<Made | undefined>,
  ): Promise<Made | undefined>;
  /** Records an event that changes nothing in the store; resolves when it is durable. */
  record<Name extends EventName>(name: Name, fields: EventFields[Name]): Promise<void>;
  /** Tells the observers only: for what is too frequent or too late to be durable (refusals of strangers, failures). */
  notice<Name extends EventName>(name: Name, fields: EventFields[Name]): void;
  /** The records of a page, where nobody goes on. */
  read(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /**
   * Records newest first, at most `limit`, and where to go on backwards and forwards; after a `cursor`, in the order in
   * which they happened. One page looks at no more than 100,000 records.
   */
  page(query: AuditQuery): Promise<AuditPage>;
  /** Who is told of every event. */
  readonly observer: Observer;
}

/** What an audit trail is made of. */
export interface AuditTrailOptions {
  /** Where records are kept. */
  readonly store: Store;
  /** Dates the records. */
  readonly clock: Clock;
  /** Makes the ids of streams. */
  readonly random: Random;
  /** Is told of every event, of those too that are not recorded. */
  readonly observer: Observer;
  /** How long records are kept, in milliseconds. */
  readonly retentionMs: number;
  /**
   * How long the records of some events are kept, by an event's name or its first part: `token.issued`, `token`. The longest
   * name that fits counts; with 0 the event is told to the observers only. @default as all others
   */
  readonly retentionMsOf?: Readonly<Record<string, number>>;
}

const nothingToDo: CommitResult = { version: 0 };

/** How long records are kept, by the configuration. */
export function retentionOf({
  audit,
}: Pick<Config, "audit">): Pick<AuditTrailOptions, "retentionMs" | "retentionMsOf"> {
  const some = audit.retention_of
    .map((text) => text.split("="))
    .map(([name, seconds]) => [name, Number(seconds) * 1000]);
  return { retentionMs: audit.retention * 1000, retentionMsOf: Object.fromEntries(some) };
}

/** Streams that turned out to be somebody else's, one after the other, before giving up. */
const MAX_ATTEMPTS = 4;

/**
 * Makes the durable trail: one store item an event, in a stream that this process writes to.
 *
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const { audit } = (await testAuthority()).services;
 * await audit.record("user.deleted", { userId: "user_1", actor: "admin_id" });
 * const [latest] = await audit.read({ limit: 1 });
 * latest?.name; // "user.deleted"
 * ```
 */
export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  return new StoreTrail(options);
}

class StoreTrail implements AuditTrail {
  readonly observer: Observer;
  readonly #options: AuditTrailOptions;
  readonly #streams: Streams;
  readonly #reader: TrailReader;
  readonly #retention = new Map<EventName, number>();

  constructor(options: AuditTrailOptions) {
    const { store, clock, random, observer, retentionMs, retentionMsOf = {} } = options;
    this.observer = observer;
    this.#options = options;
    const longest = Math.max(retentionMs, ...Object.values(retentionMsOf));
    this.#streams = new Streams({ store, random, retentionMs: longest });
    this.#reader = new TrailReader(store, clock);
  }

  async commit(changes: readonly Change[], drafts: readonly EventDraft[]): Promise<CommitResult> {
    const isKept = drafts.some(({ name }) => this.#retentionOf(name) > 0);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const opened = isKept ? this.#streams.at(this.#options.clock.now()) : undefined;
      const stream = opened instanceof Promise ? await opened : opened;
      // From here to the call of the store nothing waits: records reach it in the order of their positions.
      const events = drafts.map((draft) => this.#dated(draft));
      const records = stream === undefined ? [] : this.#recordsOf(events, stream);
      const all = [...changes, ...records];
      const result = all.length === 0 ? nothingToDo : await this.#options.store.commit(all);
      if (result.failed === undefined) {
        for (const event of events) this.observer.event(event);
        return result;
      }
      const failed = result.failed.filter((key) => !records.some((record) => record.key === key));
      if (failed.length > 0) return { failed };
      if (stream !== undefined) this.#streams.leave(stream);
    }
    throw new CountersignError("temporarily_unavailable", { detail: "audit streams are written to by others" });
  }

  update<Value, Made extends RecordedEdit<Value>>(
    key: string,
    edit: (item: Item<Value> | undefined) => Made | undefined | Promise<Made | undefined>,
  ): Promise<Made | undefined> {
    return updateItem(this.#options.store, key, edit, (changes, { events }) => this.commit(changes, events));
  }

  async record<Name extends EventName>(name: Name, fields: EventFields[Name]): Promise<void> {
    await this.commit([], [draftOf(name, fields)]);
  }

  notice<Name extends EventName>(name: Name, fields: EventFields[Name]): void {
    this.observer.event(this.#dated(draftOf(name, fields)));
  }

  async read(query: AuditQuery): Promise<readonly AuditRecord[]> {
    return (await this.page(query)).records;
  }

  page(query: AuditQuery): Promise<AuditPage> {
    return this.#reader.page(query);
  }

  #recordsOf(events: readonly AuthorityEvent[], stream: OpenStream): readonly Change[] {
    return events
      .filter(({ name }) => this.#retentionOf(name) > 0)
      .map((event) => {
        stream.order = Math.max(stream.order, event.at);
        const { order, owner, streamId } = stream;
        const value = order === event.at ? event : { ...event, order };
        const retentionMs = this.#retentionOf(event.name);
        const expiresAt = keptFrom(stream, order, retentionMs) + retentionMs;
        const key = keys.audit(streamId, positionOf(stream.next++));
        return { key, expectedVersion: 0, draft: { value, owner, expiresAt } };
      });
  }

  #dated({ name, fields }: EventDraft): AuthorityEvent {
    // Name and fields come from one event; the union of all events cannot follow them apart.
    return { name, at: this.#options.clock.now(), fields } as AuthorityEvent;
  }

  #retentionOf(name: EventName): number {
    const known = this.#retention.get(name);
    if (known !== undefined) return known;
    const { retentionMs, retentionMsOf = {} } = this.#options;
    const found = retentionMsOf[name] ?? retentionMsOf[name.split(".")[0] ?? ""] ?? retentionMs;
    this.#retention.set(name, found);
    return found;
  }
}

/** The signature ties the fields to the name; the union of all events cannot follow a type parameter. */
function draftOf<Name extends EventName>(name: Name, fields: EventFields[Name]): EventDraft {
  return { name, fields } as EventDraft;
}

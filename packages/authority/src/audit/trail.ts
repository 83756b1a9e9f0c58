import type { Change, CommitResult, Item } from "../store/store.ts";
import type { Edit } from "../store/update-item.ts";
import type { AuthorityEvent, EventFields, EventName } from "./events.ts";
import type { Observer } from "./observer.ts";

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
  readonly observer: Observer;
}

/** One record of the trail. */
export type AuditRecord = AuthorityEvent & { readonly id: string };

/** Part of the trail. */
export interface AuditPage {
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

/** Which records to read. */
export interface AuditQuery {
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

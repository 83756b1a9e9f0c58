import type { AuthorityEvent, EventFields, EventName } from "./events.ts";
import type { Observer } from "./observer.ts";

/** The durable trail: what happened, in the store, before the caller is told. */
export interface AuditTrail {
  /** Writes the event to the store and then tells the observers; resolves when it is durable. */
  record<Name extends EventName>(name: Name, fields: EventFields[Name]): Promise<void>;
  /** Tells the observers only: for what is too frequent or too late to be durable (refusals of strangers, failures). */
  notice<Name extends EventName>(name: Name, fields: EventFields[Name]): void;
  /** The records of a page, where nobody goes on. */
  read(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /** Records newest first, at most `limit`, and where to go on backwards and forwards. One page looks at no more than 100,000 records. */
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
}

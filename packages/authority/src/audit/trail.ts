import type { AuthorityEvent, EventFields, EventName } from "./events.ts";
import type { Observer } from "./observer.ts";

/** The durable trail: what happened, in the store, before the caller is told. */
export interface AuditTrail {
  /** Writes the event to the store and then tells the observers; resolves when it is durable. */
  record<Name extends EventName>(name: Name, fields: EventFields[Name]): Promise<void>;
  /** Tells the observers only: for what is too frequent or too late to be durable (refusals of strangers, failures). */
  notice<Name extends EventName>(name: Name, fields: EventFields[Name]): void;
  /**
   * Records newest first, at most `limit`. One read looks at no more than 100,000 records; to go further back, name an
   * earlier `until` or the last id as `before`.
   */
  read(query: AuditQuery): Promise<readonly AuditRecord[]>;
  readonly observer: Observer;
}

/** One record of the trail. */
export type AuditRecord = AuthorityEvent & { readonly id: string };

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

import type { AuthorityEvent, EventFields, EventName } from "./events.ts";
import type { Observer } from "./observer.ts";

/** The durable trail: what happened, in the store, before the caller is told. */
export interface AuditTrail {
  /** Writes the event to the store and then tells the observers; resolves when it is durable. */
  record<Name extends EventName>(name: Name, fields: EventFields[Name]): Promise<void>;
  /** Tells the observers only: for what is too frequent or too late to be durable (refusals of strangers, failures). */
  notice<Name extends EventName>(name: Name, fields: EventFields[Name]): void;
  /** Records newest first, at most `limit`, older than `before` (an id of a record) when given. */
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
  /** Only events that mention this client, user or family. */
  readonly about?: string;
  /** Only events from this instant on. */
  readonly since?: number;
  /** Only events before this instant. */
  readonly until?: number;
}

import { type Clock, CountersignError, type Random, randomSecret } from "@countersign/protocol";
import { keys, owners } from "../store/keys.ts";
import type { Item, Store } from "../store/store.ts";
import type { AuthorityEvent, EventFields, EventName } from "./events.ts";
import type { Observer } from "./observer.ts";
import type { AuditPage, AuditQuery, AuditRecord, AuditTrail } from "./trail.ts";

/** What an audit trail is made of. */
export interface AuditTrailOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  /** How long records are kept. */
  readonly retentionMs: number;
}

const dayMs = 86_400_000;
const pageSize = 1000;
/** The most records one page looks at, so that a rare name in a long trail cannot occupy the store. */
const mostRecords = 100_000;

/**
 * Makes the durable trail: one store item an event, listed by the day it happened on.
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
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #retentionMs: number;
  /** Tells this process's records from those another node wrote in the same millisecond. */
  readonly #node: string;
  #count = 0;
  #day = Number.NaN;
  #dayOwner = "";

  constructor({ store, clock, random, observer, retentionMs }: AuditTrailOptions) {
    this.observer = observer;
    this.#store = store;
    this.#clock = clock;
    this.#retentionMs = retentionMs;
    this.#node = randomSecret(random, 9);
  }

  async record<Name extends EventName>(name: Name, fields: EventFields[Name]): Promise<void> {
    const event = this.#event(name, fields);
    const { at } = event;
    const key = keys.audit(at, this.#nextId());
    const draft = { value: event, owner: this.#ownerAt(at), expiresAt: at + this.#retentionMs };
    if ((await this.#store.swap(key, 0, draft)) === undefined) {
      throw new CountersignError("server_error", { detail: "an audit record exists already" });
    }
    this.observer.event(event);
  }

  notice<Name extends EventName>(name: Name, fields: EventFields[Name]): void {
    this.observer.event(this.#event(name, fields));
  }

  async read(query: AuditQuery): Promise<readonly AuditRecord[]> {
    return (await this.page(query)).records;
  }

  async page(query: AuditQuery): Promise<AuditPage> {
    const records: AuditRecord[] = [];
    let latest: { readonly latestAt?: number } = {};
    let looked = 0;
    let last = "";
    for await (const page of this.#newestFirst(query)) {
      for (const { key, value } of page) {
        if (records.length >= query.limit || looked === mostRecords) return { records, next: idOf(last), ...latest };
        if (looked === 0) latest = { latestAt: value.at };
        looked += 1;
        last = key;
        if (matches(value, query)) records.push({ ...value, id: idOf(key) });
      }
    }
    return { records, ...latest };
  }

  async *#newestFirst(query: AuditQuery): AsyncGenerator<readonly Item<AuthorityEvent>[]> {
    const now = this.#clock.now();
    // Another node's clock may be ahead of this one.
    const until = Math.min(query.until ?? Number.POSITIVE_INFINITY, now + dayMs);
    const since = Math.max(query.since ?? 0, now - this.#retentionMs);
    const before = earlier(keys.audit(until, ""), query.before === undefined ? undefined : keyOf(query.before));
    for (let day = dayOf(until); day >= dayOf(since); day--) {
      for (let after: string | undefined = before; after !== undefined; ) {
        const page: readonly Item<AuthorityEvent>[] = await this.#store.list(owners.auditDay(day * dayMs), {
          limit: pageSize,
          after,
          reverse: true,
        });
        yield page.filter(({ value }) => value.at >= since);
        const oldest = page.length === pageSize ? page.at(-1) : undefined;
        after = oldest !== undefined && oldest.value.at >= since ? oldest.key : undefined;
      }
    }
  }

  #event<Name extends EventName>(name: Name, fields: EventFields[Name]): AuthorityEvent {
    // The signature ties the fields to the name; the union of all events cannot follow a type parameter.
    return { name, at: this.#clock.now(), fields } as AuthorityEvent;
  }

  /** Counts up, so that the records of one process stand in their order within a millisecond. */
  #nextId(): string {
    return `${(this.#count++).toString(36).padStart(8, "0")}${this.#node}`;
  }

  #ownerAt(at: number): string {
    const day = dayOf(at);
    if (day !== this.#day) {
      this.#day = day;
      this.#dayOwner = owners.auditDay(at);
    }
    return this.#dayOwner;
  }
}

function dayOf(at: number): number {
  return Math.floor(at / dayMs);
}

function matches({ name, fields }: AuthorityEvent, query: AuditQuery): boolean {
  if (query.name !== undefined && name !== query.name && !name.startsWith(`${query.name}.`)) return false;
  return query.about === undefined || Object.values(fields).includes(query.about);
}

/** The id of a record is its key without the prefix, so that it says where to go on. */
function idOf(key: string): string {
  return key.slice(2).replace("#", "-");
}

function keyOf(id: string): string {
  if (!/^\d{15}-[\w-]{20}$/.test(id)) {
    throw new CountersignError("invalid_request", { hint: "before is not the id of an audit record" });
  }
  return keys.audit(Number(id.slice(0, 15)), id.slice(16));
}

function earlier(a: string, b: string | undefined): string {
  return b !== undefined && b < a ? b : a;
}

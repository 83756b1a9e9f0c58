import { type Clock, type Random, randomSecret } from "@countersign/protocol";
import type { AuditTrail, EventDraft, RecordedEdit } from "../audit/trail.ts";
import { keys, owners } from "../store/keys.ts";
import type { Change, Item, Store } from "../store/store.ts";
import type { RevocationHead, RevocationRecord, RevokedKind } from "./revocation-record.ts";

/** What is to be revoked. */
export interface NewRevocation {
  readonly kind: RevokedKind;
  /** A `jti`, or a normalized revocation id in lower-case hexadecimal. */
  readonly id: string;
  /** From when on no token that it ends is valid anyway, in milliseconds. */
  readonly expiresAt: number;
}

/** How something is revoked. */
export interface RevokeOptions {
  /** What is recorded of it. */
  readonly event: EventDraft;
}

/** Part of the list of what is revoked, in the order in which it was. */
export interface RevocationPage {
  readonly list: string;
  /** Of the last entry of the page, or of the list where the page ends it. */
  readonly position: number;
  readonly entries: readonly RevocationRecord[];
  /** Whether more follows. */
  readonly more: boolean;
}

/**
 * What was revoked, on this node and on all others: one list in the store, and in memory as far as it was read. It can be
 * given to the verification of capability tokens as it is, once {@link current} was awaited.
 */
export interface Revocations {
  /** Whether a revocation id was revoked, as far as this node knows. */
  has(revocationId: string): boolean;
  /** Whether a `jti` was revoked, as far as this node knows. */
  hasToken(jti: string): boolean;
  /** Reads what was revoked since, by whichever node. One read of the store, none where this process alone writes it. */
  current(): Promise<Revocations>;
  /** Revokes; resolves to whether that was new. Other nodes see it at their next {@link current}. */
  revoke(revocation: NewRevocation, options: RevokeOptions): Promise<boolean>;
  /** What was revoked after a position of a list; all of it where that is another list, or none is named. */
  since(list: string | undefined, position: number, limit: number): Promise<RevocationPage>;
}

/** What the list is kept with. */
export interface RevocationsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: Pick<AuditTrail, "update">;
}

/** Makes the list of a store. */
export function createRevocations(options: RevocationsOptions): Revocations {
  return new StoredRevocations(options);
}

const PAGE_SIZE = 1000;
/** Bytes of a list's id. */
const LIST_BYTES = 9;
/** Verifiers whose clocks are behind take a token for so long after it has expired. */
const MAX_SKEW_MS = 120_000;
/** A listing may lag behind writes: so many of the last entries are looked for one by one. */
const MAX_LAG = 100;

interface Edited extends RecordedEdit<RevocationHead> {
  readonly draft: { readonly value: RevocationHead };
  readonly record: RevocationRecord;
}

class StoredRevocations implements Revocations {
  readonly #options: RevocationsOptions;
  #list: string | undefined;
  #position = 0;
  #entries = new Map<string, RevocationRecord>();
  #isRead = false;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  has(revocationId: string): boolean {
    return this.#known("block", revocationId);
  }

  hasToken(jti: string): boolean {
    return this.#known("jti", jti);
  }

  async current(): Promise<Revocations> {
    // What this process alone writes it knows from then on.
    if (this.#isRead && this.#options.store.exclusive === true) return this;
    const reading = this.#reading.then(() => this.#read());
    this.#reading = reading.catch(() => undefined);
    await reading;
    return this;
  }

  async revoke(revocation: NewRevocation, { event }: RevokeOptions): Promise<boolean> {
    const { audit } = this.#options;
    const made = await audit.update<RevocationHead, Edited>(keys.revocationHead(), async (head) => {
      await this.current();
      const known = this.#entries.get(keyOf(revocation));
      if (known !== undefined && known.expiresAt >= revocation.expiresAt) return undefined;
      return this.#editOf(head, revocation, event);
    });
    if (made !== undefined) this.#adopt(made.draft.value, made.record);
    return made !== undefined;
  }

  async since(list: string | undefined, position: number, limit: number): Promise<RevocationPage> {
    await this.current();
    const after = list === this.#list ? position : 0;
    this.#forgetExpired();
    const live = [...this.#entries.values()]
      .filter((entry) => entry.position > after)
      .sort((a, b) => a.position - b.position);
    const entries = live.slice(0, limit);
    const more = live.length > limit;
    const last = more ? (entries.at(-1)?.position ?? after) : this.#position;
    return { list: this.#list ?? "", position: last, entries, more };
  }

  #known(kind: RevokedKind, id: string): boolean {
    const entry = this.#entries.get(keyOf({ kind, id }));
    return entry !== undefined && goneAt(entry) > this.#options.clock.now();
  }

  async #editOf(head: Item<RevocationHead> | undefined, revocation: NewRevocation, event: EventDraft): Promise<Edited> {
    const { random, clock } = this.#options;
    const list = head?.value.list ?? randomSecret(random, LIST_BYTES);
    const position = (head?.value.position ?? 0) + 1;
    const record: RevocationRecord = { ...revocation, position, revokedAt: clock.now() };
    const draft = { value: record, owner: owners.revocations(), expiresAt: goneAt(record) };
    const entry = { key: keys.revocation(position), expectedVersion: 0, draft };
    const also = [entry, ...(await this.#markOf(revocation))];
    return { draft: { value: { list, position } }, also, events: [event], record };
  }

  /** A token exchange that goes on at the same time is guarded by this item. */
  async #markOf({ kind, id, expiresAt }: NewRevocation): Promise<readonly Change[]> {
    const key = keys.revokedToken(id);
    if (kind !== "jti" || (await this.#options.store.get(key)) !== undefined) return [];
    return [{ key, expectedVersion: 0, draft: { value: {}, expiresAt } }];
  }

  /** What another node wrote in between is read at the next look: the position does not step over it. */
  #adopt({ list, position }: RevocationHead, record: RevocationRecord): void {
    this.#entries.set(keyOf(record), record);
    if (this.#list === undefined || (this.#list === list && this.#position === position - 1)) {
      this.#list = list;
      this.#position = position;
    }
  }

  async #read(): Promise<void> {
    const head = (await this.#options.store.get<RevocationHead>(keys.revocationHead()))?.value;
    if (head !== undefined && head.list !== this.#list) await this.#readAll(head);
    else if (head !== undefined && head.position > this.#position) await this.#readFrom(this.#position + 1, head);
    this.#isRead = true;
  }

  async #readAll(head: RevocationHead): Promise<void> {
    const { store } = this.#options;
    const entries = new Map<string, RevocationRecord>();
    for (let after = ""; ; ) {
      const page = { limit: PAGE_SIZE, ...(after === "" ? {} : { after }) };
      const items = await store.list<RevocationRecord>(owners.revocations(), page);
      for (const { value } of items) entries.set(keyOf(value), value);
      after = items.at(-1)?.key ?? "";
      if (items.length < PAGE_SIZE) break;
    }
    this.#entries = entries;
    this.#list = head.list;
    await this.#readFrom(Math.max(1, head.position - MAX_LAG), head);
  }

  async #readFrom(first: number, { position }: RevocationHead): Promise<void> {
    const { store } = this.#options;
    for (let at = first; at <= position; at++) {
      const record = (await store.get<RevocationRecord>(keys.revocation(at)))?.value;
      if (record !== undefined) this.#entries.set(keyOf(record), record);
    }
    this.#position = position;
  }

  /** What has expired everybody refuses anyway. */
  #forgetExpired(): void {
    const now = this.#options.clock.now();
    for (const [key, entry] of this.#entries) if (goneAt(entry) <= now) this.#entries.delete(key);
  }
}

function goneAt({ expiresAt }: Pick<RevocationRecord, "expiresAt">): number {
  return expiresAt + MAX_SKEW_MS;
}

function keyOf({ kind, id }: Pick<RevocationRecord, "kind" | "id">): string {
  return `${kind} ${id}`;
}

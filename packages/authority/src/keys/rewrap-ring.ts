import { CountersignError } from "@countersign/protocol";
import type { AuditTrail } from "../audit/trail.ts";
import { keys } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { derivationContext, parseRing, type RingRecord, signingContext } from "./ring-record.ts";
import { type RewrapKeys, rewrap } from "./sealed.ts";

/** What the secrets of a ring are sealed anew with. */
export interface RewrapOptions extends RewrapKeys {
  /** Where the ring is. */
  readonly store: Pick<Store, "get">;
  /** On the same store. */
  readonly audit: Pick<AuditTrail, "commit">;
  /** Whom the audit trail names. */
  readonly actor: string;
}

/**
 * Seals the key ring of a store under another key-encryption key, in one commit with its audit record: it opens with
 * `from` before and with `to` after, and with one of the two whenever this is interrupted. The keys stay what they are. A ring that is sealed under
 * `to` already is left alone. A node that is running goes on with the keys it has, but opens no new ones.
 *
 * @throws {CountersignError} `not_found` when the store holds no ring, `conflict` when it changed meanwhile.
 * @throws {Error} when the ring is not sealed under `from`, or `to` does not open what it wrapped.
 * @example
 * ```ts
 * import { createKeyEncryptionKey, rewrapKeyRing } from "@countersign/authority";
 * const to = createKeyEncryptionKey(bytes);
 * await rewrapKeyRing({ store, audit, from: keyEncryptionKey, to, actor: "operator" });
 * ```
 */
export async function rewrapKeyRing({ store, audit, from, to, actor }: RewrapOptions): Promise<void> {
  const item = await store.get(keys.ring());
  if (item === undefined) throw new CountersignError("not_found", { hint: "The store holds no key ring" });
  const record = parseRing(item.value);
  if (record.derivation.kek === to.id) return;
  const value = await rewrapRecord(record, { from, to });
  const change = { key: keys.ring(), expectedVersion: item.version, draft: { value } };
  const fields = { keyEncryptionKey: to.id, previous: from.id, actor };
  const { failed } = await audit.commit([change], [{ name: "key.rewrapped", fields }]);
  if (failed === undefined) return;
  throw new CountersignError("conflict", { detail: "The key ring changed meanwhile" });
}

async function rewrapRecord(record: RingRecord, between: RewrapKeys): Promise<RingRecord> {
  const derivation = await rewrap(record.derivation, derivationContext, between);
  const rows = record.keys.map(async (row) => ({
    ...row,
    sealed: await rewrap(row.sealed, signingContext(row), between),
  }));
  return { ...record, derivation, keys: await Promise.all(rows) };
}

/** The id of the key-encryption key that the ring of a store is sealed under, or `undefined` when there is no ring. */
export async function ringSealedUnder(store: Pick<Store, "get">): Promise<string | undefined> {
  const item = await store.get(keys.ring());
  return item === undefined ? undefined : parseRing(item.value).derivation.kek;
}

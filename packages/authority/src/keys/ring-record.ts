import { CountersignError, type Random } from "@countersign/protocol";
import { z } from "zod";
import type { AuditTrail } from "../audit/trail.ts";
import { keys } from "../store/keys.ts";
import { type RingAlgorithm, ringAlgorithms } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { type AlgorithmRow, algorithms } from "./algorithms.ts";
import type { KeyEncryptionKey } from "./key-encryption-key.ts";
import { MAX_KEYS_OF_ALGORITHM, type Plan, type ScheduledKey } from "./rotation.ts";
import { erasesAt, type KeyState, type KeyTimes, type RotationPolicy, scheduleOf, unexpired } from "./schedule.ts";
import { type RewrapKeys, rewrap, type SealContext, type Sealed, seal } from "./sealed.ts";
import { type PrivateSigningKey, publicJwk } from "./signing-key.ts";

/** Version of the record and of the secrets sealed in it. */
export const RING_FORMAT = 1;

/** One key of the ring, as the store holds it. The public key is not stored: it comes out of the sealed private one. */
export interface KeyRow extends KeyTimes {
  /** Whether the ring made it or was given it. */
  readonly origin: "made" | "imported";
  /** The private key, PKCS #8 DER. */
  readonly sealed: Sealed;
}

/** `K#ring`: every signing key, and the secret from which refresh tokens are derived. */
export interface RingRecord {
  readonly format: typeof RING_FORMAT;
  readonly derivation: Sealed;
  readonly keys: readonly KeyRow[];
}

const sealed = z.strictObject({ kek: z.string(), key: z.string(), text: z.string() });

const schema = z.strictObject({
  format: z.literal(RING_FORMAT),
  derivation: sealed,
  keys: z.array(
    z.strictObject({
      kid: z.string(),
      algorithm: z.enum(ringAlgorithms),
      publishedAt: z.number(),
      activeAt: z.number(),
      retiresAt: z.number(),
      origin: z.enum(["made", "imported"]),
      sealed,
    }),
  ),
});

/**
 * Checks what the store returned.
 *
 * @throws {Error} when it is not a ring of this format.
 */
export function parseRing(value: unknown): RingRecord {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`Cannot read the key ring: ${z.prettifyError(result.error)}`);
}

/** What the private key of a row is sealed for. */
export function signingContext({ kid, algorithm }: Pick<KeyRow, "kid" | "algorithm">): SealContext {
  return { kid, algorithm, purpose: "sign", version: RING_FORMAT };
}

/** What the derivation secret is sealed for. */
export const derivationContext: SealContext = {
  kid: "refresh",
  algorithm: "HMAC-SHA-256",
  purpose: "derive",
  version: RING_FORMAT,
};

/** The published set of a row. */
export function setOf({ algorithm }: Pick<KeyRow, "algorithm">): AlgorithmRow["set"] {
  return algorithms[algorithm].set;
}

/** What sealing new keys needs. */
export interface EditOptions {
  readonly keyEncryptionKey: KeyEncryptionKey;
  readonly random: Random;
  /** The key to use instead of a generated one. */
  readonly given?: PrivateSigningKey;
}

/** A ring without signing keys. */
export async function emptyRing({ keyEncryptionKey, random }: EditOptions): Promise<RingRecord> {
  const derivation = await seal(random.bytes(32), derivationContext, { keyEncryptionKey, random });
  return { format: RING_FORMAT, derivation, keys: [] };
}

/** The rows of a plan, its new keys made or taken from `given`, and sealed. */
export async function carryOut(plan: Plan<KeyRow>, options: EditOptions): Promise<readonly KeyRow[]> {
  return [...plan.keep, ...(await Promise.all(plan.make.map((scheduled) => makeRow(scheduled, options))))];
}

async function makeRow(scheduled: ScheduledKey, { given, keyEncryptionKey, random }: EditOptions): Promise<KeyRow> {
  const privateKey = given?.privateKey ?? (await algorithms[scheduled.algorithm].generate());
  const { kid } = publicJwk(privateKey, scheduled.algorithm);
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
  const context = signingContext({ kid, algorithm: scheduled.algorithm });
  const sealed = await seal(pkcs8, context, { keyEncryptionKey, random });
  pkcs8.fill(0);
  return { ...scheduled, kid, origin: given === undefined ? "made" : "imported", sealed };
}

/** Whether an edit left everything as it was. */
export function isUnchanged(before: readonly KeyRow[], after: readonly KeyRow[]): boolean {
  return before.length === after.length && after.every((row) => before.includes(row));
}

/** @throws {CountersignError} `not_found` when the ring does not hold the key. */
export function refuseUnknown(rows: readonly KeyRow[], kid: string): KeyRow {
  const row = rows.find((other) => other.kid === kid);
  if (row === undefined) throw new CountersignError("not_found", { hint: "The key ring holds no such key" });
  return row;
}

/** @throws {CountersignError} `already_exists` when the ring holds the key. */
export function refuseKnown(rows: readonly KeyRow[], kid: string): void {
  if (!rows.some((row) => row.kid === kid)) return;
  throw new CountersignError("already_exists", { hint: "The key ring holds this key already" });
}

/** @throws {CountersignError} `conflict` unless the key is retired. */
export function refuseInUse(state: KeyState): void {
  if (state === "retired") return;
  const hint = `Only a retired key can be erased, and this one is ${state}; in an emergency revoke it`;
  throw new CountersignError("conflict", { hint });
}

/**
 * Commands may go beyond what the timetable makes, but not without end: the ring is one item of the store. Keys whose
 * tokens have all expired do not count.
 *
 * @throws {CountersignError} `conflict` when there are too many keys of an algorithm, with the time until one goes.
 */
export function refuseFlood(
  rows: readonly KeyRow[],
  {
    algorithm,
    now,
    policy,
  }: { readonly algorithm: RingAlgorithm; readonly now: number; readonly policy: RotationPolicy },
): void {
  const schedule = unexpired(scheduleOf(rows, algorithm), now, policy);
  if (schedule.length < 2 * MAX_KEYS_OF_ALGORITHM) return;
  const roomAt = Math.min(...schedule.map((row) => erasesAt(row, policy)));
  const until = new Date(roomAt).toISOString();
  const hint = `There are ${schedule.length} keys for ${algorithm}, the most there may be, and each may still verify a token; the first is erased at ${until}. A key that must not be trusted can be revoked now`;
  throw new CountersignError("conflict", { hint, retryAfterMs: roomAt - now });
}

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

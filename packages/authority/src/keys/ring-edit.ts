import { CountersignError, type Random } from "@countersign/protocol";
import type { EventDraft } from "../audit/trail.ts";
import type { SigningAlgorithm } from "../store/records.ts";
import { algorithms } from "./algorithms.ts";
import type { KeyEncryptionKey } from "./key-encryption-key.ts";
import { derivationContext, type KeyRow, type RingRecord, ringFormat, signingContext } from "./ring-record.ts";
import {
  erasesAt,
  type KeyState,
  maxKeysOfAlgorithm,
  type Plan,
  type RotationPolicy,
  type ScheduledKey,
  scheduleOf,
  unexpired,
} from "./rotation.ts";
import { seal } from "./sealed.ts";
import { type PrivateSigningKey, publicJwk } from "./signing-key.ts";

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
  return { format: ringFormat, derivation, keys: [] };
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

/** The rows of a ring before a change and after it. */
export interface RingEdit {
  readonly before: readonly KeyRow[];
  readonly after: readonly KeyRow[];
}

/** What the audit trail is told of an edit, in its commit. */
export function eventsOf(edit: RingEdit, actor: string): readonly EventDraft[] {
  return ringEventsOf(edit).map(({ name, row: { kid, algorithm } }) => ({ name, fields: { kid, algorithm, actor } }));
}

/** Fewer than a commit takes, with the ring itself. */
const maxEvents = 20;

/** As much of an edit as is recorded in one commit: where it is too much, some of what is to be erased, and nothing else. */
export function withinOneCommit(edit: RingEdit): RingEdit {
  const { before, after } = edit;
  if (ringEventsOf(edit).length <= maxEvents) return edit;
  const later = new Set(after.map(({ kid }) => kid));
  const gone = new Set(before.filter(({ kid }) => !later.has(kid)).slice(0, maxEvents));
  return { before, after: before.filter((row) => !gone.has(row)) };
}

interface RingEvent {
  readonly name: "key.rotated" | "key.imported" | "key.erased";
  readonly row: KeyRow;
}

function ringEventsOf({ before, after }: RingEdit): readonly RingEvent[] {
  const earlier = new Map(before.map((row) => [row.kid, row]));
  const later = new Set(after.map((row) => row.kid));
  const begun = after
    .filter(({ kid, activeAt }) => earlier.get(kid)?.activeAt !== activeAt)
    .map((row): RingEvent => {
      const isImport = row.origin === "imported" && !earlier.has(row.kid);
      return { name: isImport ? "key.imported" : "key.rotated", row };
    });
  const gone = before.filter(({ kid }) => !later.has(kid)).map((row): RingEvent => ({ name: "key.erased", row }));
  return [...begun, ...gone];
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
  }: { readonly algorithm: SigningAlgorithm; readonly now: number; readonly policy: RotationPolicy },
): void {
  const schedule = unexpired(scheduleOf(rows, algorithm), now, policy);
  if (schedule.length < 2 * maxKeysOfAlgorithm) return;
  const roomAt = Math.min(...schedule.map((row) => erasesAt(row, policy)));
  const until = new Date(roomAt).toISOString();
  const hint = `There are ${schedule.length} keys for ${algorithm}, the most there may be, and each may still verify a token; the first is erased at ${until}. A key that must not be trusted can be revoked now`;
  throw new CountersignError("conflict", { hint, retryAfterMs: roomAt - now });
}

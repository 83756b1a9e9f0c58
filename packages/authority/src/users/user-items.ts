import { type Clock, CountersignError, type Random } from "@countersign/protocol";
import type { AuditTrail } from "../audit/trail.ts";
import type { Limits } from "../limits/attempt-limits.ts";
import type { PasswordHasher } from "../limits/passwords.ts";
import { keys, owners } from "../store/keys.ts";
import type { UsernameRecord, UserRecord } from "../store/records.ts";
import type { Change, Draft, Item, Store } from "../store/store.ts";
import { isId } from "../values/id.ts";

/** What a user service is made of. */
export interface UserServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditTrail;
  readonly limits: Limits;
  readonly passwords: PasswordHasher;
}

/** The administrator that the first start makes. Its name is kept for it, so that nobody can pass for it. */
export const administrator = { userId: "admin_id", username: "admin", fullName: "Administrator" } as const;

/** Whether an id is one of a user, and so none of a client: no client can be given such a one. */
export function isUserId(id: string): boolean {
  return id.startsWith("user_") || id === administrator.userId;
}

/** An id that no user has: read in place of the user whom no name leads to, so that both take as many reads. */
const NOBODY = "user_nobody";

/** The item of a user, or `undefined` when there is none. */
export async function readUser(store: Store, userId: string): Promise<Item<UserRecord> | undefined> {
  return isId(userId) ? store.get<UserRecord>(keys.user(userId)) : undefined;
}

/** The item of a user who must be there. */
export async function requireUser(store: Store, userId: string): Promise<Item<UserRecord>> {
  return required(await readUser(store, userId));
}

/** The item of a user who must be there, as it was read. */
export function required(item: Item<UserRecord> | undefined): Item<UserRecord> {
  if (item === undefined) throw new CountersignError("not_found");
  return item;
}

/** The user whom a normalised name belongs to. Two reads may straddle a renaming: then the name is nobody's any more. */
export async function readUserNamed(store: Store, username: string): Promise<Item<UserRecord> | undefined> {
  const name = await store.get<UsernameRecord>(keys.username(username));
  const item = await readUser(store, name?.value.userId ?? NOBODY);
  return item?.value.username === username ? item : undefined;
}

/** What is written for a user. */
export function userDraft(user: UserRecord): Draft<UserRecord> {
  return { value: user, owner: owners.users() };
}

/** What adds a user. */
export function createdUser(user: UserRecord): Change<UserRecord> {
  return { key: keys.user(user.userId), expectedVersion: 0, draft: userDraft(user) };
}

/**
 * What gives a user a name, to be committed with the user that names it.
 *
 * @throws {CountersignError} `already_exists` when it is another's, or kept for the administrator.
 */
export async function claimOf(store: Store, username: string, userId: string): Promise<Change<UsernameRecord>> {
  const isReserved = username === administrator.username && userId !== administrator.userId;
  const key = keys.username(username);
  const item = await store.get<UsernameRecord>(key);
  if (isReserved || (item !== undefined && item.value.userId !== userId)) throw new CountersignError("already_exists");
  return { key, expectedVersion: item?.version ?? 0, draft: { value: { userId } } };
}

/** What takes a name from a user, to be committed with the user that bears it no more. */
export async function releaseOf(store: Store, username: string): Promise<Change> {
  const key = keys.username(username);
  return { key, expectedVersion: (await store.get(key))?.version ?? 0, remove: true };
}

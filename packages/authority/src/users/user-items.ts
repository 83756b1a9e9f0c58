import { CountersignError } from "@countersign/protocol";
import { isId } from "../id.ts";
import { keys, owners } from "../store/keys.ts";
import type { UsernameClaim, UserRecord, UserTombstone } from "../store/records.ts";
import type { Draft, Item, Store } from "../store/store.ts";

/** What stands at a user's key, whoever it is. */
export type UserPlace = UserRecord | UserTombstone;

/** An id that no user has: read in place of the user whom no claim names, so that both take as many reads. */
const nobody = "user_nobody";

/** Whether a place holds a user. */
export function isUser(item: Item<UserPlace> | undefined): item is Item<UserRecord> {
  return item !== undefined && !("tombstone" in item.value);
}

/** The item of a user, or `undefined` when there is none. */
export async function readUser(store: Store, userId: string): Promise<Item<UserRecord> | undefined> {
  const item = isId(userId) ? await store.get<UserPlace>(keys.user(userId)) : undefined;
  return isUser(item) ? item : undefined;
}

/** The item of a user who must be there. */
export async function requireUser(store: Store, userId: string): Promise<Item<UserRecord>> {
  const item = await readUser(store, userId);
  if (item === undefined) throw new CountersignError("not_found");
  return item;
}

/** The user whom a normalised name belongs to: the claim and the user's record both say so. */
export async function readUserNamed(store: Store, username: string): Promise<Item<UserRecord> | undefined> {
  const claim = await store.get<UsernameClaim>(keys.username(username));
  const item = await readUser(store, claim?.value.userId ?? nobody);
  return item?.value.username === username ? item : undefined;
}

/** What is written for a user. */
export function userDraft(user: UserRecord): Draft<UserRecord> {
  return { value: user, owner: owners.users() };
}

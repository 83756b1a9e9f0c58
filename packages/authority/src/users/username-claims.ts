import { type Clock, CountersignError } from "@countersign/protocol";
import { keys } from "../store/keys.ts";
import type { UsernameClaim, UserTombstone } from "../store/records.ts";
import type { Draft, Item, Store } from "../store/store.ts";
import { administrator } from "./administrator.ts";
import { isUser, type UserPlace, userDraft } from "./user-items.ts";

/** What claims are kept with. */
export interface ClaimPorts {
  readonly store: Store;
  readonly clock: Clock;
}

/** A claim whose user does not name it back is abandoned after so long: its writer has crashed or is lost. */
export const abandonedAfterMs = 30_000;
/** How long an overtaken registration finds its place occupied. */
const tombstoneMs = 86_400_000;
/** Lost races in a row before giving up. */
const mostRaces = 32;

/**
 * Claims a username for a user who is about to name it. The claim counts once the user's record names it back: that
 * one write is the commit point of a registration and of a renaming.
 *
 * The caller must have read the user's version before, and write the user on that version after. Then a claim that is
 * overtaken in between makes that write fail, and no two users ever name the same claim.
 *
 * @throws {CountersignError} `already_exists` when the name belongs to another user or is being claimed by one.
 */
export async function claimUsername(ports: ClaimPorts, username: string, userId: string): Promise<void> {
  const { store, clock } = ports;
  const isReserved = username === administrator.username && userId !== administrator.userId;
  if (isReserved) throw new CountersignError("already_exists");
  const key = keys.username(username);
  for (let race = 0; race < mostRaces; race++) {
    const claim = await store.get<UsernameClaim>(key);
    if (claim !== undefined && claim.value.userId !== userId && !(await overtake(ports, claim, username))) continue;
    const draft: Draft<UsernameClaim> = { value: { userId, claimedAt: clock.now() } };
    if ((await store.swap(key, claim?.version ?? 0, draft)) !== undefined) return;
  }
  throw new CountersignError("conflict");
}

/**
 * Makes sure that the holder of an abandoned claim can no longer commit to it: its record is written anew, or a
 * tombstone takes its place, so that a write on the version it has read fails. Resolves to whether that was done.
 */
async function overtake(
  { store, clock }: ClaimPorts,
  { value: { userId, claimedAt } }: Item<UsernameClaim>,
  username: string,
): Promise<boolean> {
  const key = keys.user(userId);
  const holder = await store.get<UserPlace>(key);
  const isUsed = isUser(holder) && holder.value.username === username;
  if (isUsed || clock.now() < claimedAt + abandonedAfterMs) throw new CountersignError("already_exists");
  const tombstone: Draft<UserTombstone> = { value: { tombstone: true }, expiresAt: clock.now() + tombstoneMs };
  const draft: Draft<UserPlace> = isUser(holder) ? userDraft(holder.value) : tombstone;
  return (await store.swap(key, holder?.version ?? 0, draft)) !== undefined;
}

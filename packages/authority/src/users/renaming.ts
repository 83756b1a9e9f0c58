import { CountersignError } from "@countersign/protocol";
import { keys } from "../store/keys.ts";
import type { UsernameClaim, UserRecord } from "../store/records.ts";
import { checkNewPassword } from "./password-text.ts";
import { requireUser, userDraft } from "./user-items.ts";
import type { UserServiceOptions } from "./user-service-options.ts";
import { normaliseUsername } from "./username.ts";
import { claimUsername } from "./username-claims.ts";
import type { Renaming } from "./users.ts";

/** Lost races in a row before giving up. */
const mostRaces = 16;

/**
 * Gives a user another name, and a password with it: claim the new name, commit it in the user's record, let go of the
 * old claim. Every new attempt claims again, because only a claim that is younger than the version read cannot have been
 * overtaken.
 */
export async function rename(
  options: UserServiceOptions,
  userId: string,
  { username: newName, password }: Renaming,
  actor: string,
): Promise<UserRecord> {
  const { store, audit, passwords } = options;
  const username = normaliseUsername(newName);
  const credential = password === undefined ? undefined : await passwords.hash(checkNewPassword(password, username));
  const what = credential === undefined ? "username" : "username password";
  let isRecorded = false;
  for (let race = 0; race < mostRaces; race++) {
    const { value: user, version } = await requireUser(store, userId);
    if (user.username === username && credential === undefined) return user;
    const oldClaim = await store.get<UsernameClaim>(keys.username(user.username));
    await claimUsername(options, username, userId);
    if (!isRecorded) await audit.record("user.changed", { userId, what, actor });
    isRecorded = true;
    const renamed = { ...user, username, ...(credential === undefined ? {} : { credential, epoch: user.epoch + 1 }) };
    if ((await store.swap(keys.user(userId), version, userDraft(renamed))) === undefined) continue;
    // By the version read before the commit: a later renaming back to the old name claims it anew.
    if (oldClaim !== undefined) await store.take(oldClaim.key, oldClaim.version);
    return renamed;
  }
  throw new CountersignError("conflict");
}

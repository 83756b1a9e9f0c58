import type { RecordedEdit } from "../audit/trail.ts";
import { keys } from "../store/keys.ts";
import type { UserRecord } from "../store/records.ts";
import { checkNewPassword } from "./password-text.ts";
import { checkProof } from "./proof.ts";
import { claimOf, releaseOf, required, requireUser, userDraft } from "./user-items.ts";
import type { UserServiceOptions } from "./user-service-options.ts";
import { normaliseUsername } from "./username.ts";
import type { Proof, Renaming } from "./users.ts";

/** Gives a user another name, and a password with it: the user, both names and the record are one commit. */
export async function rename(
  options: UserServiceOptions,
  userId: string,
  { username: newName, password }: Renaming,
  actor: string,
  proof?: Proof,
): Promise<UserRecord> {
  const { store, audit, passwords } = options;
  const username = normaliseUsername(newName);
  const credential = password === undefined ? undefined : await passwords.hash(checkNewPassword(password, username));
  const what = credential === undefined ? "username" : "username password";
  const { value: before } = await requireUser(store, userId);
  const renamed = await audit.update<UserRecord, RenamedUser>(keys.user(userId), async (item) => {
    const { value: user } = required(item);
    await checkProof(options, user, proof);
    if (user.username === username && credential === undefined) return undefined;
    const changed = { ...user, username, ...(credential === undefined ? {} : { credential, epoch: user.epoch + 1 }) };
    const names = user.username === username ? [] : [await releaseOf(store, user.username)];
    const also = [await claimOf(store, username, userId), ...names];
    const events = [{ name: "user.changed", fields: { userId, what, actor } }] as const;
    return { draft: userDraft(changed), also, events, changed };
  });
  return renamed?.changed ?? before;
}

interface RenamedUser extends RecordedEdit<UserRecord> {
  readonly changed: UserRecord;
}

import { CountersignError } from "@countersign/protocol";
import type { RecordedEdit } from "../audit/trail.ts";
import { keys } from "../store/keys.ts";
import type { UserRecord } from "../store/records.ts";
import { checkNewPassword, opaquePassword } from "../values/password.ts";
import { checkScopes } from "../values/scope.ts";
import { normaliseUsername } from "../values/username.ts";
import { guardUserChange } from "./superuser-path.ts";
import { claimOf, releaseOf, required, requireUser, type UserServiceOptions, userDraft } from "./user-items.ts";

/** What a user is to be called. */
export interface Renaming {
  readonly username: string;
  /** A new password. @default the one there is */
  readonly password?: string;
}

/** A password that was proved, to be true still when what it permits is committed. */
export interface Proof {
  readonly password: string;
  /** The hash it was compared with. */
  readonly credential: string;
}

export async function setPassword(
  options: UserServiceOptions,
  userId: string,
  password: string,
  actor: string,
  proof?: Proof,
): Promise<UserRecord> {
  const { store, limits, passwords } = options;
  const { username } = (await requireUser(store, userId)).value;
  const credential = await passwords.hash(checkNewPassword(password, username));
  const user = await change(options, userId, { what: "password", actor }, async (before) => {
    await checkProof(options, before, proof);
    return withNewEpoch(before, { credential });
  });
  await limits.clearLogin(user.username);
  return user;
}

export async function setScopes(
  options: UserServiceOptions,
  userId: string,
  scopes: readonly string[],
  actor: string,
): Promise<UserRecord> {
  const checked = checkScopes(scopes);
  return change(options, userId, { what: "scopes", actor }, (user) => withNewEpoch(user, { scopes: checked }));
}

export function setDisabled(
  options: UserServiceOptions,
  userId: string,
  disabled: boolean,
  actor: string,
): Promise<UserRecord> {
  const what = disabled ? "disabled" : "enabled";
  return change(options, userId, { what, actor }, (user) => withNewEpoch(user, { disabled }));
}

export async function revokeAllFamilies(options: UserServiceOptions, userId: string, actor: string): Promise<void> {
  await change(options, userId, { what: "logins", actor }, (user) => withNewEpoch(user, {}));
}

export async function deleteUser(options: UserServiceOptions, userId: string, actor: string): Promise<void> {
  const { store, audit } = options;
  await requireUser(store, userId);
  await audit.update<UserRecord, RecordedEdit<UserRecord>>(keys.user(userId), async (item) => {
    const found = required(item);
    const guards = await guardUserChange(store, { item: found, after: undefined });
    const also = [await releaseOf(store, found.value.username), ...guards];
    return { also, events: [{ name: "user.deleted", fields: { userId, actor } }] };
  });
}

/** Refresh families made under the old epoch are dead from this write on. */
function withNewEpoch(user: UserRecord, fields: Partial<UserRecord>): UserRecord {
  return { ...user, ...fields, epoch: user.epoch + 1 };
}

/** An edit of a user, and what the user is after it. */
interface ChangedUser extends RecordedEdit<UserRecord> {
  readonly changed: UserRecord;
}

/** Changes a user and records it, in one commit that leaves somebody who can become superuser. */
async function change(
  { store, audit }: UserServiceOptions,
  userId: string,
  told: { readonly what: string; readonly actor: string },
  edit: (user: UserRecord) => UserRecord | Promise<UserRecord>,
): Promise<UserRecord> {
  await requireUser(store, userId);
  const made = await audit.update<UserRecord, ChangedUser>(keys.user(userId), async (item) => {
    const found = required(item);
    const changed = await edit(found.value);
    const also = await guardUserChange(store, { item: found, after: changed });
    const events = [{ name: "user.changed", fields: { userId, ...told } }] as const;
    return { draft: userDraft(changed), also, events, changed };
  });
  if (made === undefined) throw new CountersignError("not_found");
  return made.changed;
}

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
  const renamed = await audit.update<UserRecord, ChangedUser>(keys.user(userId), async (item) => {
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

/**
 * Makes sure that a password which proved a change still is the user's when the change is committed: of several changes
 * that prove the same password one happens, and the others are refused as any wrong password is.
 *
 * @throws {CountersignError} `invalid_grant`
 */
async function checkProof(
  { passwords }: Pick<UserServiceOptions, "passwords">,
  user: UserRecord,
  proof: Proof | undefined,
): Promise<void> {
  if (proof === undefined || proof.credential === user.credential) return;
  // Another hash need not be another password: a login may have made it anew.
  const password = opaquePassword(proof.password);
  if (password !== undefined && (await passwords.verify(password, user.credential))) return;
  throw new CountersignError("invalid_grant", { detail: "the password was changed meanwhile" });
}

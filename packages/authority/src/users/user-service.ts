import { checkAfter, listMatching } from "../listing.ts";
import { keys, owners } from "../store/keys.ts";
import type { FamilyRecord, UserRecord } from "../store/records.ts";
import type { Item, Store } from "../store/store.ts";
import { normaliseUsername } from "../values/username.ts";
import { authenticate, type Login } from "./authentication.ts";
import {
  deleteUser,
  type Proof,
  type Renaming,
  rename,
  revokeAllFamilies,
  setDisabled,
  setPassword,
  setScopes,
} from "./changes.ts";
import { families, revokeFamily } from "./families.ts";
import { type Registration, register } from "./new-user.ts";
import { readUser, readUserNamed, type UserServiceOptions } from "./user-items.ts";

/** Which users to list. */
export interface UserPage {
  /** 1 to 1,000. */
  readonly limit: number;
  readonly after?: string;
  /** Part of a username or full name, in any case, or a whole user id. */
  readonly search?: string;
}

/**
 * People: their names, passwords, scopes and logins. Each change is one commit with its audit record: neither is there
 * without the other.
 *
 * Changes of password, scopes or permission to log in, and deletion, revoke all refresh families of the user. Methods
 * that take a user id refuse with `not_found` when there is no such user, and with `conflict` when they lose too many
 * races.
 */
export interface UserService {
  /** The normal form under which a username is unique, or a refusal `invalid_username`. */
  normalise(username: string): string;
  /** The user a name belongs to: disabled users are found too. */
  byUsername(username: string): Promise<UserRecord | undefined>;
  byId(userId: string): Promise<UserRecord | undefined>;
  /**
   * The enabled user whose name and password these are. Counts the attempt first and computes one password hash whatever
   * the outcome. Refuses with the same `invalid_grant` whether name or password is wrong, the user is disabled, or the
   * account is delayed after wrong attempts; with `too_many_requests` when the address has tried too often.
   */
  authenticate(login: Login): Promise<UserRecord>;
  /**
   * Adds a user. Refuses with `invalid_username`, `invalid_password`, `invalid_scope` or `invalid_request` (full name),
   * `already_exists` when the name is taken, `access_denied` when the invitation is used, expired or unknown.
   */
  register(registration: Registration, actor: string): Promise<UserRecord>;
  /**
   * Gives a user another name. The old one is free at once; the user id and, unless a password comes with it, the logins
   * stay. Name and password change in one write, or neither does.
   */
  rename(userId: string, to: Renaming, actor: string, proof?: Proof): Promise<UserRecord>;
  /**
   * Also ends the delay of an account that was tried too often. With a proof it is refused with `invalid_grant` when that is
   * the password no more.
   */
  setPassword(userId: string, password: string, actor: string, proof?: Proof): Promise<UserRecord>;
  setScopes(userId: string, scopes: readonly string[], actor: string): Promise<UserRecord>;
  setDisabled(userId: string, disabled: boolean, actor: string): Promise<UserRecord>;
  delete(userId: string, actor: string): Promise<void>;
  /** Users in the order of their ids, after the id `after`. A search reads every user until it has found `limit`. */
  list(page: UserPage): Promise<readonly UserRecord[]>;
  /** The user's live refresh families: one a device. */
  families(userId: string): Promise<readonly Item<FamilyRecord>[]>;
  revokeFamily(userId: string, familyId: string, actor: string): Promise<void>;
  revokeAllFamilies(userId: string, actor: string): Promise<void>;
}

/**
 * Makes the service that keeps users in the store.
 *
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const { services } = await testAuthority();
 * const alice = { username: "Alice", password: "correct horse battery", fullName: "Alice", scopes: ["read"] };
 * const { username } = await services.users.register(alice, "admin_id");
 * username; // "alice"
 * ```
 */
export function createUserService(options: UserServiceOptions): UserService {
  return {
    normalise: normaliseUsername,
    byUsername: async (username) => (await readUserNamed(options.store, normaliseUsername(username)))?.value,
    byId: async (userId) => (await readUser(options.store, userId))?.value,
    authenticate: (login) => authenticate(options, login),
    register: (registration, actor) => register(options, registration, actor),
    rename: (userId, to, actor, proof) => rename(options, userId, to, actor, proof),
    setPassword: (userId, password, actor, proof) => setPassword(options, userId, password, actor, proof),
    setScopes: (userId, scopes, actor) => setScopes(options, userId, scopes, actor),
    setDisabled: (userId, disabled, actor) => setDisabled(options, userId, disabled, actor),
    delete: (userId, actor) => deleteUser(options, userId, actor),
    list: (page) => list(options.store, page),
    families: (userId) => families(options, userId),
    revokeFamily: (userId, familyId, actor) => revokeFamily(options, userId, familyId, actor),
    revokeAllFamilies: (userId, actor) => revokeAllFamilies(options, userId, actor),
  };
}

async function list(store: Store, { limit, after, search }: UserPage): Promise<readonly UserRecord[]> {
  const wanted = search?.toLowerCase();
  return listMatching<UserRecord>(store, owners.users(), {
    limit,
    after: after === undefined ? undefined : keys.user(checkAfter(after)),
    matches:
      wanted === undefined
        ? undefined
        : ({ userId, username, fullName }) =>
            userId === search || username.includes(wanted) || fullName.toLowerCase().includes(wanted),
  });
}

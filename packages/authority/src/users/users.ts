import type { FamilyRecord, UserRecord } from "../store/records.ts";
import type { Item } from "../store/store.ts";

/** What somebody who registers says of themselves. */
export interface Registration {
  readonly username: string;
  readonly password: string;
  /** 1 to 256 characters, no controls. */
  readonly fullName: string;
  readonly scopes: readonly string[];
  /** The code of an invitation: it is used up when the name is won. */
  readonly invitation?: string;
}

/** Who claims to be whom. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
  readonly address?: string;
}

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

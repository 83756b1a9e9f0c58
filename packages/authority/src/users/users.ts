import type { FamilyRecord, UserRecord } from "../store/records.ts";
import type { Item } from "../store/store.ts";

/** What somebody who registers says of themselves. */
export interface Registration {
  readonly username: string;
  readonly password: string;
  readonly fullName: string;
  readonly scopes: readonly string[];
}

/** People: their names, passwords, scopes and logins. Each change is one conditional write and one audit record. */
export interface UserService {
  /** The normal form under which a username is unique, or a refusal `invalid_username`. */
  normalise(username: string): string;
  /** The user a name belongs to: both the claim and the user's record say so. Disabled users are found too. */
  byUsername(username: string): Promise<UserRecord | undefined>;
  byId(userId: string): Promise<UserRecord | undefined>;
  /** Whether name and password match an enabled user; counts the attempt first, and takes the same time either way. */
  authenticate(login: {
    readonly username: string;
    readonly password: string;
    readonly clientId: string;
    readonly address?: string;
  }): Promise<UserRecord>;
  register(registration: Registration, actor: string): Promise<UserRecord>;
  rename(userId: string, username: string, actor: string): Promise<UserRecord>;
  setPassword(userId: string, password: string, actor: string): Promise<UserRecord>;
  setScopes(userId: string, scopes: readonly string[], actor: string): Promise<UserRecord>;
  setDisabled(userId: string, disabled: boolean, actor: string): Promise<UserRecord>;
  delete(userId: string, actor: string): Promise<void>;
  list(page: {
    readonly limit: number;
    readonly after?: string;
    readonly search?: string;
  }): Promise<readonly UserRecord[]>;
  /** The user's live refresh families: one a device. */
  families(userId: string): Promise<readonly Item<FamilyRecord>[]>;
  revokeFamily(userId: string, familyId: string, actor: string): Promise<void>;
  revokeAllFamilies(userId: string, actor: string): Promise<void>;
}

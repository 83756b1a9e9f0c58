import { CountersignError, randomSecret, randomUuid } from "@countersign/protocol";
import { INCARNATION_BYTES, type UserRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";
import { displayName } from "../values/display-name.ts";
import { checkNewPassword } from "../values/password.ts";
import { checkScopes } from "../values/scope.ts";
import { normaliseUsername } from "../values/username.ts";
import { readInvitation } from "./invitations.ts";
import { claimOf, createdUser, type UserServiceOptions } from "./user-items.ts";

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

/** Lost races in a row before giving up: each is somebody who uses the same name or invitation. */
const MAX_ATTEMPTS = 16;

/**
 * Adds a user: the user, its name, the invitation that is used up and the record are one commit. The password is hashed
 * whether the name is free or not.
 */
export async function register(
  options: UserServiceOptions,
  registration: Registration,
  actor: string,
): Promise<UserRecord> {
  const user = await makeUser(options, registration, `user_${randomUuid(options.random)}`);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { used, by = actor } = await useInvitation(options, registration.invitation);
    const name = await claimOf(options.store, user.username, user.userId);
    const event = { name: "user.registered", fields: { userId: user.userId, actor: by } } as const;
    const { failed } = await options.audit.commit([createdUser(user), name, ...used], [event]);
    if (failed === undefined) return user;
  }
  throw new CountersignError("conflict", { detail: "others used the same name or invitation, again and again" });
}

/** What uses an invitation up, and whom the record names then. */
async function useInvitation(
  { store }: UserServiceOptions,
  code: string | undefined,
): Promise<{ readonly used: readonly Change[]; readonly by?: string }> {
  if (code === undefined) return { used: [] };
  const { key, version, value } = await readInvitation(store, code);
  return { used: [{ key, expectedVersion: version, remove: true }], by: value.invitationId };
}

/** Checks a registration and makes the record of its user. */
export async function makeUser(
  { clock, random, passwords }: Pick<UserServiceOptions, "clock" | "random" | "passwords">,
  registration: Registration,
  userId: string,
): Promise<UserRecord> {
  const username = normaliseUsername(registration.username);
  const fullName = checkFullName(registration.fullName);
  const scopes = checkScopes(registration.scopes);
  const credential = await passwords.hash(checkNewPassword(registration.password, username));
  const incarnation = randomSecret(random, INCARNATION_BYTES);
  const createdAt = clock.now();
  return { userId, username, fullName, credential, scopes, disabled: false, createdAt, epoch: 1, incarnation };
}

function checkFullName(text: string): string {
  const name = displayName(text);
  if (name !== undefined) return name;
  throw new CountersignError("invalid_request", { hint: "The full name must have 1 to 256 characters, no controls" });
}

import { CountersignError, randomUuid } from "@countersign/protocol";
import { displayName } from "../display-name.ts";
import { checkScopes } from "../scope.ts";
import { keys } from "../store/keys.ts";
import type { UserRecord } from "../store/records.ts";
import { peekInvitation, redeemInvitation } from "./invitations.ts";
import { checkNewPassword } from "./password-text.ts";
import { userDraft } from "./user-items.ts";
import type { UserServiceOptions } from "./user-service-options.ts";
import { normaliseUsername } from "./username.ts";
import { claimUsername } from "./username-claims.ts";
import type { Registration } from "./users.ts";

/** Adds a user: hash, claim the name, use up the invitation, record, commit. The hash is made whether the name is free or not. */
export async function register(
  options: UserServiceOptions,
  registration: Registration,
  actor: string,
): Promise<UserRecord> {
  const { store, audit, random } = options;
  const user = await makeUser(options, registration, `user_${randomUuid(random)}`);
  if (registration.invitation !== undefined) await peekInvitation(store, registration.invitation);
  await claimUsername(options, user.username, user.userId);
  const invitation =
    registration.invitation === undefined ? undefined : await redeemInvitation(store, registration.invitation);
  await audit.record("user.registered", { userId: user.userId, actor: invitation ?? actor });
  const version = await store.swap(keys.user(user.userId), 0, userDraft(user));
  if (version === undefined) throw new CountersignError("conflict", { detail: "the registration was overtaken" });
  return user;
}

/** Checks a registration and makes the record of its user. */
export async function makeUser(
  { clock, passwords }: Pick<UserServiceOptions, "clock" | "passwords">,
  registration: Registration,
  userId: string,
): Promise<UserRecord> {
  const username = normaliseUsername(registration.username);
  const fullName = checkFullName(registration.fullName);
  const scopes = checkScopes(registration.scopes);
  const credential = await passwords.hash(checkNewPassword(registration.password, username));
  return { userId, username, fullName, credential, scopes, disabled: false, createdAt: clock.now(), epoch: 1 };
}

function checkFullName(text: string): string {
  const name = displayName(text);
  if (name !== undefined) return name;
  throw new CountersignError("invalid_request", { hint: "The full name must have 1 to 256 characters, no controls" });
}

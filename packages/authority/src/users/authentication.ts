import { CountersignError, defined } from "@countersign/protocol";
import { keys } from "../store/keys.ts";
import type { UserRecord } from "../store/records.ts";
import type { Item } from "../store/store.ts";
import { addressBlocks } from "../values/address.ts";
import { opaquePassword } from "../values/password.ts";
import { normaliseUsername } from "../values/username.ts";
import { readUserNamed, type UserServiceOptions, userDraft } from "./user-items.ts";

/** Who claims to be whom. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
  readonly address?: string;
}

/** What attempts at names that nobody can have are counted under: no username holds a space. */
const MALFORMED_NAMES = "malformed names";

/**
 * Judges a name and a password. The order is the defence: the attempt is counted before anything is hashed, and one
 * hash is computed on every path, so neither parallel guesses nor the time a response takes give anything away.
 */
export async function authenticate(options: UserServiceOptions, login: Login): Promise<UserRecord> {
  const { store, limits, passwords, audit } = options;
  const { clientId, address } = login;
  const from = address === undefined ? {} : { address };
  const queue = queueOf(address);
  const username = tryNormalise(login.username);
  const password = opaquePassword(login.password);
  const attempt = { username: username ?? MALFORMED_NAMES, ...from };
  const mayTry = await limits.countLogin(attempt);
  const item = username === undefined ? undefined : await readUserNamed(store, username);
  if (!mayTry) {
    // Never the name as it was given: somebody may have typed a password there.
    audit.notice("login.locked", { clientId, ...defined({ userId: item?.value.userId }), ...from });
    await passwords.verify("", undefined, queue);
    throw refuse("account delayed after wrong attempts");
  }
  const credential = password === undefined ? undefined : item?.value.credential;
  const isRight = await passwords.verify(password ?? "", credential, queue);
  if (item === undefined) throw refuse("unknown user");
  if (!isRight || password === undefined) throw refuse("wrong password");
  if (item.value.disabled) throw refuse("user disabled");
  await limits.loginSucceeded(attempt);
  return rehash(options, item, password);
}

/** Replaces a hash of former parameters while the password is at hand. Best effort: the login stands without it. */
async function rehash(
  { store, passwords }: UserServiceOptions,
  { value, version }: Item<UserRecord>,
  password: string,
): Promise<UserRecord> {
  if (!passwords.isOutdated(value.credential)) return value;
  try {
    const rehashed = { ...value, credential: await passwords.hash(password) };
    const written = await store.swap(keys.user(value.userId), version, userDraft(rehashed));
    return written === undefined ? value : rehashed;
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return value;
  }
}

/** Attempts from one block of addresses wait behind each other, so that they cannot take every slot. */
function queueOf(address: string | undefined): string {
  const { narrow, wide } = addressBlocks(address);
  return wide ?? narrow;
}

function tryNormalise(username: string): string | undefined {
  try {
    return normaliseUsername(username);
  } catch {
    return undefined;
  }
}

function refuse(detail: string): CountersignError {
  return new CountersignError("invalid_grant", { detail });
}

import { CountersignError, defined } from "@countersign/protocol";
import { owners } from "../store/keys.ts";
import type { ClientRecord, UserRecord } from "../store/records.ts";
import type { Change, Item, Store } from "../store/store.ts";
import { CLIENT_CREDENTIALS, PASSWORD } from "../values/grant-type.ts";
import { SUPERUSER } from "../values/scope.ts";

/** An item before a change, and what its value is after it; nothing when it is removed. */
interface Changing<Value> {
  readonly item: Item<Value>;
  readonly after: Value | undefined;
}

const PAGE_SIZE = 1000;

/**
 * Refuses a change of a user that leaves nobody who can become superuser. Resolves to guards for the same commit: the items
 * by which somebody still can, so that of two such changes at once one is refused.
 *
 * @throws {CountersignError} `last_superuser`
 */
export async function guardUserChange(store: Store, changing: Changing<UserRecord>): Promise<readonly Change[]> {
  const { item, after } = changing;
  if (!isSuperuser(item.value) || (after !== undefined && isSuperuser(after))) return [];
  const others = { user: (user: Item<UserRecord>) => user.key !== item.key };
  return (await findPath(store, others)) ?? refuseUnlessLost(store);
}

/** The same for a change of a client. */
export async function guardClientChange(store: Store, changing: Changing<ClientRecord>): Promise<readonly Change[]> {
  const { item, after } = changing;
  const before = waysOf(item.value);
  const left = after === undefined ? [] : waysOf(after);
  if (before.every((way) => left.includes(way))) return [];
  // Without the changed client, and if that is not enough by what is left of it.
  const others = { client: (client: Item<ClientRecord>) => client.key !== item.key };
  const path = await findPath(store, others);
  if (path !== undefined) return path;
  if (left.includes("alone")) return [];
  const user = left.includes("for users")
    ? await firstOf<UserRecord>(store, owners.users(), isSuperuserItem)
    : undefined;
  return user === undefined ? refuseUnlessLost(store) : [guard(user)];
}

interface Others {
  readonly user?: (item: Item<UserRecord>) => boolean;
  readonly client?: (item: Item<ClientRecord>) => boolean;
}

/** A client that is superuser by itself, or one for users and a user who is. */
async function findPath(store: Store, { user, client }: Others): Promise<readonly Change[] | undefined> {
  const isOther = client ?? (() => true);
  const has = (way: Way) => (item: Item<ClientRecord>) => isOther(item) && waysOf(item.value).includes(way);
  const alone = await firstOf<ClientRecord>(store, owners.clients(), has("alone"));
  if (alone !== undefined) return [guard(alone)];
  const clientForUsers = await firstOf<ClientRecord>(store, owners.clients(), has("for users"));
  if (clientForUsers === undefined) return undefined;
  const isOtherUser = user ?? (() => true);
  const superuser = await firstOf<UserRecord>(
    store,
    owners.users(),
    (item) => isSuperuserItem(item) && isOtherUser(item),
  );
  return superuser === undefined ? undefined : [guard(clientForUsers), guard(superuser)];
}

/** Refuses, unless nobody could become superuser before the change either. */
async function refuseUnlessLost(store: Store): Promise<readonly Change[]> {
  if ((await findPath(store, {})) === undefined) return [];
  throw new CountersignError("last_superuser");
}

type Way = "alone" | "for users";

/** How a client leads to a token with the scope superuser. */
function waysOf({ disabled, scopes, grants, ...credentials }: ClientRecord): readonly Way[] {
  if (disabled || !scopes.includes(SUPERUSER)) return [];
  const { secrets, jwks, certificate } = credentials;
  const hasCredential = secrets.length > 0 || jwks !== undefined || certificate !== undefined;
  const isAlone = hasCredential && grants.includes(CLIENT_CREDENTIALS);
  return [...(isAlone ? ["alone" as const] : []), ...(grants.includes(PASSWORD) ? ["for users" as const] : [])];
}

function isSuperuser({ disabled, scopes }: UserRecord): boolean {
  return !disabled && scopes.includes(SUPERUSER);
}

function isSuperuserItem({ value }: Item<UserRecord>): boolean {
  return isSuperuser(value);
}

function guard({ key, version }: Item): Change {
  return { key, expectedVersion: version };
}

async function firstOf<Value>(
  store: Store,
  owner: string,
  matches: (item: Item<Value>) => boolean,
): Promise<Item<Value> | undefined> {
  for (let after: string | undefined; ; ) {
    const page: readonly Item<Value>[] = await store.list<Value>(owner, {
      limit: PAGE_SIZE,
      ...defined({ after }),
    });
    const found = page.find(matches);
    if (found !== undefined || page.length < PAGE_SIZE) return found;
    after = page.at(-1)?.key;
  }
}

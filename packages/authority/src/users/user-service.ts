import { checkAfter, listMatching } from "../listing.ts";
import { keys, owners } from "../store/keys.ts";
import type { UserRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import { authenticate } from "./authentication.ts";
import { changes } from "./changes.ts";
import { families, revokeFamily } from "./families.ts";
import { register } from "./registration.ts";
import { rename } from "./renaming.ts";
import { readUser, readUserNamed } from "./user-items.ts";
import type { UserServiceOptions } from "./user-service-options.ts";
import { normaliseUsername } from "./username.ts";
import type { UserPage, UserService } from "./users.ts";

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
    ...changes(options),
    list: (page) => list(options.store, page),
    families: (userId) => families(options, userId),
    revokeFamily: (userId, familyId, actor) => revokeFamily(options, userId, familyId, actor),
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

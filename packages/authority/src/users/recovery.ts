import type { RecordedEdit } from "../audit/trail.ts";
import type { ClientService } from "../clients/client-service.ts";
import { decide } from "../policy/decide.ts";
import type { Services } from "../services.ts";
import { keys } from "../store/keys.ts";
import type { UserRecord } from "../store/records.ts";
import { SUPERUSER } from "../values/scope.ts";
import { loopbackClient } from "./first-start.ts";
import { makeUser } from "./new-user.ts";
import { administrator, claimOf, type UserServiceOptions, userDraft } from "./user-items.ts";

/** What a recovery works with. */
export type RecoveryOptions = UserServiceOptions &
  Pick<Services, "config" | "policy"> & { readonly clients: ClientService };

/** What became of a recovery. */
export interface Recovery extends UserRecord {
  /** Whether the policy of the store refused superuser to the administrator, and was removed. Its history stays. */
  readonly isPolicyRemoved: boolean;
}

const ACTOR = "admin recover";

/**
 * Brings the administrator and the client `loopback` back to what a first start makes of them, whatever has become of them:
 * disabled, deleted, without scopes, refused by the policy. Ends the logins and delays of the administrator. For those who can
 * open the store and can log in no more.
 *
 * @throws {CountersignError} `invalid_password`; `already_exists` when another user has the name of the administrator.
 */
export async function recoverAdministrator(options: RecoveryOptions, password: string): Promise<Recovery> {
  const user = await recoverUser(options, password);
  await recoverLoopback(options.clients);
  await options.limits.clearLogin(user.username);
  return { ...user, isPolicyRemoved: await removePolicyThatRefuses(user, options) };
}

/** A policy of the configuration is left alone: who can open the store can edit that. */
async function removePolicyThatRefuses(user: UserRecord, { policy, config }: RecoveryOptions): Promise<boolean> {
  const { origin, policy: document } = await policy.current();
  if (document === undefined || origin !== "store") return false;
  const { userId: subject, scopes: roles } = user;
  const { clientId: client = "" } = loopbackClient;
  const asking = { kind: "access_token", subject, roles, client, scope: SUPERUSER, audience: config.issuer } as const;
  if (decide(document, asking).allowed) return false;
  await policy.remove({ actor: ACTOR });
  return true;
}

interface Recovered extends RecordedEdit<UserRecord> {
  readonly user: UserRecord;
}

async function recoverUser(options: RecoveryOptions, password: string): Promise<UserRecord> {
  const { store, audit } = options;
  const { userId } = administrator;
  const fresh = await makeUser(options, { ...administrator, scopes: [SUPERUSER], password }, userId);
  const made = await audit.update<UserRecord, Recovered>(keys.user(userId), async (item) => {
    const user = item === undefined ? fresh : recovered(item.value, fresh.credential);
    const also = item === undefined ? [await claimOf(store, user.username, userId)] : [];
    const events: Recovered["events"] =
      item === undefined
        ? [{ name: "user.registered", fields: { userId, actor: ACTOR } }]
        : [{ name: "user.changed", fields: { userId, actor: ACTOR, what: "recovered" } }];
    return { draft: userDraft(user), also, events, user };
  });
  return made?.user ?? fresh;
}

function recovered(user: UserRecord, credential: string): UserRecord {
  const scopes = [...new Set([...user.scopes, SUPERUSER])];
  return { ...user, credential, scopes, disabled: false, epoch: user.epoch + 1 };
}

async function recoverLoopback(clients: ClientService): Promise<void> {
  const { clientId, ...settings } = loopbackClient;
  if ((await clients.byId(clientId)) === undefined) await clients.create(loopbackClient, ACTOR);
  else await clients.update(clientId, settings, ACTOR);
}

import { CountersignError, randomSecret } from "@countersign/protocol";
import type { ClientService } from "../clients/client-service.ts";
import type { ClientSettings } from "../clients/client-settings.ts";
import { keys } from "../store/keys.ts";
import type { BootstrapRecord, UserRecord } from "../store/records.ts";
import type { Draft, Item, Store } from "../store/store.ts";
import { PASSWORD } from "../values/grant-type.ts";
import { SUPERUSER } from "../values/scope.ts";
import { makeUser } from "./new-user.ts";
import { administrator, claimOf, type UserServiceOptions, userDraft } from "./user-items.ts";

/** What a first start works with. */
export type FirstStartOptions = Omit<UserServiceOptions, "limits"> & { readonly clients: ClientService };

/** What a start has to tell. */
export interface FirstStart {
  /** 32 characters, when this start made the administrator: to be shown once. */
  readonly adminPassword?: string;
  /**
   * Says that the password was shown; from then on no start makes another. Rejects with `conflict` when another node
   * took over because this one was too slow: then that node shows a password, and this one is void.
   */
  confirmShown(): Promise<void>;
}

/** A start that holds the first start for longer has crashed, or will find that it was overtaken. */
const HOLD_MS = 5000;
const POLL_MS = 250;
const PASSWORD_BYTES = 24;
const adminId = administrator.userId;

/**
 * Makes the administrator and the client it logs in with, once, over any number of nodes and crashes. A start that
 * finds the administrator made but its password not shown makes a new password; a start that finds another node at
 * it waits for that node, at most 5 s, unless the store is its own: then that node is no more.
 *
 * @example
 * ```ts
 * import { prepareFirstStart } from "@countersign/authority";
 * import { testAuthority } from "@countersign/authority/testing";
 * const { services } = await testAuthority();
 * const { adminPassword, confirmShown } = await prepareFirstStart(services);
 * adminPassword?.length; // 32
 * await confirmShown();
 * ```
 */
export async function prepareFirstStart(options: FirstStartOptions): Promise<FirstStart> {
  const { store, clock, random } = options;
  const holder = randomSecret(random, 16);
  for (let waitedMs = 0; ; ) {
    const current = await store.get<BootstrapRecord>(keys.bootstrap());
    if (current?.value.shownAt !== undefined) return { confirmShown: async () => {} };
    // The clocks of two nodes may differ by more than a hold lasts; waiting too little is safe, waiting on is not.
    if (!store.exclusive && current && clock.now() < current.value.heldAt + HOLD_MS && waitedMs < HOLD_MS) {
      await clock.sleep(POLL_MS);
      waitedMs += POLL_MS;
      continue;
    }
    const first = await makeAdministrator(options, { holder, version: current?.version ?? 0 });
    if (first !== undefined) return first;
  }
}

/**
 * Whether a first start was completed on a store: its administrator was made, and the password shown.
 *
 * @example
 * ```ts
 * import { isFirstStartComplete } from "@countersign/authority";
 * import { testAuthority } from "@countersign/authority/testing";
 * const { services } = await testAuthority();
 * await isFirstStartComplete(services.store); // false
 * ```
 */
export async function isFirstStartComplete(store: Store): Promise<boolean> {
  return (await store.get<BootstrapRecord>(keys.bootstrap()))?.value.shownAt !== undefined;
}

interface Hold {
  readonly holder: string;
  readonly version: number;
}

/** `undefined` when another node was first at any step. */
async function makeAdministrator(options: FirstStartOptions, before: Hold): Promise<FirstStart | undefined> {
  const held = await hold(options, before);
  if (held === undefined) return undefined;
  const adminPassword = randomSecret(options.random, PASSWORD_BYTES);
  const registration = { ...administrator, scopes: [SUPERUSER], password: adminPassword };
  const user = await makeUser(options, registration, adminId);
  if (!(await writeAdministrator(options, user, held))) return undefined;
  await makeLoopbackClient(options.clients);
  // Taken again, so that a node which was overtaken shows nothing, and the time to show it starts now.
  const shown = await hold(options, held);
  if (shown === undefined) return undefined;
  return { adminPassword, confirmShown: () => confirm(options, shown) };
}

async function hold({ store, clock }: FirstStartOptions, { holder, version }: Hold): Promise<Hold | undefined> {
  const draft: Draft<BootstrapRecord> = { value: { holder, heldAt: clock.now() } };
  const next = await store.swap(keys.bootstrap(), version, draft);
  return next === undefined ? undefined : { holder, version: next };
}

async function confirm({ store, clock }: FirstStartOptions, { holder, version }: Hold): Promise<void> {
  const now = clock.now();
  const draft: Draft<BootstrapRecord> = { value: { holder, heldAt: now, shownAt: now } };
  if ((await store.swap(keys.bootstrap(), version, draft)) === undefined) throw new CountersignError("conflict");
}

/** The hold is guarded in the commit that writes the user: whoever was overtaken writes nothing. */
async function writeAdministrator(options: FirstStartOptions, user: UserRecord, held: Hold): Promise<boolean> {
  const { store, audit } = options;
  const place = await store.get<UserRecord>(keys.user(adminId));
  const written = {
    key: keys.user(adminId),
    expectedVersion: place?.version ?? 0,
    draft: userDraft(afresh(user, place)),
  };
  const guard = { key: keys.bootstrap(), expectedVersion: held.version };
  const name = place === undefined ? [await claimOf(store, user.username, adminId)] : [];
  const fields = { userId: adminId, actor: "first start" };
  const { failed } = await audit.commit([written, guard, ...name], [{ name: "user.registered", fields }]);
  return failed === undefined;
}

/** What a crashed first start left keeps its name and age, and gets the new password. */
function afresh(user: UserRecord, place: Item<UserRecord> | undefined): UserRecord {
  if (place === undefined) return user;
  return { ...place.value, credential: user.credential, epoch: place.value.epoch + 1 };
}

/** The client by which this machine logs in. */
export const loopbackClient: ClientSettings & { readonly clientId: string } = {
  clientId: "loopback",
  clientName: "loopback",
  scopes: [SUPERUSER],
  grants: [PASSWORD],
  loopback: true,
  authMethod: "none",
  token: {},
  disabled: false,
};

async function makeLoopbackClient(clients: ClientService): Promise<void> {
  if ((await clients.byId(loopbackClient.clientId)) !== undefined) return;
  try {
    await clients.create(loopbackClient, "first start");
  } catch (error) {
    if (!(error instanceof CountersignError && error.code === "already_exists")) throw error;
  }
}

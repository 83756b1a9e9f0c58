import {
  type Clock,
  CountersignError,
  defined,
  type Random,
  randomSecret,
  randomUuid,
  sha256,
} from "@countersign/protocol";
import type { AuditTrail, RecordedEdit } from "../audit/trail.ts";
import type { KeyRing } from "../keys/ring.ts";
import { checkAfter, listMatching } from "../listing.ts";
import { keys, owners } from "../store/keys.ts";
import { type ClientRecord, type ClientSecret, INCARNATION_BYTES } from "../store/records.ts";
import type { Draft, Item, Store } from "../store/store.ts";
import { guardClientChange } from "../users/superuser-path.ts";
import { isId } from "../values/id.ts";
import { isLifetime } from "../values/lifetime.ts";
import {
  type ClientSettings,
  checkClientId,
  checkSettings,
  type OfferedGrants,
  usesSecret,
} from "./client-settings.ts";

/** Which clients to list. */
export interface ClientPage {
  /** 1 to 1,000. */
  readonly limit: number;
  readonly after?: string;
  /** Part of a client id or name, in any case. */
  readonly search?: string;
}

/**
 * Applications: their grants, scopes and credentials. Each change is one commit with its audit record.
 * Methods that take a client id refuse with `not_found` when there is no such client; settings that are malformed or
 * contradict each other are `invalid_client_metadata`.
 */
export interface ClientService {
  byId(clientId: string): Promise<ClientRecord | undefined>;
  /** Creates a client; the secret is made when the method is client_secret_*, and given out only here. */
  create(settings: ClientSettings, actor: string): Promise<{ readonly client: ClientRecord; readonly secret?: string }>;
  /**
   * Replaces the settings given, those of `token` one by one; the others stay. A client that changes to a method with a
   * secret has none until `rotateSecret`.
   */
  update(clientId: string, changes: Partial<ClientSettings>, actor: string): Promise<ClientRecord>;
  /**
   * A new secret; the newest old one goes on working for `overlapMs`, 0 to 90 days. Refuses with `conflict` when another
   * rotation came first: of those that run at once one gives a secret, and that works.
   */
  rotateSecret(
    clientId: string,
    overlapMs: number,
    actor: string,
  ): Promise<{ readonly client: ClientRecord; readonly secret: string }>;
  /** Removes a client. Its refresh families die with it, because a refresh reads the client. */
  delete(clientId: string, actor: string): Promise<void>;
  /** Clients in the order of their ids, after the id `after`. A search reads every client until it has found `limit`. */
  list(page: ClientPage): Promise<readonly ClientRecord[]>;
}

/** What a client service is made of. */
export interface ClientServiceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditTrail;
  /** Told of the algorithms that clients are set to. */
  readonly keys: Pick<KeyRing, "announce">;
  readonly grants: OfferedGrants;
}

/**
 * Makes the service that keeps clients in the store.
 *
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const { services } = await testAuthority();
 * const { client, secret } = await services.clients.create({
 *   clientName: "Reports", scopes: ["read"], grants: ["client_credentials"], loopback: false,
 *   authMethod: "client_secret_basic", token: {}, disabled: false,
 * }, "admin_id");
 * secret?.length; // 43
 * ```
 */
export function createClientService(options: ClientServiceOptions): ClientService {
  const { store, clock, random, audit, grants } = options;
  return {
    byId: async (clientId) => (await readClient(store, clientId))?.value,

    async create({ clientId: given, ...wanted }, actor) {
      const settings = checkSettings(wanted, grants);
      await announceFor(settings, options);
      const clientId = given === undefined ? `client_${randomUuid(random)}` : checkClientId(given);
      const made = usesSecret(settings.authMethod) ? makeSecret(options) : undefined;
      const secrets = made === undefined ? [] : [made.record];
      const incarnation = randomSecret(random, INCARNATION_BYTES);
      const client: ClientRecord = { ...settings, clientId, secrets, createdAt: clock.now(), incarnation };
      const created = { key: keys.client(clientId), expectedVersion: 0, draft: draftOf(client) };
      const { failed } = await audit.commit([created], [{ name: "client.created", fields: { clientId, actor } }]);
      if (failed !== undefined) throw new CountersignError("already_exists");
      return made === undefined ? { client } : { client, secret: made.secret };
    },

    async update(clientId, changes, actor) {
      if (changes.clientId !== undefined && changes.clientId !== clientId) {
        throw new CountersignError("invalid_client_metadata", { hint: "The client_id of a client never changes" });
      }
      await announceFor({ token: changes.token ?? {} }, options);
      const what = Object.keys(changes)
        .filter((member) => member !== "clientId")
        .join(" ");
      return change(options, clientId, { what, actor }, (client) => withSettings(client, changes, grants));
    },

    async rotateSecret(clientId, overlapMs, actor) {
      if (!isLifetime("replacedSecret", overlapMs)) {
        throw new CountersignError("invalid_request", { hint: "The overlap must be 0 to 90 days" });
      }
      const { secrets: replaced } = (await requireClient(store, clientId)).value;
      const { record, secret } = makeSecret(options);
      const client = await change(options, clientId, { what: "secret", actor }, (current) => {
        if (!usesSecret(current.authMethod)) {
          throw new CountersignError("invalid_client_metadata", { hint: "This client does not use a secret" });
        }
        if (current.secrets[0]?.secretId !== replaced[0]?.secretId) {
          throw new CountersignError("conflict", {
            hint: "Another rotation came first; use its secret or rotate again",
          });
        }
        return { ...current, secrets: [record, ...stillGood(current.secrets, clock.now(), overlapMs)] };
      });
      return { client, secret };
    },

    async delete(clientId, actor) {
      await requireClient(store, clientId);
      await audit.update<ClientRecord, RecordedEdit<ClientRecord>>(keys.client(clientId), async (item) => {
        const also = await guardClientChange(store, { item: required(item), after: undefined });
        return { also, events: [{ name: "client.deleted", fields: { clientId, actor } }] };
      });
    },

    list: (page) => list(store, page),
  };
}

/** A key is published when a client is set to its algorithm, not when its first token is asked for: it cannot sign at once. */
async function announceFor(
  { token: { algorithm } }: Pick<ClientSettings, "token">,
  { keys: ring }: Pick<ClientServiceOptions, "keys">,
): Promise<void> {
  if (algorithm !== undefined) await ring.announce(algorithm);
}

/** The item of a client, or `undefined` when there is none. */
async function readClient(store: Store, clientId: string): Promise<Item<ClientRecord> | undefined> {
  return isId(clientId) ? store.get<ClientRecord>(keys.client(clientId)) : undefined;
}

async function requireClient(store: Store, clientId: string): Promise<Item<ClientRecord>> {
  return required(await readClient(store, clientId));
}

function required(item: Item<ClientRecord> | undefined): Item<ClientRecord> {
  if (item === undefined) throw new CountersignError("not_found");
  return item;
}

interface ChangedClient extends RecordedEdit<ClientRecord> {
  readonly changed: ClientRecord;
}

/** One commit with its record. An edit that refuses does so before anything is written. */
async function change(
  { store, audit }: ClientServiceOptions,
  clientId: string,
  told: { readonly what: string; readonly actor: string },
  edit: (client: ClientRecord) => ClientRecord,
): Promise<ClientRecord> {
  const { value } = await requireClient(store, clientId);
  const made = await audit.update<ClientRecord, ChangedClient>(keys.client(clientId), async (item) => {
    const found = required(item);
    const changed = edit(found.value);
    const also = await guardClientChange(store, { item: found, after: changed });
    const events = [{ name: "client.changed", fields: { clientId, ...told } }] as const;
    return { draft: draftOf(changed), also, events, changed };
  });
  return made?.changed ?? value;
}

function withSettings(client: ClientRecord, changes: Partial<ClientSettings>, grants: OfferedGrants): ClientRecord {
  const { clientId, secrets, createdAt, incarnation, ...settings } = client;
  const { clientId: _, ...wanted } = changes;
  const token = { ...settings.token, ...wanted.token };
  const changed = checkSettings({ ...settings, ...wanted, token }, grants);
  return { ...changed, clientId, createdAt, incarnation, secrets: usesSecret(changed.authMethod) ? secrets : [] };
}

/** 256 random bits, so a fast hash of it is as good as a slow one. */
function makeSecret({ random, clock }: ClientServiceOptions): {
  readonly record: ClientSecret;
  readonly secret: string;
} {
  const secret = randomSecret(random);
  const secretId = `secret_${randomUuid(random)}`;
  return { secret, record: { secretId, hash: sha256(secret), createdAt: clock.now() } };
}

/** The newest secret so far, until the overlap ends: never more than one old secret beside the new one. */
function stillGood(secrets: readonly ClientSecret[], now: number, overlapMs: number): readonly ClientSecret[] {
  return secrets
    .slice(0, 1)
    .map((secret) => ({
      ...secret,
      expiresAt: Math.min(secret.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs),
    }))
    .filter(({ expiresAt }) => expiresAt > now);
}

function draftOf(client: ClientRecord): Draft<ClientRecord> {
  return { value: client, owner: owners.clients() };
}

async function list(store: Store, { limit, after, search }: ClientPage): Promise<readonly ClientRecord[]> {
  const wanted = search?.toLowerCase();
  return listMatching<ClientRecord>(store, owners.clients(), {
    limit,
    after: after === undefined ? undefined : keys.client(checkAfter(after)),
    matches:
      wanted === undefined
        ? undefined
        : ({ clientId, clientName }) => [clientId, clientName].some((text) => text.toLowerCase().includes(wanted)),
  });
}

const PAGE_SIZE = 200;

/**
 * Publishes a key for the algorithm of each client, as clients may have come by another way than the client service: an
 * import, a restored backup, an earlier version. Stops when the authority closes.
 */
export async function announceForClients({ clients, keys: ring, lifecycle }: AnnounceOptions): Promise<void> {
  let after: string | undefined;
  while (!lifecycle.closing) {
    const page = await clients.list({ limit: PAGE_SIZE, ...defined({ after }) });
    for (const { token } of page) if (token.algorithm !== undefined) await ring.announce(token.algorithm);
    if (page.length < PAGE_SIZE) return;
    after = page.at(-1)?.clientId;
  }
}

interface AnnounceOptions {
  readonly clients: Pick<ClientService, "list">;
  readonly keys: Pick<KeyRing, "announce">;
  readonly lifecycle: { readonly closing: boolean };
}

import { CountersignError, equalInConstantTime, randomSecret, sha256 } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import { userCeiling, within } from "../scope.ts";
import type { Services } from "../services.ts";
import { clockSkewMs } from "../store/clock-skew.ts";
import { keys, owners } from "../store/keys.ts";
import type { ClientRecord, FamilyRecord, UserRecord } from "../store/records.ts";
import type { Item } from "../store/store.ts";
import type { GrantRequest, PresentedFamily } from "./grant.ts";
import { markLength, parseRefreshText, printUnmarked, type RefreshText } from "./refresh-text.ts";

/** A racing request was first; the walk starts again from what the store holds now. */
export class LostRace extends Error {
  override readonly name = "LostRace";
}

/** What a new family is made of. */
export interface FamilyStart {
  readonly user: UserRecord;
  readonly client: ClientRecord;
  readonly request: GrantRequest;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
}

/** A refresh token that was given out, and whose it is. */
export interface GivenRefresh {
  readonly token: string;
  readonly familyId: string;
  readonly deviceName: string;
}

/** How long a dead family stays in the store, so that its spent tokens are still recognised as theft. */
const keepDeadMs = 86_400_000;

/**
 * Judges a refresh token: the live one passes, its predecessor passes as a replay within the window, and any older one
 * is theft, which revokes the family (RFC 9700 section 4.14.2). A token of another client changes and reveals nothing.
 */
export async function presentFamily(
  token: string,
  caller: Caller,
  services: Services,
  address: string | undefined,
): Promise<PresentedFamily> {
  const text = parseRefreshText(token);
  const item = text && (await services.store.get<FamilyRecord>(keys.family(text.familyId)));
  if (text === undefined || item === undefined || !isOf(item.value, caller.client))
    throw refuse("unknown refresh token");
  const family = item.value;
  const now = services.clock.now();
  if (family.revokedAt !== undefined) throw refuse("family revoked");
  if (now >= family.idleExpiresAt || now >= family.absoluteExpiresAt) throw refuse("refresh token expired");
  const presented = { record: family, version: item.version, token };
  const hash = sha256(token);
  if (equalInConstantTime(hash, family.currentHash)) return { ...presented, replay: false };
  const sinceMs = now - family.rotatedAt;
  // Far before its rotation means that the clock was put back: that must not make the window longer.
  const isInWindow = sinceMs >= -clockSkewMs && sinceMs < services.config.tokens.replay_window * 1000;
  const isPrevious = family.previousHash !== undefined && equalInConstantTime(hash, family.previousHash);
  if (isPrevious && isInWindow) return { ...presented, replay: true };
  if (isPrevious || isSpent(text, family, services)) await revokeForReuse(item, services, address);
  throw refuse("refresh token already used or forged");
}

/** Starts a family: one login on one device. */
export async function openFamily(start: FamilyStart, services: Services): Promise<GivenRefresh> {
  const { user, client, request } = start;
  const now = services.clock.now();
  const familyId = randomSecret(services.random, 16);
  const token = marked({ familyId, generation: 0, secret: randomSecret(services.random) }, services);
  const ttl = refreshTtl(client, services);
  const record: FamilyRecord = {
    familyId,
    userId: user.userId,
    clientId: client.clientId,
    scopes: start.scopes,
    audience: start.audience,
    deviceName: deviceName(request),
    createdAt: now,
    currentHash: sha256(token),
    rotatedAt: now,
    generation: 0,
    userEpoch: user.epoch,
    absoluteExpiresAt: now + ttl.absoluteMs,
    idleExpiresAt: now + Math.min(ttl.idleMs, ttl.absoluteMs),
  };
  await writeFamily(record, 0, services);
  services.audit.notice("family.opened", {
    familyId,
    clientId: record.clientId,
    userId: user.userId,
    grant: request.grantType,
  });
  return { token, familyId, deviceName: record.deviceName };
}

/** Rotates a family to the successor of the token presented, in one conditional write. */
export async function rotateFamily(
  family: PresentedFamily,
  client: ClientRecord,
  services: Services,
): Promise<GivenRefresh> {
  const successor = successorOf(family.token, services);
  const { familyId, deviceName } = family.record;
  if (family.replay) {
    services.audit.notice("family.replayed", { familyId, clientId: family.record.clientId });
    return { token: successor, familyId, deviceName };
  }
  const now = services.clock.now();
  const { idleMs } = refreshTtl(client, services);
  const rotated: FamilyRecord = {
    ...family.record,
    currentHash: sha256(successor),
    previousHash: family.record.currentHash,
    rotatedAt: now,
    generation: family.record.generation + 1,
    idleExpiresAt: Math.min(now + idleMs, family.record.absoluteExpiresAt),
  };
  await writeFamily(rotated, family.version, services);
  return { token: successor, familyId, deviceName };
}

/** Ends a family. Tokens already spent or live are refused from the acknowledgement on. */
async function revokeFamily(
  item: Item<FamilyRecord>,
  because: NonNullable<FamilyRecord["revokedBecause"]>,
  services: Pick<Services, "store" | "clock">,
): Promise<void> {
  let current: Item<FamilyRecord> | undefined = item;
  while (current !== undefined && current.value.revokedAt === undefined) {
    const revoked: FamilyRecord = { ...current.value, revokedAt: services.clock.now(), revokedBecause: because };
    const version = await services.store.swap(keys.family(revoked.familyId), current.version, draftOf(revoked));
    if (version !== undefined) return;
    current = await services.store.get<FamilyRecord>(item.key);
  }
}

/** A refresh token that would be taken now. */
export interface LiveRefresh {
  readonly family: FamilyRecord;
  /** The login's scopes without those that its client or user has lost since. */
  readonly scopes: readonly string[];
}

/** What stands of a live token of this client; `undefined` for every other text. Changes nothing. */
export async function introspectRefreshToken(
  token: string,
  { client }: Caller,
  services: Services,
): Promise<LiveRefresh | undefined> {
  const family = (await genuineFamily(token, services))?.value;
  if (family === undefined || !isOf(family, client)) return undefined;
  if (family.revokedAt !== undefined || sha256(token) !== family.currentHash) return undefined;
  const user = await services.users.byId(family.userId);
  const alive = services.clock.now() < Math.min(family.idleExpiresAt, family.absoluteExpiresAt);
  if (!alive || user === undefined || user.disabled || user.epoch !== family.userEpoch) return undefined;
  return { family, scopes: within(family.scopes, [client.scopes, userCeiling(user)]) };
}

/** Logs a device out: revokes the family of any genuine token of it, live or spent (RFC 7009 section 2.1). */
export async function revokeByToken(token: string, { client }: Caller, services: Services): Promise<void> {
  const item = await genuineFamily(token, services);
  if (item === undefined || !isOf(item.value, client)) return;
  await Promise.all([
    revokeFamily(item, "logout", services),
    services.audit.record("token.revoked", { clientId: client.clientId, familyId: item.value.familyId }),
  ]);
}

/** Whether a family was started by this client, and not by another of the same id that was deleted before. */
function isOf(family: FamilyRecord, client: ClientRecord): boolean {
  return family.clientId === client.clientId && family.createdAt >= client.createdAt;
}

async function genuineFamily(token: string, services: Services): Promise<Item<FamilyRecord> | undefined> {
  const text = parseRefreshText(token);
  const item = text && (await services.store.get<FamilyRecord>(keys.family(text.familyId)));
  if (text === undefined || item === undefined) return undefined;
  const live = equalInConstantTime(sha256(token), item.value.currentHash);
  return live || isSpent(text, item.value, services) ? item : undefined;
}

function refuse(detail: string): CountersignError {
  return new CountersignError("invalid_grant", { detail });
}

/**
 * The successor is derived from the token presented, so a retry after a lost answer gets the same one without the
 * server keeping any token (FAPI 2.0 Security Profile section 5.3.2.1).
 */
function successorOf(token: string, services: Pick<Services, "keys">): string {
  const text = parseRefreshText(token);
  if (text === undefined) throw refuse("malformed refresh token");
  const { familyId, generation } = text;
  return marked({ familyId, generation: generation + 1, secret: services.keys.derive("refresh", token) }, services);
}

function marked(text: Omit<RefreshText, "mark">, services: Pick<Services, "keys">): string {
  const unmarked = printUnmarked(text);
  return `${unmarked}.${markOf(unmarked, services)}`;
}

function markOf(unmarked: string, { keys: ring }: Pick<Services, "keys">): string {
  return ring.derive("refresh mark", unmarked).slice(0, markLength);
}

/**
 * Whether this authority gave the token out before the live one: whoever shows it now stole it. By the mark, so that
 * a forged token costs one MAC, however old the family is.
 */
function isSpent(text: RefreshText, family: FamilyRecord, services: Services): boolean {
  return text.generation < family.generation && equalInConstantTime(text.mark, markOf(printUnmarked(text), services));
}

/** Both are asked for together: an embedded store has them in one commit, so no crash leaves an end without its alarm. */
async function revokeForReuse(
  item: Item<FamilyRecord>,
  services: Services,
  address: string | undefined,
): Promise<void> {
  const { familyId, clientId, userId } = item.value;
  const from = address === undefined ? {} : { address };
  await Promise.all([
    revokeFamily(item, "reuse", services),
    services.audit.record("family.reused", { familyId, clientId, userId, ...from }),
  ]);
}

async function writeFamily(record: FamilyRecord, expectedVersion: number, services: Services): Promise<void> {
  const version = await services.store.swap(keys.family(record.familyId), expectedVersion, draftOf(record));
  if (version === undefined) throw new LostRace();
}

function draftOf(record: FamilyRecord) {
  return { value: record, owner: owners.familiesOf(record.userId), expiresAt: record.absoluteExpiresAt + keepDeadMs };
}

function refreshTtl(client: ClientRecord, { config }: Pick<Services, "config">) {
  return {
    idleMs: client.token.refreshIdleTtlMs ?? config.tokens.refresh_idle_ttl * 1000,
    absoluteMs: client.token.refreshAbsoluteTtlMs ?? config.tokens.refresh_absolute_ttl * 1000,
  };
}

const longestDeviceName = 200;

function deviceName(request: GrantRequest): string {
  const name = request.parameters.get("device_name") ?? request.userAgent ?? "Unspecified";
  return name.slice(0, longestDeviceName);
}

import { CountersignError, equalInConstantTime, randomSecret, sha256 } from "@countersign/protocol";
import type { EventDraft, RecordedEdit } from "../audit/trail.ts";
import type { Caller } from "../caller.ts";
import type { Services } from "../services.ts";
import { keys, owners } from "../store/keys.ts";
import type { ClientRecord, FamilyRecord, UserRecord } from "../store/records.ts";
import { CLOCK_SKEW_MS, type Item } from "../store/store.ts";
import { isLoginOf } from "../users/login.ts";
import { beginningOf } from "../values/display-name.ts";
import { userScopeLimit, within } from "../values/scope.ts";
import type { Consumption, GrantRequest } from "./grant.ts";
import { MAC_LENGTH, macInput, parseRefreshText, type RefreshText } from "./refresh-text.ts";

/** What families are read and written with. */
type FamilyServices = Pick<Services, "store" | "clock" | "random" | "config" | "keys" | "audit" | "users">;

/** What a new family is made of. */
export interface FamilyStart {
  readonly user: UserRecord;
  readonly client: ClientRecord;
  readonly request: GrantRequest;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
}

/** A refresh token that was presented and is good, with what happens to its family. */
export interface PresentedFamily {
  readonly record: FamilyRecord;
  readonly version: number;
  readonly token: string;
  /** The token is the predecessor, shown again within the replay window: its successor is given again. */
  readonly replay: boolean;
}

/** How long a dead family stays in the store, so that its spent tokens are still recognised as theft. */
const KEEP_DEAD_MS = 86_400_000;

/**
 * Judges a refresh token: the live one passes, its predecessor passes as a replay within the window, and any older one
 * is theft, which revokes the family (RFC 9700 section 4.14.2). A token of another client changes and reveals nothing.
 */
export async function presentFamily(
  token: string,
  { client }: Caller,
  services: Omit<FamilyServices, "random" | "users">,
  address: string | undefined,
): Promise<PresentedFamily> {
  const text = parseRefreshText(token);
  const item = text && (await services.store.get<FamilyRecord>(keys.family(text.familyId)));
  if (text === undefined || item === undefined || !isOf(item.value, client)) throw refuse("unknown refresh token");
  const family = item.value;
  const now = services.clock.now();
  if (family.revokedAt !== undefined) throw refuse("family revoked");
  if (now >= family.idleExpiresAt) throw refuse("refresh token expired");
  const presented = { record: family, version: item.version, token };
  const hash = sha256(token);
  if (equalInConstantTime(hash, family.currentHash)) return { ...presented, replay: false };
  const sinceMs = now - family.rotatedAt;
  // Far before its rotation means that the clock was put back: that must not make the window longer.
  const isInWindow = sinceMs >= -CLOCK_SKEW_MS && sinceMs < services.config.tokens.replay_window * 1000;
  const isPrevious = family.previousHash !== undefined && equalInConstantTime(hash, family.previousHash);
  if (isPrevious && isInWindow) return { ...presented, replay: true };
  if (isSpent(text, family, services)) await revokeForReuse(item, services, address);
  throw refuse("refresh token already used or forged");
}

/** Starts a family: one login on one device. */
export function openFamily(start: FamilyStart, services: Omit<FamilyServices, "store" | "users">): Consumption {
  const { user, client, request } = start;
  const now = services.clock.now();
  const familyId = randomSecret(services.random, 16);
  const token = withMac({ familyId, generation: 0, secret: randomSecret(services.random) }, services);
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
    userIncarnation: user.incarnation,
    clientIncarnation: client.incarnation,
    absoluteExpiresAt: now + ttl.absoluteMs,
    idleExpiresAt: now + Math.min(ttl.idleMs, ttl.absoluteMs),
  };
  const { clientId, userId } = record;
  return {
    changes: [{ key: keys.family(familyId), expectedVersion: 0, draft: draftOf(record) }],
    fields: fieldsOf(record),
    tell: () => services.audit.notice("family.opened", { familyId, clientId, userId, grant: request.grantType }),
    refreshToken: token,
  };
}

/** Rotates a family to the successor of the token presented; a replay leaves it as it is, and guards that it stays so. */
export function rotateFamily(
  { record, version, token, replay }: PresentedFamily,
  client: ClientRecord,
  services: Pick<FamilyServices, "clock" | "config" | "keys" | "audit">,
): Consumption {
  const refreshToken = successorOf(token, services);
  const { familyId, clientId } = record;
  const place = { key: keys.family(familyId), expectedVersion: version };
  if (replay) {
    const tell = () => services.audit.notice("family.replayed", { familyId, clientId });
    return { changes: [place], fields: fieldsOf(record), tell, refreshToken };
  }
  const now = services.clock.now();
  const { idleMs } = refreshTtl(client, services);
  const rotated: FamilyRecord = {
    ...record,
    currentHash: sha256(refreshToken),
    previousHash: record.currentHash,
    rotatedAt: now,
    generation: record.generation + 1,
    idleExpiresAt: Math.min(now + idleMs, record.absoluteExpiresAt),
  };
  return { changes: [{ ...place, draft: draftOf(rotated) }], fields: fieldsOf(record), refreshToken };
}

/** Ends a family, with its record. Tokens already spent or live are refused from the acknowledgement on. */
async function revokeFamily(
  familyId: string,
  because: NonNullable<FamilyRecord["revokedBecause"]>,
  event: EventDraft,
  { audit, clock }: Pick<Services, "audit" | "clock">,
): Promise<void> {
  await audit.update<FamilyRecord, RecordedEdit<FamilyRecord>>(keys.family(familyId), (item) => {
    if (item === undefined || item.value.revokedAt !== undefined) return undefined;
    const revoked: FamilyRecord = { ...item.value, revokedAt: clock.now(), revokedBecause: because };
    return { draft: draftOf(revoked), events: [event] };
  });
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
  services: FamilyServices,
): Promise<LiveRefresh | undefined> {
  const family = (await genuineFamily(token, services))?.value;
  if (family === undefined || !isOf(family, client)) return undefined;
  if (family.revokedAt !== undefined || sha256(token) !== family.currentHash) return undefined;
  const user = await services.users.byId(family.userId);
  const alive = services.clock.now() < family.idleExpiresAt;
  if (!alive || user === undefined || !isLoginOf(family, user)) return undefined;
  return { family, scopes: within(family.scopes, [client.scopes, userScopeLimit(user)]) };
}

/** Logs a device out: revokes the family of any genuine token of it, live or spent (RFC 7009 section 2.1). */
export async function revokeByToken(
  token: string,
  { client }: Caller,
  services: Pick<FamilyServices, "store" | "keys" | "clock" | "audit">,
): Promise<void> {
  const item = await genuineFamily(token, services);
  if (item === undefined || !isOf(item.value, client)) return;
  const { familyId, clientId } = item.value;
  await revokeFamily(familyId, "logout", { name: "token.revoked", fields: { clientId, familyId } }, services);
}

/** Whether a family was started by this client, and not by another of the same id that was deleted before. */
function isOf(family: FamilyRecord, client: ClientRecord): boolean {
  return family.clientId === client.clientId && family.clientIncarnation === client.incarnation;
}

async function genuineFamily(
  token: string,
  services: Pick<FamilyServices, "store" | "keys">,
): Promise<Item<FamilyRecord> | undefined> {
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
 * The successor is derived from the token presented, so a retry after a lost response gets the same one without the
 * server keeping any token (FAPI 2.0 Security Profile section 5.3.2.1).
 */
function successorOf(token: string, services: Pick<Services, "keys">): string {
  const text = parseRefreshText(token);
  if (text === undefined) throw refuse("malformed refresh token");
  const { familyId, generation } = text;
  return withMac({ familyId, generation: generation + 1, secret: services.keys.derive("refresh", token) }, services);
}

function withMac(text: Omit<RefreshText, "mac">, services: Pick<Services, "keys">): string {
  const input = macInput(text);
  return `${input}.${macOf(input, services)}`;
}

function macOf(input: string, { keys: ring }: Pick<Services, "keys">): string {
  return ring.derive("refresh mark", input).slice(0, MAC_LENGTH);
}

/**
 * Whether this authority gave the token out before the live one: whoever shows it now stole it. By its MAC, so that
 * a forged token costs one MAC, however old the family is.
 */
function isSpent(text: RefreshText, family: FamilyRecord, services: Pick<FamilyServices, "keys">): boolean {
  return text.generation < family.generation && equalInConstantTime(text.mac, macOf(macInput(text), services));
}

/** The revocation and its event are one commit. */
async function revokeForReuse(
  item: Item<FamilyRecord>,
  services: Pick<FamilyServices, "clock" | "audit">,
  address: string | undefined,
): Promise<void> {
  const { familyId, clientId, userId } = item.value;
  const from = address === undefined ? {} : { address };
  const event = { name: "family.reused", fields: { familyId, clientId, userId, ...from } } as const;
  await revokeFamily(familyId, "reuse", event, services);
}

function fieldsOf({ familyId, deviceName }: FamilyRecord) {
  return { familyId, deviceName };
}

function draftOf(record: FamilyRecord) {
  return { value: record, owner: owners.familiesOf(record.userId), expiresAt: record.absoluteExpiresAt + KEEP_DEAD_MS };
}

function refreshTtl(client: ClientRecord, { config }: Pick<Services, "config">) {
  return {
    idleMs: client.token.refreshIdleTtlMs ?? config.tokens.refresh_idle_ttl * 1000,
    absoluteMs: client.token.refreshAbsoluteTtlMs ?? config.tokens.refresh_absolute_ttl * 1000,
  };
}

const MAX_DEVICE_NAME = 200;

function deviceName(request: GrantRequest): string {
  const name = request.parameters.get("device_name") ?? request.userAgent ?? "Unspecified";
  return beginningOf(name, MAX_DEVICE_NAME);
}

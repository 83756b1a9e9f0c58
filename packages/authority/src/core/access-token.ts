import {
  CountersignError,
  decodeJwt,
  defined,
  importKeys,
  isJsonObject,
  type JsonObject,
  type KeySet,
  TokenRefused,
  verifyJwt,
} from "@countersign/protocol";
import type { TokenSubject } from "../grants/grant.ts";
import type { Services } from "../services.ts";
import { keys } from "../store/keys.ts";
import type { ClientRecord, UserRecord } from "../store/records.ts";
import { isUserId } from "../users/user-items.ts";
import { isId } from "../values/id.ts";
import { userScopeLimit, within } from "../values/scope.ts";
import { judgeScopes } from "./scope-policy.ts";
import { isTokenIdOf } from "./token-id.ts";

/** What access tokens are read with. */
type TokenServices = Pick<Services, "config" | "keys" | "clock">;

/** What a token of ours says, once its signature and dates are checked. */
export interface AccessToken {
  readonly jti: string;
  /** Whom it is about: a user, a client, or somebody whom another issuer vouches for. */
  readonly subject: string;
  /** The user, where it is about one. */
  readonly userId?: string;
  /** The client that it was given to. */
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly expiresAt: number;
  readonly certificateThumbprint?: string;
  /** The claims as they stand in the token. */
  readonly claims: JsonObject;
}

/**
 * Reads a token of this authority: signature under its own ring, dates, form. Who it is meant for and which certificate
 * it is bound to is for the caller to judge.
 *
 * @throws {CountersignError} `invalid_token`
 */
export async function readAccessToken(text: string, services: TokenServices): Promise<AccessToken> {
  try {
    return await verified(text, services);
  } catch (error) {
    throw error instanceof TokenRefused ? error.as("invalid_token") : error;
  }
}

/**
 * Reads what may be a token of this authority, where a text that is none is no error (RFC 7009 section 2.2, RFC 7662
 * section 2.2). A failure of this server is none of the text's: it is thrown.
 */
export async function readIfAccessToken(text: string, services: TokenServices): Promise<AccessToken | undefined> {
  try {
    return await readAccessToken(text, services);
  } catch (error) {
    if (error instanceof CountersignError && error.code === "invalid_token") return undefined;
    throw error;
  }
}

/** Revokes an access token until it would have expired anyway (RFC 7009 section 2), with its record. */
export async function revokeAccessToken(
  { jti, clientId, expiresAt }: AccessToken,
  { revocations }: Pick<Services, "revocations">,
): Promise<void> {
  const event = { name: "token.revoked", fields: { clientId, jti } } as const;
  await revocations.revoke({ kind: "jti", id: jti, expiresAt }, { event });
}

/** Whose token it is, and what of it still stands. */
export interface InForce {
  readonly client: ClientRecord;
  /** The user that it is about. */
  readonly user?: UserRecord;
  /** The client that it is about, where that is not the one it was given to. */
  readonly subjectClient?: ClientRecord;
  /** The token's scopes without those that its client or user has lost since, or the policy refuses now. */
  readonly scopes: readonly string[];
}

/**
 * What stands of a token; `undefined` when it was revoked, or its client or user is gone or disabled. A client or
 * user of the same id that was made later is another.
 */
export async function inForce(
  token: AccessToken,
  services: Pick<Services, "store" | "clients" | "users" | "policy">,
): Promise<InForce | undefined> {
  if ((await services.store.get(keys.revokedToken(token.jti))) !== undefined) return undefined;
  const client = await services.clients.byId(token.clientId);
  if (client === undefined || client.disabled) return undefined;
  const about = await subjectOf(token, services);
  if (about === undefined || !isTokenIdOf(token.jti, client, about.user ?? about.subjectClient)) return undefined;
  const limits = [client.scopes, ...(about.user === undefined ? [] : [userScopeLimit(about.user)])];
  const { policy } = await services.policy.current();
  const held = within(token.scopes, limits);
  const bearer = { client, user: about.user, subject: tokenSubject(token, about) };
  return { client, ...about, scopes: judgeScopes(held, token.audience, bearer, policy).allowed };
}

function tokenSubject({ subject, clientId }: AccessToken, { user, subjectClient }: About): TokenSubject | undefined {
  if (user !== undefined || subject === clientId) return undefined;
  return { id: subject, ...defined({ client: subjectClient }) };
}

type About = Pick<InForce, "user" | "subjectClient">;

/** The user or other client that a token is about; `undefined` when there is none such any more, or it is disabled. */
async function subjectOf(
  { subject, userId, clientId }: AccessToken,
  services: Pick<Services, "clients" | "users">,
): Promise<About | undefined> {
  if (userId !== undefined) {
    const user = await services.users.byId(userId);
    return user === undefined || user.disabled ? undefined : { user };
  }
  // A subject of another issuer is never an id of this authority.
  if (subject === clientId || !isId(subject)) return {};
  const subjectClient = await services.clients.byId(subject);
  return subjectClient === undefined || subjectClient.disabled ? undefined : { subjectClient };
}

async function verified(text: string, services: TokenServices): Promise<AccessToken> {
  const { header, claims: asserted } = decodeJwt(text);
  const { cnf } = asserted;
  const thumbprint = isJsonObject(cnf) && typeof cnf["x5t#S256"] === "string" ? cnf["x5t#S256"] : undefined;
  const plain = header.typ !== "at+jwt";
  const { claims } = await verifyJwt(text, ringKeys(services, header.alg === "ML-DSA-65" ? "pqc" : "jwks"), {
    profile: plain ? "plain" : "access_token",
    issuer: services.config.issuer,
    audience: audienceOf(asserted.aud),
    clock: services.clock,
    clockSkewMs: 0,
    requiredClaims: ["client_id", "jti"],
    certificateThumbprint: thumbprint,
  });
  const clientId = String(claims.client_id);
  return {
    jti: String(claims.jti),
    clientId,
    subject: claims.sub ?? clientId,
    ...(claims.sub !== undefined && isId(claims.sub) && isUserId(claims.sub) ? { userId: claims.sub } : {}),
    scopes: claims.scope?.split(" ") ?? [],
    audience: audienceOf(asserted.aud),
    expiresAt: claims.exp * 1000,
    ...defined({ certificateThumbprint: thumbprint }),
    claims,
  };
}

function audienceOf(aud: unknown): readonly string[] {
  return [aud].flat().filter((one) => typeof one === "string");
}

const imported = new WeakMap<object, KeySet>();

/** The ring's public keys, imported once for each state of the ring. */
function ringKeys({ keys: ring }: Pick<Services, "keys">, set: "jwks" | "pqc"): KeySet {
  const published = ring.published(set);
  const known = imported.get(published);
  if (known !== undefined) return known;
  const fresh = importKeys({ keys: published.keys });
  imported.set(published, fresh);
  return fresh;
}

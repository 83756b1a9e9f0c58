import { defined, tokenTypes } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import { type AccessToken, inForce, readAccessToken } from "../core/access-token.ts";
import type { Authorization, Targets } from "../grants/grant.ts";
import type { Services } from "../services.ts";
import { OFFLINE_ACCESS, SUPERUSER } from "../values/scope.ts";
import type { SentToken } from "./exchange-form.ts";
import { type PresentedToken, refusedAs, refusedToken } from "./presented.ts";

/** What tokens of ours are read with. */
export type OwnTokenServices = Pick<Services, "config" | "keys" | "clock" | "store" | "clients" | "users" | "policy">;

const types: readonly string[] = [tokenTypes.accessToken, tokenTypes.jwt];

/**
 * Reads an access token of this authority that is in force and that its presenter may use: its certificate is proven, and it
 * may be used from here.
 *
 * @throws {CountersignError} `invalid_request`
 */
export async function readOwnToken(
  sent: SentToken,
  caller: Caller,
  services: OwnTokenServices,
): Promise<PresentedToken> {
  const { role } = sent;
  if (!types.includes(sent.type)) throw refusedToken(role, `an access token is not of the type ${typeName(sent.type)}`);
  const token = await read(sent, services);
  const standing = await inForce(token, services);
  if (standing === undefined) throw refusedToken(role, "revoked, or its client or user is gone or disabled");
  const bound = token.certificateThumbprint;
  // RFC 8705 section 3: who presents it proves the certificate, and so the new token is bound to it as well.
  if (bound !== undefined && bound !== caller.certificateThumbprint)
    throw refusedToken(role, "it is bound to a certificate that this client did not prove");
  if (standing.client.loopback && !caller.client.loopback)
    throw refusedToken(
      role,
      `it is of the loopback client ${token.clientId}, and this client is not for loopback only`,
    );
  const { user, subjectClient } = standing;
  const client =
    subjectClient ?? (user === undefined && token.subject === token.clientId ? standing.client : undefined);
  return {
    role,
    issuer: services.config.issuer,
    subject: token.subject,
    ...defined({ user, client }),
    issuedTo: token.clientId,
    audience: token.audience,
    scopes: transferable(standing.scopes, token, services.config.issuer),
    expiresAt: token.expiresAt,
    claims: token.claims,
    // Nothing is used up; and what is revoked while this runs, is revoked after it.
    guards: [],
  };
}

async function read({ role, text }: SentToken, services: OwnTokenServices): Promise<AccessToken> {
  try {
    return await readAccessToken(text, services);
  } catch (error) {
    throw refusedAs(role, error instanceof Error && error.cause !== undefined ? error.cause : error);
  }
}

/** For the log: only a name of the standard may stand in it, as a secret could stand in any parameter. */
function typeName(type: string): string {
  return /^urn:[a-z]+:params:oauth:token-type:[a-z0-9_-]{1,32}$/.test(type) ? type : "that was sent";
}

/** A login is not passed on, and `superuser` only by a token that opens the management API itself. */
function transferable(scopes: readonly string[], { audience }: AccessToken, issuer: string): readonly string[] {
  const opens = audience.includes(issuer);
  return scopes.filter((scope) => scope !== OFFLINE_ACCESS && (opens || scope !== SUPERUSER));
}

/**
 * How far a token of ours goes in the hands of a client: the one that it was given to may narrow it, and one that it is meant
 * for may have one for the audiences of its own in the name of the same subject. `undefined` for everybody else.
 */
export function reachOfOwnToken(
  token: PresentedToken,
  caller: Caller,
  { config }: Pick<Services, "config">,
): Pick<Authorization, "scopeLimits" | "defaultScopes" | "targets"> | undefined {
  const { clientId } = caller.client;
  const targets =
    token.issuedTo === clientId
      ? narrowed(token, caller, config)
      : caller.confidential && token.audience.includes(clientId)
        ? passedOn(token, caller, config)
        : undefined;
  return targets && { scopeLimits: [token.scopes], defaultScopes: token.scopes, targets };
}

type Audiences = Pick<Services["config"], "issuer" | "tokens">;

/** A token without an audience, of the `plain` profile, is for everybody its client may ask tokens for. */
function narrowed({ audience }: PresentedToken, caller: Caller, config: Audiences): Targets {
  const allowed = audience.length > 0 ? audience : withoutIssuer(ownAudiences(caller, config), config);
  return { allowed, byDefault: audience.length > 0 ? audience : allowed.slice(0, 1) };
}

function passedOn({ audience }: PresentedToken, caller: Caller, config: Audiences): Targets {
  const own = ownAudiences(caller, config);
  const allowed = [...new Set([...withoutIssuer(own, config), ...audience])];
  return { allowed, byDefault: allowed.slice(0, 1) };
}

function ownAudiences({ client }: Caller, { tokens }: Audiences): readonly string[] {
  return client.token.audience ?? tokens.audience;
}

/** The management API opens to a token that opened it before, and to no other. */
function withoutIssuer(audiences: readonly string[], { issuer }: Audiences): readonly string[] {
  return audiences.filter((audience) => audience !== issuer);
}

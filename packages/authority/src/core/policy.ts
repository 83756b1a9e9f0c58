import { CountersignError } from "@countersign/protocol";
import { nameable } from "../audit/events.ts";
import type { Caller } from "../caller.ts";
import type { Config } from "../config.ts";
import type { GrantRequest, Grounds } from "../grants/grant.ts";
import type { ClientRecord, UserRecord } from "../store/records.ts";
import { isAudience } from "../values/audience.ts";
import { offlineAccess, parseScope, superuser, userCeiling, within } from "../values/scope.ts";

/** What a token will say: as much as everyone who has a say allows. */
export interface Permission {
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
}

/**
 * Narrows what was asked to what client, user and presented token allow. Asking for more than that is refused, not
 * silently cut (RFC 6749 section 3.3), and nothing has been consumed by then.
 */
export function narrow(request: GrantRequest, caller: Caller, grounds: Grounds, config: Config): Permission {
  const ceilings = [caller.client.scopes, ...grounds.ceilings];
  const asked = parseScope(request.parameters.get("scope"));
  const allowed = within(asked ?? grounds.defaultScopes, ceilings);
  if (asked !== undefined && allowed.length < asked.length) {
    const missing = asked.filter((scope) => !allowed.includes(scope));
    throw new CountersignError("invalid_scope", { detail: whoLacks(missing, caller, grounds) });
  }
  const scopes = mayLast(caller, grounds) ? allowed : allowed.filter((scope) => scope !== offlineAccess);
  return { scopes, audience: audienceOf(request, scopes, { client: caller.client, grounds }, config) };
}

/**
 * Whether a refresh token can be given and used. Where not, `offline_access` is ignored (OpenID Connect Core section 11),
 * and the answer says so by its scope.
 */
function mayLast({ client }: Caller, { user }: Grounds): boolean {
  return user !== undefined && client.grants.includes("refresh_token");
}

const mostNamed = 5;

/** For the log: which scopes were asked for in vain, and who would have to be given them. */
function whoLacks(missing: readonly string[], { client }: Caller, { user }: Grounds): string {
  const named = missing.slice(0, mostNamed).map((scope) => {
    const who = client.scopes.includes(scope) ? lackingBeside(scope, user) : `client ${client.clientId}`;
    return `${nameable(scope) ?? "what looks like a secret"} (${who} lacks it)`;
  });
  return `not allowed: ${named.join(", ")}`;
}

function lackingBeside(scope: string, user: UserRecord | undefined): string {
  return user === undefined || userCeiling(user).includes(scope) ? "the login" : `user ${user.userId}`;
}

/** Who and what a token is given to and for. */
interface Allowing {
  readonly client: ClientRecord;
  readonly grounds: Grounds;
}

/** The audiences a client may ask for; the first is the one it gets without asking. */
function audiencesOf(client: ClientRecord, config: Config): readonly string[] {
  const own = client.token.audience ?? config.tokens.audience;
  return own.length > 0 ? own : [config.issuer];
}

/**
 * RFC 8707 section 2: a target that the client may not use is `invalid_target`; the issuer itself always may be one.
 * Without a target a token has one audience, for whoever receives it can use it at all others. With `superuser` that is
 * the issuer, whose management API it opens. A refresh without a target keeps those of the login (section 2.2).
 */
function audienceOf(
  request: GrantRequest,
  scopes: readonly string[],
  { client, grounds }: Allowing,
  config: Config,
): readonly string[] {
  const own = audiencesOf(client, config);
  const allowed = grounds.audience === undefined ? own : stillAllowed(grounds.audience, own, config);
  if (request.targets.length > 0) return asked(request.targets, allowed, { client, issuer: config.issuer });
  if (grounds.audience !== undefined) return allowed;
  return scopes.includes(superuser) ? [config.issuer] : allowed.slice(0, 1);
}

function asked(
  targets: readonly string[],
  allowed: readonly string[],
  { client, issuer }: { readonly client: ClientRecord; readonly issuer: string },
): readonly string[] {
  const wanted = [...new Set(targets)];
  const unknown = wanted.find((target) => target !== issuer && !allowed.includes(target));
  if (unknown === undefined) return wanted;
  const shown = (isAudience(unknown) ? nameable(unknown) : undefined) ?? "what was sent";
  const detail = `${shown} is not among the audiences of client ${client.clientId}: ${allowed.join(" ")}`;
  throw new CountersignError("invalid_target", { detail });
}

/** The audiences of a login that its client has not lost since. Without any of them it has to be begun anew. */
function stillAllowed(granted: readonly string[], own: readonly string[], config: Config): readonly string[] {
  const left = granted.filter((audience) => audience === config.issuer || own.includes(audience));
  if (left.length === 0) throw new CountersignError("invalid_grant", { detail: "audience withdrawn from the client" });
  return left;
}

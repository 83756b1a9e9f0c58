import { CountersignError, defined } from "@countersign/protocol";
import { nameable } from "../audit/nameable.ts";
import type { Caller } from "../caller.ts";
import type { Config } from "../config.ts";
import type { Authorization, GrantRequest, Permission } from "../grants/grant.ts";
import { refreshToken } from "../grants/refresh-token.ts";
import type { Policy } from "../policy/compile.ts";
import type { ClientRecord, UserRecord } from "../store/records.ts";
import { OFFLINE_ACCESS, parseScope, SUPERUSER, userScopeLimit, within } from "../values/scope.ts";
import { judgeScopes, refusedByPolicy } from "./scope-policy.ts";

/** What a request is judged by, beside what is known of its client, user and presented token. */
export interface Bounds {
  readonly config: Config;
  /** @default client, user and presented token alone */
  readonly policy?: Policy | undefined;
}

/**
 * Narrows what was asked to what client, user, presented token and policy allow. Asking for more than that is refused, not
 * silently cut (RFC 6749 section 3.3), and nothing has been consumed by then.
 */
export function narrow(
  request: GrantRequest,
  caller: Caller,
  authorization: Authorization,
  bounds: Bounds,
): Permission {
  const limits = [caller.client.scopes, ...authorization.scopeLimits];
  const asked = parseScope(request.parameters.get("scope"));
  const allowed = within(asked ?? authorization.defaultScopes, limits);
  if (asked !== undefined && allowed.length < asked.length) {
    const missing = asked.filter((scope) => !allowed.includes(scope));
    throw new CountersignError("invalid_scope", { detail: whoLacks(missing, caller, authorization) });
  }
  const scopes = mayBeRefreshed(caller, authorization) ? allowed : allowed.filter((scope) => scope !== OFFLINE_ACCESS);
  return permit(scopes, { request, client: caller.client, authorization, isAsked: asked !== undefined }, bounds);
}

/** What the policy leaves, and for whom: where nothing was asked for, what is refused is left out. */
function permit(scopes: readonly string[], parties: Parties, bounds: Bounds): Permission {
  const { client, authorization, isAsked } = parties;
  const audience = audienceOf(scopes, parties, bounds.config);
  const bearer = { client, user: authorization.user, subject: authorization.subject };
  const { allowed, refused, lifetimeMs } = judgeScopes(scopes, audience, bearer, bounds.policy);
  if (refused.length === 0) return { scopes, audience, ...defined({ lifetimeMs }) };
  if (isAsked || allowed.length === 0) throw refusedByPolicy(refused);
  // Without one of its scopes a token may get another default audience.
  return permit(allowed, parties, bounds);
}

/**
 * Whether a refresh token can be given and used. Where not, `offline_access` is ignored (OpenID Connect Core section 11),
 * and the response says so by its scope.
 */
function mayBeRefreshed({ client }: Caller, { user }: Authorization): boolean {
  return user !== undefined && client.grants.includes(refreshToken.type);
}

const MAX_NAMED = 5;

/** For the log: which scopes were asked for in vain, and who would have to be given them. */
function whoLacks(missing: readonly string[], { client }: Caller, { user }: Authorization): string {
  const named = missing.slice(0, MAX_NAMED).map((scope) => {
    const who = client.scopes.includes(scope) ? lackingBeside(scope, user) : `client ${client.clientId}`;
    return `${nameable(scope) ?? "what looks like a secret"} (${who} lacks it)`;
  });
  return `not allowed: ${named.join(", ")}`;
}

function lackingBeside(scope: string, user: UserRecord | undefined): string {
  return user === undefined || userScopeLimit(user).includes(scope) ? "the login" : `user ${user.userId}`;
}

/** Whom a token is given to, and by whose authorization. */
interface Parties {
  readonly request: GrantRequest;
  readonly client: ClientRecord;
  readonly authorization: Authorization;
  /** Whether the scopes were asked for by name. */
  readonly isAsked: boolean;
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
  scopes: readonly string[],
  { request, client, authorization }: Parties,
  config: Config,
): readonly string[] {
  const { targets } = authorization;
  if (targets !== undefined) {
    const limits = { client, issuer: undefined };
    return request.targets.length > 0 ? asked(request.targets, targets.allowed, limits) : targets.byDefault;
  }
  const own = audiencesOf(client, config);
  const allowed = authorization.audience === undefined ? own : stillAllowed(authorization.audience, own, config);
  if (request.targets.length > 0) return asked(request.targets, allowed, { client, issuer: config.issuer });
  if (authorization.audience !== undefined) return allowed;
  return scopes.includes(SUPERUSER) ? [config.issuer] : allowed.slice(0, 1);
}

function asked(
  targets: readonly string[],
  allowed: readonly string[],
  { client, issuer }: { readonly client: ClientRecord; readonly issuer: string | undefined },
): readonly string[] {
  const wanted = [...new Set(targets)];
  const unknown = wanted.find((target) => target !== issuer && !allowed.includes(target));
  if (unknown === undefined) return wanted;
  const shown = nameable(unknown) ?? "what was sent";
  const detail = `${shown} is not among the audiences that client ${client.clientId} may ask for here: ${allowed.join(" ")}`;
  throw new CountersignError("invalid_target", { detail });
}

/** The audiences of a login that its client has not lost since. Without any of them it has to be begun anew. */
function stillAllowed(granted: readonly string[], own: readonly string[], config: Config): readonly string[] {
  const left = granted.filter((audience) => audience === config.issuer || own.includes(audience));
  if (left.length === 0) throw new CountersignError("invalid_grant", { detail: "audience withdrawn from the client" });
  return left;
}

import { CountersignError } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { Authorization } from "../grants/grant.ts";
import { type ExchangePolicy, type ExchangeRule, ruleFor } from "../policy/exchange.ts";
import { OWN_ISSUER } from "../policy/exchange-document.ts";
import { IDENTITY_RULE, isIdentity } from "../policy/names.ts";
import type { Services } from "../services.ts";
import type { UserRecord } from "../store/records.ts";
import { OFFLINE_ACCESS, userScopeLimit } from "../values/scope.ts";
import { type PresentedToken, refusedToken } from "./presented.ts";

/** A token that wants a rule, and who asks for what with it. */
export interface Asked {
  readonly caller: Caller;
  readonly policy: ExchangePolicy;
  readonly targets: readonly string[];
}

/** What a rule makes of a token. */
export type ByRule = Pick<
  Authorization,
  "user" | "subject" | "scopeLimits" | "defaultScopes" | "targets" | "maxLifetimeMs"
> & { readonly rule: string };

/**
 * What the first rule that a token meets makes of it.
 *
 * @throws {CountersignError} as {@link refusedToken} says where it meets none; `invalid_target` where it would, if it were not
 * for the audience that is asked for.
 */
export async function byRule(
  token: PresentedToken,
  asked: Asked,
  services: Pick<Services, "config" | "users">,
): Promise<ByRule> {
  const rule = meets(token, asked, services);
  if (rule === undefined) throw refusal(token, asked, services);
  const { scopes, audiences, byDefault, lifetimeMs } = rule.gives;
  const about = await aboutWhom(token, asked.caller, rule, services);
  const given = scopes.filter((scope) => scope !== OFFLINE_ACCESS);
  const limits = [given, ...(token.issuer === services.config.issuer ? [token.scopes] : [])];
  return {
    ...about,
    scopeLimits: about.user === undefined ? limits : [...limits, userScopeLimit(about.user)],
    defaultScopes: given,
    targets: { allowed: audiences, byDefault },
    ...(lifetimeMs === undefined ? {} : { maxLifetimeMs: lifetimeMs }),
    rule: rule.name,
  };
}

/** The rule that a token meets. */
export function meets(
  token: PresentedToken,
  { caller, policy, targets }: Asked,
  { config }: Pick<Services, "config">,
): ExchangeRule | undefined {
  const issuer = token.issuer === config.issuer ? OWN_ISSUER : token.issuer;
  const { audience, claims, role } = token;
  const rule = ruleFor(policy, { issuer, audience, claims, client: caller.client.clientId, targets });
  if (rule === "too_costly") throw refusedToken(role, "a pattern of a rule costs more to match than one request may");
  return rule;
}

function refusal(token: PresentedToken, asked: Asked, services: Pick<Services, "config">): CountersignError {
  const { caller, targets } = asked;
  const isOnlyTarget = targets.length > 0 && meets(token, { ...asked, targets: [] }, services) !== undefined;
  if (!isOnlyTarget) {
    const why = `no rule of exchange fits it for client ${caller.client.clientId}; countersign policy explain says why not`;
    return refusedToken(token.role, `of ${token.issuer}: ${why}`);
  }
  return new CountersignError("invalid_target", {
    detail: "no rule of exchange that fits the token gives this audience",
  });
}

type About = Pick<Authorization, "user" | "subject">;

async function aboutWhom(
  token: PresentedToken,
  caller: Caller,
  { name, gives: { user, subject } }: ExchangeRule,
  services: Pick<Services, "config" | "users">,
): Promise<About> {
  if (token.issuer === services.config.issuer) return ownSubject(token, caller);
  const refuse = (detail: string) => refusedToken(token.role, `rule ${name}: ${detail}`);
  if (user !== undefined) return { user: await userNamed(user.fill(token.claims), services, refuse) };
  const id = subject === undefined ? ordinarySubject(token) : subject.fill(token.claims);
  if (id === undefined) throw refuse("the subject lacks a claim, or a claim holds what parts it from the next");
  // It is no id of ours: the default has a #, and templates are checked for such a character.
  if (!isIdentity(id)) throw refuse(`the subject ${IDENTITY_RULE}`);
  return { subject: { id } };
}

/**
 * Whom a token of ours is about. A token about somebody whom another issuer vouched for keeps that name; one about the client
 * that asks is that client's own.
 */
export function ownSubject({ user, client, subject }: PresentedToken, caller: Caller): About {
  if (user !== undefined) return { user };
  if (client === undefined) return { subject: { id: subject } };
  return client.clientId === caller.client.clientId ? {} : { subject: { id: client.clientId, client } };
}

/** A trust domain of SPIFFE is in the name itself; any other name means something only beside its issuer. */
function ordinarySubject({ issuer, subject }: PresentedToken): string {
  return issuer.startsWith("spiffe:") ? subject : `${issuer}#${subject}`;
}

async function userNamed(
  username: string | undefined,
  { users }: Pick<Services, "users">,
  refuse: (detail: string) => CountersignError,
): Promise<UserRecord> {
  const user = username === undefined ? undefined : await lookUp(username, users);
  if (user === undefined || user.disabled) throw refuse("no enabled user has the name that it gives");
  return user;
}

async function lookUp(username: string, users: Services["users"]): Promise<UserRecord | undefined> {
  try {
    return await users.byUsername(username);
  } catch (error) {
    if (error instanceof CountersignError && error.code === "invalid_username") return undefined;
    throw error;
  }
}

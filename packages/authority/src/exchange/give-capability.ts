import { CountersignError, tokenTypes } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { CapabilityServices } from "../core/capability/capability-services.ts";
import { permit } from "../core/capability/decide.ts";
import { type IssuedCapability, issueAuthorization, issueIdentity } from "../core/capability/issue.ts";
import type { Authorization, Given, Permission } from "../grants/grant.ts";
import { IDENTITY_SCOPE, rightNamed } from "./capability-names.ts";
import { type PresentedToken, refusedToken } from "./presented.ts";

/** The capability tokens that a JWT is exchanged for. */
export const capabilityTypes: readonly string[] = [tokenTypes.identityToken, tokenTypes.authorizationToken];

/** A JWT of ours that wants to be a capability token. */
export interface Conversion {
  readonly subject: PresentedToken;
  readonly caller: Caller;
  readonly requestedType: string;
  /** When the new token ends at the latest. */
  readonly expiresAt: number;
  readonly address?: string | undefined;
}

/**
 * Makes a capability token of a JWT of ours: an identity token of one with the scope `identity`, an authorization token for the one
 * right that a scope names. What a capability token cannot say must not be in the JWT: who acts for its subject, and to which
 * key it is bound.
 *
 * @throws {CountersignError} `invalid_request`
 */
export function giveCapability(
  conversion: Conversion,
  services: CapabilityServices,
): Pick<Authorization, "give" | "defaultScopes"> {
  const { subject, requestedType } = conversion;
  const { act, may_act: mayAct, cnf } = subject.claims;
  if ([act, mayAct, cnf].some((claim) => claim !== undefined)) {
    throw refusedToken(subject.role, "a capability token cannot say what its act, may_act or cnf says");
  }
  const isIdentity = requestedType === tokenTypes.identityToken;
  const give = isIdentity ? identityOf : authorizationOf;
  return {
    defaultScopes: isIdentity ? [IDENTITY_SCOPE] : subject.scopes,
    give: async (permission) => givenAs(requestedType, await give(permission, conversion, services)),
  };
}

function givenAs(tokenType: string, { token, lifetimeMs }: IssuedCapability): Given {
  return { token, lifetimeMs, tokenType };
}

/** Whoever holds it can have all that the policy gives its subject, so it is for the authority alone, and not to be delegated. */
async function identityOf(
  { scopes }: Permission,
  { subject, caller, expiresAt, address }: Conversion,
  services: CapabilityServices,
): Promise<IssuedCapability> {
  const [scope, ...more] = scopes;
  if (scope !== IDENTITY_SCOPE || more.length > 0)
    throw wrongScope(`an identity token wants the scope ${IDENTITY_SCOPE} alone`);
  const { issuer } = services.config;
  if (!subject.audience.includes(issuer))
    throw refusedToken(subject.role, `an identity token is made of one for ${issuer}`);
  const name = nameOf(subject);
  const allowed = await permit({ kind: "identity", subject: name }, services);
  const context = { caller: caller.client.clientId, rule: allowed.rule, address };
  const lifetimeMs = lifeUntil(expiresAt, allowed.lifetime, services);
  return issueIdentity({ content: { subject: name, delegatable: false }, lifetimeMs, context }, services);
}

async function authorizationOf(
  { scopes }: Permission,
  { subject, caller, expiresAt, address }: Conversion,
  services: CapabilityServices,
): Promise<IssuedCapability> {
  const [scope = "", ...more] = scopes;
  const right = rightNamed(scope);
  if (right === undefined || more.length > 0)
    throw wrongScope("an authorization token wants one scope, RESOURCE:OPERATION");
  const isForIt = [services.config.issuer, right.resource].some((audience) => subject.audience.includes(audience));
  if (!isForIt) throw refusedToken(subject.role, `it is neither for ${right.resource} nor for the authority`);
  const name = nameOf(subject);
  const request = { kind: "authorization", subject: name, client: caller.client.clientId, ...right } as const;
  const { lifetime, rule, conditions } = await permit(request, services);
  const content = { subject: name, ...right, serviceChain: conditions.chain, parties: conditions.signoffs };
  const context = { caller: caller.client.clientId, rule, address };
  return issueAuthorization({ content, lifetimeMs: lifeUntil(expiresAt, lifetime, services), context }, services);
}

function nameOf({ user, client, subject }: PresentedToken): string {
  return user?.userId ?? client?.clientId ?? subject;
}

function wrongScope(hint: string): CountersignError {
  return new CountersignError("invalid_scope", { hint: `Ask with scope for what the token is to permit: ${hint}` });
}

/** Whole seconds, so that it ends no later than what it is made of. */
function lifeUntil(expiresAt: number, allowedSeconds: number, { clock }: Pick<CapabilityServices, "clock">): number {
  const seconds = Math.min(allowedSeconds, Math.floor((expiresAt - clock.now()) / 1000));
  if (seconds >= 1) return seconds * 1000;
  throw new CountersignError("invalid_request", { detail: "what the token would rest on has expired meanwhile" });
}

import { CountersignError, defined, tokenTypes } from "@countersign/protocol";
import {
  authenticateIdentity,
  inspectToken,
  type TokenInspection,
  verifyAuthorization,
} from "@countersign/protocol/capability";
import type { Caller } from "../caller.ts";
import type { CapabilityServices } from "../core/capability/capability-services.ts";
import { ownTokens } from "../core/capability/root-keys.ts";
import type { Authorization, GrantRequest } from "../grants/grant.ts";
import type { Services } from "../services.ts";
import { isUserId } from "../users/user-items.ts";
import { isAudience } from "../values/audience.ts";
import { isId } from "../values/id.ts";
import { parseScope, userScopeLimit } from "../values/scope.ts";
import { IDENTITY_SCOPE, type NamedRight, rightNamed, scopeNaming } from "./capability-names.ts";
import type { SentToken } from "./exchange-form.ts";
import { refusedToken } from "./presented.ts";

/** What capability tokens are exchanged for JWTs with. */
export type BridgeServices = CapabilityServices & Pick<Services, "users" | "clients">;

/** A capability token of ours, verified, as far as a JWT can say the same. */
interface Capability {
  readonly name: string;
  readonly expiresAt: number;
  /** Of an authorization token: what it permits. */
  readonly right?: NamedRight;
}

/** What a JWT that is made of a capability token rests on. */
export type FromCapability = Pick<
  Authorization,
  "user" | "subject" | "scopeLimits" | "defaultScopes" | "targets" | "expiresAt" | "maxLifetimeMs"
>;

/**
 * What a JWT may say in place of a capability token of ours. The token must be as it was issued: an appended block, a domain or a
 * service chain demand what no JWT can say, so a JWT would permit more.
 *
 * @throws {CountersignError} `invalid_request`
 */
export async function fromCapability(
  sent: SentToken,
  { request, caller }: { readonly request: GrantRequest; readonly caller: Caller },
  services: BridgeServices,
): Promise<FromCapability> {
  const { name, expiresAt, right } = await read(sent, services);
  const about = await aboutName(name, sent, caller, services);
  const { rights, ...bound } =
    right === undefined ? await permitted(name, request, caller, services) : { rights: [right] };
  const scopes = rights.map(scopeNaming).filter((scope) => scope !== undefined);
  const named = right === undefined ? [IDENTITY_SCOPE, ...scopes] : scopes;
  const wanted = right === undefined ? (parseScope(request.parameters.get("scope")) ?? [IDENTITY_SCOPE]) : named;
  const resources = rights.map(({ resource }) => resource).filter(isAudience);
  const audiences = [...(wanted.includes(IDENTITY_SCOPE) ? [services.config.issuer] : []), ...new Set(resources)];
  if (audiences.length === 0 && right === undefined) {
    throw new CountersignError("invalid_scope", {
      detail: "the policy gives the holder of the identity token none of it",
    });
  }
  if (audiences.length === 0) throw refusedToken(sent.role, "what it permits is nothing that a JWT can be for");
  return {
    ...about,
    scopeLimits: [named, ...(about.user === undefined ? [] : [userScopeLimit(about.user)])],
    defaultScopes: wanted,
    targets: { allowed: audiences, byDefault: audiences },
    expiresAt,
    ...bound,
  };
}

async function read(sent: SentToken, services: CapabilityServices): Promise<Capability> {
  const options = ownTokens(services);
  try {
    const inspected = await inspectToken(sent.text, options);
    if (inspected.blocks.length > 1) throw refusedToken(sent.role, "something was appended to it since it was issued");
    if (sent.type === tokenTypes.identityToken) return await identity(sent, inspected, services);
    return await authorization(sent, inspected, services);
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code === "invalid_request" || error.status >= 500) throw error;
    throw refusedToken(sent.role, `${error.code}: ${error.detail ?? error.message}`, error);
  }
}

async function identity(
  sent: SentToken,
  inspected: TokenInspection,
  services: CapabilityServices,
): Promise<Capability> {
  const { subject, domain } = await authenticateIdentity(sent.text, {}, ownTokens(services));
  if (domain !== undefined) throw refusedToken(sent.role, "it is restricted to a realm");
  return { name: subject, expiresAt: endOf(inspected, sent) };
}

async function authorization(
  sent: SentToken,
  inspected: TokenInspection,
  services: CapabilityServices,
): Promise<Capability> {
  if (inspected.kind !== "authorization") throw refusedToken(sent.role, `it is a token of the kind ${inspected.kind}`);
  const [right, ...more] = inspected.rights;
  const isPlain = inspected.serviceChain.length === 0 && inspected.parties.length === 0;
  if (right === undefined || more.length > 0 || !isPlain) {
    throw refusedToken(sent.role, "it has several rights, a service chain or parties that sign off");
  }
  await verifyAuthorization(sent.text, right, ownTokens(services));
  const { subject: name, resource, operation } = right;
  return { name, right: { resource, operation }, expiresAt: endOf(inspected, sent) };
}

function endOf({ expiresAt }: TokenInspection, { role }: SentToken): number {
  if (expiresAt === undefined) throw refusedToken(role, "it does not expire");
  return expiresAt;
}

/** Of the rights that are asked for, those that the policy gives the holder of an identity token, and for how long. */
async function permitted(
  subject: string,
  { parameters }: GrantRequest,
  { client }: Caller,
  { policy }: CapabilityServices,
): Promise<{ readonly rights: readonly NamedRight[]; readonly maxLifetimeMs?: number }> {
  const asked = (parseScope(parameters.get("scope")) ?? []).map(rightNamed).filter((right) => right !== undefined);
  const decided = await Promise.all(
    asked.map(async (right) => {
      const request = { kind: "authorization", subject, client: client.clientId, ...right } as const;
      return { right, decision: await policy.decide(request) };
    }),
  );
  // What wants a signoff or a service chain is more than a JWT can ask for.
  const allowed = decided.flatMap(({ right, decision }) =>
    decision.allowed && decision.conditions.chain.length + decision.conditions.signoffs.length === 0
      ? [{ right, lifetimeMs: decision.lifetime * 1000 }]
      : [],
  );
  const rights = allowed.map(({ right }) => right);
  return allowed.length === 0
    ? { rights }
    : { rights, maxLifetimeMs: Math.min(...allowed.map(({ lifetimeMs }) => lifetimeMs)) };
}

/** A name that looks like an id of ours must be the one of an enabled user or client; any other is a subject by itself. */
async function aboutName(
  name: string,
  { role }: SentToken,
  caller: Caller,
  { users, clients }: Pick<Services, "users" | "clients">,
): Promise<Pick<Authorization, "user" | "subject">> {
  if (!isId(name)) return { subject: { id: name } };
  const [user, client] = isUserId(name) ? [await users.byId(name), undefined] : [undefined, await clients.byId(name)];
  if ((user ?? client)?.disabled !== false) throw refusedToken(role, "its subject is no enabled user or client here");
  if (client?.clientId === caller.client.clientId) return {};
  return defined({ user, subject: client === undefined ? undefined : { id: name, client } });
}

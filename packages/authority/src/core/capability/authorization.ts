import type { AuthorizationContent, SignoffInfo } from "@countersign/protocol/capability";
import { isBeneath } from "../../policy/names.ts";
import type { CapabilityCaller } from "./caller.ts";
import type { CapabilityServices } from "./capability-services.ts";
import { type Allowed, asking, permit } from "./decide.ts";
import { type IssuedCapability, issueAuthorization, lifetimeOf } from "./issue.ts";
import { realmOf, refuseOutside } from "./realm.ts";

/** What a token is asked for. */
export interface RightRequest {
  readonly resource: string;
  readonly operation: string;
  readonly address?: string | undefined;
}

/** A token with those who have to sign it off before it is good. */
export interface PendingToken extends IssuedCapability {
  /** In the order in which they sign. */
  readonly pendingSignoffs: readonly SignoffInfo[];
}

/**
 * Issues an authorization token to its caller: the policy says whether, for how long, and who has to attest it and sign it off.
 *
 * @throws {CountersignError} `policy_refused`
 */
export async function requestAuthorization(
  { resource, operation, address }: RightRequest,
  caller: CapabilityCaller,
  services: CapabilityServices,
): Promise<PendingToken> {
  const { identity: subject } = caller;
  const allowed = await permit({ kind: "authorization", ...asking(caller), resource, operation }, services);
  const content = { subject, resource, operation, ...partsOf(allowed) };
  const context = { rule: allowed.rule, address };
  const issued = await issueAuthorization(
    { content, lifetimeMs: lifetimeOf(allowed.lifetime, undefined), context },
    services,
  );
  return { ...issued, pendingSignoffs: pendingOf(allowed, services) };
}

/** What a stub is asked for. */
export interface StubRequest extends RightRequest {
  /** Whom it is for: a sub-identity of the realm that asks. */
  readonly target: string;
  /** Key text of whoever has to add a prefix. */
  readonly prefixKey: string;
  /** Seconds; the policy's when absent or longer. */
  readonly seconds?: number | undefined;
}

/**
 * Issues a stub to a realm: an authorization token for one of those beneath it, which is no good until the holder of a key
 * has added a prefix.
 *
 * @throws {CountersignError} `policy_refused`, `invalid_public_key`, `invalid_request` for a life of nothing.
 */
export async function requestStub(
  { target, resource, operation, prefixKey, seconds, address }: StubRequest,
  caller: CapabilityCaller,
  services: CapabilityServices,
): Promise<IssuedCapability> {
  const realm = realmOf(caller);
  if (!isBeneath(target, realm)) throw refuseOutside(target, realm);
  const request = { kind: "authorization", subject: target, realm, resource, operation } as const;
  const allowed = await permit(request, services);
  const content = { subject: target, resource, operation, prefixKey, ...partsOf(allowed) };
  const context = { caller: realm, rule: allowed.rule, address };
  return issueAuthorization({ content, lifetimeMs: lifetimeOf(allowed.lifetime, seconds), context }, services);
}

/** A token has the demands of its resource in it, so that no verifier can forget them. */
function partsOf({ conditions }: Allowed): Pick<AuthorizationContent, "serviceChain" | "parties"> {
  return { serviceChain: conditions.chain, parties: conditions.signoffs };
}

/** Who has no service of its own signs off here. */
function pendingOf({ conditions }: Allowed, { config }: Pick<CapabilityServices, "config">): readonly SignoffInfo[] {
  return conditions.signoffs.map(({ component, publicKey, authorizationService = config.issuer }) => ({
    component,
    authorization_service: authorizationService,
    public_key: publicKey,
  }));
}

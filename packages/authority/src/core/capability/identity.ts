import { CountersignError } from "@countersign/protocol";
import { inspectToken, isCapabilityRefusal } from "@countersign/protocol/capability";
import type { Peer } from "../../caller.ts";
import { isBeneath } from "../../policy/names.ts";
import { type CapabilityCaller, verifyBearer } from "./caller.ts";
import type { CapabilityServices } from "./capability-services.ts";
import { certificateIdentity } from "./certificate-identity.ts";
import { permit } from "./decide.ts";
import { type IssueContext, type IssuedCapability, issueIdentity, lifetimeOf } from "./issue.ts";
import { realmOf, refuseOutside } from "./realm.ts";
import { ownTokens } from "./root-keys.ts";

/** An identity token that was issued, and whom it is for. */
export interface IssuedIdentity extends IssuedCapability {
  readonly identity: string;
}

/** What the caller says of itself, and where it is. */
export interface IdentityRequest {
  /** Whom the caller takes itself for. Clients send a lifetime here too, which is ignored. */
  readonly identifier?: string | undefined;
  readonly address?: string | undefined;
}

/**
 * Issues an identity token for the identity of a certificate; the policy says for how long, and whether it may be delegated.
 *
 * @throws {CountersignError} `policy_refused`; `identity_mismatch` when the caller takes itself for somebody else.
 */
export async function requestIdentity(
  { identifier, address }: IdentityRequest,
  { identity }: CapabilityCaller,
  services: CapabilityServices,
): Promise<IssuedIdentity> {
  refuseOther(identifier, identity);
  return issueFor(identity, { address }, services);
}

/** What is presented for a refresh. */
export interface RefreshRequest extends IdentityRequest {
  readonly token: string;
  readonly peer: Peer;
}

/**
 * Whose identity token is to be refreshed. A token that anybody has appended a block to is refused, be it a delegation or a
 * narrowing: who saw one that was narrowed to five seconds would get a fresh hour for it. So is one that a realm restricted,
 * as the realm decides how long it lives. Beside a certificate of the same identity a token may have expired.
 *
 * @throws {CountersignError} the refusals of identity tokens; `identity_mismatch`; `invalid_request`.
 */
export async function refreshCaller(
  { token, peer }: RefreshRequest,
  services: CapabilityServices,
): Promise<CapabilityCaller> {
  const certified = certificateIdentity(peer, services.config, services.clock.now());
  const subject = await refreshable(token, "identity" in certified, services);
  if ("identity" in certified && certified.identity !== subject) {
    throw new CountersignError("identity_mismatch", {
      hint: "Identity mismatch: the client certificate and the identity token name different identities",
      detail: `the certificate is ${certified.identity}'s, the identity token ${subject}'s`,
    });
  }
  return { identity: subject, proof: "identity_token" };
}

async function refreshable(token: string, mayBeExpired: boolean, services: CapabilityServices): Promise<string> {
  const options = ownTokens(services);
  const inspected = await inspectToken(token, options);
  if (inspected.blocks.length > 1) {
    throw notRefreshed("A delegated or narrowed identity token cannot be refreshed; refresh the one it was made from");
  }
  try {
    const { subject, domain } = await verifyBearer(token, { options });
    if (domain === undefined) return subject;
  } catch (error) {
    const isExpired = isCapabilityRefusal(error, "token_expired") && inspected.kind === "identity";
    if (!isExpired || !mayBeExpired) throw error;
    if (inspected.domain === undefined) return inspected.subject;
  }
  throw notRefreshed("An identity token of a realm cannot be refreshed; ask the realm for another");
}

function notRefreshed(hint: string): CountersignError {
  return new CountersignError("invalid_request", { hint, detail: hint });
}

/** What a realm asks for one of its own. */
export interface RealmIdentityRequest {
  readonly subject: string;
  /** Seconds; the policy's when absent or longer. */
  readonly seconds?: number | undefined;
  readonly address?: string | undefined;
}

/**
 * Issues an identity token to a realm for one beneath it: restricted to the realm, and not to be delegated.
 *
 * @throws {CountersignError} `policy_refused`, `invalid_request` for a life of nothing.
 */
export async function mintForRealm(
  { subject, seconds, address }: RealmIdentityRequest,
  caller: CapabilityCaller,
  services: CapabilityServices,
): Promise<IssuedIdentity> {
  const realm = realmOf(caller);
  if (!isBeneath(subject, realm)) throw refuseOutside(subject, realm);
  const allowed = await permit({ kind: "identity", subject, realm }, services);
  const content = { subject, domain: realm };
  const context = { caller: realm, rule: allowed.rule, address };
  const issued = await issueIdentity({ content, lifetimeMs: lifetimeOf(allowed.lifetime, seconds), context }, services);
  return { ...issued, identity: subject };
}

/** What an operator orders. */
export interface OperatorIdentityRequest {
  readonly subject: string;
  /** Seconds, a day at most; the policy's when absent. */
  readonly seconds?: number | undefined;
}

/**
 * Issues an operator's identity token for a subject of the policy: the first one of a service that has no certificate. It may
 * live longer than the policy says, as it has to reach its holder first.
 *
 * @throws {CountersignError} `policy_refused` for a subject that the policy does not know.
 */
export async function issueByOperator(
  { subject, seconds }: OperatorIdentityRequest,
  actor: string,
  services: CapabilityServices,
): Promise<IssuedIdentity> {
  const { lifetime, rule, conditions } = await permit({ kind: "identity", subject }, services);
  const content = { subject, delegatable: conditions.delegatable ?? false };
  const lifetimeMs = lifetimeOf(seconds ?? lifetime, seconds);
  const issued = await issueIdentity({ content, lifetimeMs, context: { rule, actor } }, services);
  return { ...issued, identity: subject };
}

async function issueFor(subject: string, context: IssueContext, services: CapabilityServices): Promise<IssuedIdentity> {
  const { lifetime, rule, conditions } = await permit({ kind: "identity", subject }, services);
  const content = { subject, delegatable: conditions.delegatable ?? false };
  const lifetimeMs = lifetimeOf(lifetime, undefined);
  const issued = await issueIdentity({ content, lifetimeMs, context: { ...context, rule } }, services);
  return { ...issued, identity: subject };
}

/** A client that sends its time to live as its identifier is understood all the same. */
function refuseOther(identifier: string | undefined, identity: string): void {
  if (identifier === undefined || identifier === identity || /^\d+$/.test(identifier)) return;
  throw new CountersignError("identity_mismatch", {
    hint: "Identity mismatch: the identifier is not the identity that was proved",
    detail: "the identifier is not the identity of the certificate or the token",
  });
}

import { isScope } from "../values/scope.ts";
import type { Policy } from "./compile.ts";
import { depthBeneath, isBeneath, isIdentity, isName } from "./names.ts";
import { entryOf } from "./standing.ts";

/** Who asks. */
interface Asking {
  /** A user, a client, or the identity of a certificate or an identity token: its deepest delegate. */
  readonly subject: string;
  /** Roles of its record; only those count that the document declares external. */
  readonly roles?: readonly string[];
  /** The realm that its identity token is restricted to, or is to be. */
  readonly realm?: string;
  /** The client that asks for it. */
  readonly client?: string;
  /** For a delegate: whom its identity token was given to. */
  readonly delegatedFrom?: string;
}

/** What a policy is asked. A request for several scopes is one of these for each. */
export type PolicyRequest =
  | (Asking & {
      readonly kind: "access_token";
      readonly scope: string;
      /** Whom the token is for. A token for several audiences is a request for each. */
      readonly audience?: string;
    })
  | (Asking & { readonly kind: "authorization" | "signoff"; readonly resource: string; readonly operation: string })
  | (Asking & { readonly kind: "identity" });

/** Why a request is refused, and how that is mended. */
export const refusalTable = {
  no_policy: "there is no policy: set one with countersign policy set, or name it in policy.file",
  malformed: "a name in the request is empty, holds white space or controls, is not in form NFC, or has an empty part",
  unknown_realm: "the document has no such realm: add it to realms",
  outside_realm: "the subject is not beneath the realm",
  not_beneath: "the subject is not beneath whom its token was given to",
  not_delegatable: "whom the token was given to may not delegate: set delegation on that subject",
  too_deep: "the delegation is deeper than the subject's delegation.depth",
  unknown_operation: "the resource has no such operation: add it to the resource's operations",
  unknown_component: "a component of the resource's chain or signoffs has no key: add it to components",
  unknown_subject: "neither subjects nor a realm has the subject: add it",
  denied: "a rule refuses it",
  no_rule: "no rule allows it: add one, or a role to the subject",
  too_costly: "a pattern costs more to match than one request may: make it simpler",
} as const;

/** Why a request is refused. */
export type RefusalReason = keyof typeof refusalTable;

/** What is wrong with a request whatever the rules say. */
export function faultOfRequest(policy: Policy, request: PolicyRequest): RefusalReason | undefined {
  if (!isWellFormed(request)) return "malformed";
  return faultOfRealm(policy, request) ?? faultOfDelegation(policy, request) ?? faultOfOperation(policy, request);
}

function isWellFormed(request: PolicyRequest): boolean {
  const identities = [request.subject, request.realm, request.delegatedFrom].filter((name) => name !== undefined);
  const names = [request.client, ...(request.roles ?? [])].filter((name) => name !== undefined);
  if (!identities.every(isIdentity) || !names.every(isName)) return false;
  if (request.kind === "access_token") {
    return isScope(request.scope) && (request.audience === undefined || isName(request.audience));
  }
  return request.kind === "identity" || (isName(request.resource) && isName(request.operation));
}

function faultOfRealm(policy: Policy, { subject, realm }: PolicyRequest): RefusalReason | undefined {
  if (realm === undefined) return undefined;
  if (!policy.realms.has(realm)) return "unknown_realm";
  return isBeneath(subject, realm) ? undefined : "outside_realm";
}

function faultOfDelegation(policy: Policy, { subject, delegatedFrom }: PolicyRequest): RefusalReason | undefined {
  if (delegatedFrom === undefined || delegatedFrom === subject) return undefined;
  if (!isBeneath(subject, delegatedFrom)) return "not_beneath";
  const depth = entryOf(policy, delegatedFrom)?.delegationDepth ?? 0;
  if (depth === 0) return "not_delegatable";
  return depthBeneath(subject, delegatedFrom) > depth ? "too_deep" : undefined;
}

function faultOfOperation(policy: Policy, request: PolicyRequest): RefusalReason | undefined {
  if (request.kind !== "authorization" && request.kind !== "signoff") return undefined;
  const resource = policy.resources.get(request.resource);
  return resource?.operations?.has(request.operation) === false ? "unknown_operation" : undefined;
}

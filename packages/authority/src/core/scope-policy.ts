import { CountersignError, defined } from "@countersign/protocol";
import { nameable } from "../audit/nameable.ts";
import type { TokenSubject } from "../grants/grant.ts";
import type { Policy } from "../policy/compile.ts";
import { decide, type PolicyDecision } from "../policy/decide.ts";
import { refusalTable } from "../policy/request.ts";
import type { ClientRecord, UserRecord } from "../store/records.ts";

/** Whose access token it is. */
export interface Bearer {
  readonly client: Pick<ClientRecord, "clientId" | "scopes">;
  /** Absent when the client acts for itself. */
  readonly user?: Pick<UserRecord, "userId" | "scopes"> | undefined;
  /** Whom it is about, when that is neither the user nor the client itself. */
  readonly subject?: TokenSubject | undefined;
}

type Refusal = Extract<PolicyDecision, { readonly allowed: false }>;

/** What a policy leaves of some scopes. */
export interface JudgedScopes {
  readonly allowed: readonly string[];
  readonly refused: readonly { readonly scope: string; readonly decision: Refusal }[];
  /** The longest that a token with those allowed may live; absent without a policy. */
  readonly lifetimeMs?: number;
}

/**
 * Judges each scope for each audience: a scope that is refused for one audience is refused for the token. The subject is the
 * user, or else the client; the scopes of its record are the external roles that it has.
 */
export function judgeScopes(
  scopes: readonly string[],
  audience: readonly string[],
  { client, user, subject: other }: Bearer,
  policy: Policy | undefined,
): JudgedScopes {
  if (policy === undefined) return { allowed: scopes, refused: [] };
  const subject = user?.userId ?? other?.id ?? client.clientId;
  const isVouchedFor = user === undefined && other !== undefined && other.client === undefined;
  const roles = isVouchedFor ? [] : (user ?? other?.client ?? client).scopes;
  const judged = scopes.map((scope) => ({
    scope,
    decisions: audience
      .map((to) =>
        decide(policy, { kind: "access_token", subject, roles, client: client.clientId, scope, audience: to }),
      )
      .map((decision) => (isVouchedFor ? givenByExchange(decision, policy) : decision)),
  }));
  const refused = judged.flatMap(({ scope, decisions }) =>
    decisions.flatMap((decision) => (decision.allowed ? [] : [{ scope, decision }])).slice(0, 1),
  );
  const names = new Set(refused.map(({ scope }) => scope));
  const kept = judged.filter(({ scope }) => !names.has(scope));
  const lifetimes = kept.flatMap(({ decisions }) => decisions.flatMap((one) => (one.allowed ? [one.lifetime] : [])));
  return {
    allowed: kept.map(({ scope }) => scope),
    refused,
    lifetimeMs: Math.min(policy.lifetimes.access_token, ...lifetimes) * 1000,
  };
}

/** Whom another issuer vouches for has what a rule of exchange gives: no other rule has to allow it, and any may refuse it. */
function givenByExchange(decision: PolicyDecision, policy: Policy): PolicyDecision {
  if (decision.allowed || decision.reason !== "no_rule") return decision;
  const { access_token: lifetime } = policy.lifetimes;
  return { allowed: true, rule: "exchange", lifetime, conditions: { chain: [], signoffs: [] } };
}

const MAX_NAMED = 5;

/** The caller learns that it may not; the log and the audit trail, by which rule. */
export function refusedByPolicy(refused: JudgedScopes["refused"]): CountersignError {
  const named = refused.slice(0, MAX_NAMED).map(({ scope, decision }) => {
    const what = nameable(scope) ?? "what looks like a secret";
    return `${what} (${decision.rule ?? decision.reason}: ${refusalTable[decision.reason]})`;
  });
  const rule = refused[0]?.decision.rule;
  return new CountersignError("invalid_scope", {
    detail: `refused by the policy: ${named.join(", ")}`,
    data: { byPolicy: true, ...defined({ rule }) },
  });
}

/** Whether a refusal is of the policy, and by which rule. */
export function policyRefusalOf({ data }: CountersignError): { readonly rule?: string } | undefined {
  if (data?.byPolicy !== true) return undefined;
  return typeof data.rule === "string" ? { rule: data.rule } : {};
}

import { CountersignError } from "@countersign/protocol";
import type { PolicyDecision } from "../../policy/decide.ts";
import { type PolicyRequest, refusalTable } from "../../policy/request.ts";
import type { Services } from "../../services.ts";
import type { CapabilityCaller } from "./caller.ts";

/** What a policy says of a request that it allows. */
export type Allowed = Extract<PolicyDecision, { readonly allowed: true }>;

/**
 * Asks the policy.
 *
 * @throws {CountersignError} `policy_refused`; the log says for what reason, and by which rule.
 */
export async function permit(request: PolicyRequest, { policy }: Pick<Services, "policy">): Promise<Allowed> {
  const decision = await policy.decide(request);
  if (decision.allowed) return decision;
  const { reason, rule } = decision;
  throw new CountersignError("policy_refused", {
    detail: rule === undefined ? refusalTable[reason] : `refused by ${rule}`,
    data: { reason, ...(rule === undefined ? {} : { rule }) },
  });
}

/** How a caller stands in a request. */
export function asking({ identity, delegatedFrom, realm }: CapabilityCaller) {
  return {
    subject: identity,
    ...(delegatedFrom === undefined ? {} : { delegatedFrom }),
    ...(realm === undefined ? {} : { realm }),
  };
}

import { CountersignError } from "@countersign/protocol";
import { inspectToken, verifyAuthorization } from "@countersign/protocol/capability";
import type { Policy } from "../../policy/compile.ts";
import type { ResourceRule } from "../../policy/requirements.ts";
import type { CapabilityServices } from "./capability-services.ts";
import { ownTokens } from "./root-keys.ts";

/** What a token is to grant. */
export interface TokenQuestion {
  readonly token: string;
  readonly subject: string;
  readonly resource: string;
  readonly operation: string;
}

/**
 * Verifies an authorization token of this authority.
 *
 * @throws {CountersignError} the refusals of capability tokens.
 */
export async function verifyToken({ token, ...request }: TokenQuestion, services: CapabilityServices): Promise<void> {
  await verifyAuthorization(token, request, ownTokens(services));
}

/** The same of a token that passes services. */
export interface ChainQuestion extends Omit<TokenQuestion, "operation"> {
  /** What the token itself grants on the resource when absent. */
  readonly operation?: string | undefined;
  /** The service that asks: those before it must have attested. All must have when it is absent. */
  readonly component?: string | undefined;
}

/**
 * Verifies an authorization token at a service of the chain that the policy has for its resource.
 *
 * @throws {CountersignError} `not_found` for a resource that the policy does not know; `invalid_request` for one without a
 * chain; the refusals of capability tokens.
 */
export async function verifyChainToken(question: ChainQuestion, services: CapabilityServices): Promise<void> {
  const { token, subject, resource, component } = question;
  const { policy } = await services.policy.current();
  const { chain } = declared(policy, resource);
  if (chain.length === 0) throw refused("invalid_request", `Resource is not a service chain: ${resource}`);
  const nodes = chain.map((node) => ({
    component: node.component,
    publicKey: node.publicKey ?? noKey(node.component),
  }));
  const operation = question.operation ?? (await operationOf(question, services));
  const serviceChain = { nodes, component };
  await verifyAuthorization(token, { subject, resource, operation, serviceChain }, ownTokens(services));
}

function declared(policy: Policy | undefined, resource: string): ResourceRule {
  const known = policy?.resources.get(resource);
  if (known === undefined) throw refused("not_found", `Resource not found: ${resource}`);
  return known;
}

/** Without its key nobody can tell whether a service has attested, so the token is good for nobody. */
function noKey(component: string): never {
  throw new CountersignError("policy_refused", { detail: `the policy has no key for the component ${component}` });
}

async function operationOf({ token, subject, resource }: ChainQuestion, services: CapabilityServices): Promise<string> {
  const inspected = await inspectToken(token, ownTokens(services));
  const rights = inspected.kind === "authorization" ? inspected.rights : [];
  return rights.find((right) => right.subject === subject && right.resource === resource)?.operation ?? "";
}

function refused(code: "not_found" | "invalid_request", hint: string): CountersignError {
  return new CountersignError(code, { hint, detail: hint });
}

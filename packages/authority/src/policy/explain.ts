import type { NameTest, Policy, PolicyRule } from "./compile.ts";
import { decideBy, type PolicyDecision, WITHOUT_RULE } from "./decide.ts";
import { type Mismatch, mismatchOf } from "./match.ts";
import { type PolicyRequest, refusalTable } from "./request.ts";
import type { Standing } from "./standing.ts";

/** What one rule says of a request. */
export interface RuleExplanation {
  readonly rule: string;
  readonly effect: "allow" | "deny";
  readonly applies: boolean;
  /** Why it does not apply, or what it does. */
  readonly because: string;
}

/** A decision with its reasons. */
export interface Explanation {
  /** What is decided, as {@link decide} gives it. */
  readonly decision: PolicyDecision;
  /** The decision in a sentence. */
  readonly because: string;
  /** The roles by which the rules know the subject. */
  readonly roles: readonly string[];
  /** Every rule, in the order of the document; none where the request is refused before they are asked. */
  readonly rules: readonly RuleExplanation[];
}

/**
 * Says by which rule a request is allowed or refused, and why each other rule does not apply. It asks every rule, so it takes
 * time by the size of the document.
 *
 * @example
 * explain(policy, { kind: "authorization", subject: "urn:a", resource: "orders", operation: "read" }).because;
 */
export function explain(policy: Policy, request: PolicyRequest): Explanation {
  const rules: RuleExplanation[] = [];
  let roles: readonly string[] = [];
  const decision = decideBy(policy, request, (_, __, line) => {
    roles = [...(line[0]?.roles ?? [])];
    const judged = policy.rules.map((rule) => ({ rule, mismatch: mismatchOf(rule, request, line) }));
    rules.push(...judged.map(({ rule, mismatch }) => explainRule(rule, mismatch, request, line)));
    return judged.flatMap(({ rule, mismatch }) => (mismatch === undefined ? [rule] : []));
  });
  return { decision, because: sentenceOf(decision), roles, rules };
}

function sentenceOf(decision: PolicyDecision): string {
  if (decision.allowed && decision.rule === WITHOUT_RULE) {
    return `allowed, as scopes_need_rule is false, for ${decision.lifetime} s at most`;
  }
  if (decision.allowed) return `allowed by ${decision.rule}, for ${decision.lifetime} s at most`;
  if (decision.rule !== undefined) return `refused by ${decision.rule}`;
  return `refused: ${refusalTable[decision.reason]}`;
}

function explainRule(
  rule: PolicyRule,
  mismatch: Mismatch | undefined,
  request: PolicyRequest,
  line: readonly Standing[],
): RuleExplanation {
  const { name, effect } = rule;
  if (mismatch !== undefined) return { rule: name, effect, applies: false, because: reasons[mismatch](rule, request) };
  const because = effect === "deny" ? "it refuses this" : `it allows this to ${whoOf(rule, line)}`;
  return { rule: name, effect, applies: true, because };
}

function whoOf({ roles, realms }: PolicyRule, line: readonly Standing[]): string {
  const role = roles.find((name) => line[0]?.roles.has(name));
  if (role !== undefined) return `the role ${role}`;
  const realm = realms.find((name) => line[0]?.above.has(name));
  return realm === undefined ? "the subject" : `the realm ${realm}`;
}

const reasons: Readonly<Record<Mismatch, (rule: PolicyRule, request: PolicyRequest) => string>> = {
  kind: ({ kinds }, { kind }) => `it is about ${[...kinds].join(", ")}, not ${kind}`,
  subject: (rule, { subject }) => `it is for ${audienceOf(rule)}, not ${subject}`,
  client: ({ clients }, { client }) =>
    `it is for ${shown("clients", clients)}, not ${client ?? "a request without client"}`,
  resource: ({ what }, request) =>
    `it names ${shown("resources", what.resources)}, not ${"resource" in request ? request.resource : "none"}`,
  operation: ({ what }, request) =>
    `it names ${shown("operations", what.operations)}, not ${"operation" in request ? request.operation : "none"}`,
  scope: ({ what }, request) =>
    `it names ${shown("scopes", what.scopes)}, not ${"scope" in request ? request.scope : "none"}`,
  audience: ({ what }, request) =>
    `it is for ${shown("audiences", what.audiences)}, not ${("audience" in request ? request.audience : undefined) ?? "a token without audience"}`,
};

function audienceOf({ subjects, roles, realms }: PolicyRule): string {
  return [
    ...(subjects === undefined ? [] : [shown("subjects", subjects)]),
    ...(roles.length === 0 ? [] : [`roles ${some(roles)}`]),
    ...(realms.length === 0 ? [] : [`realms ${some(realms)}`]),
  ].join(" or ");
}

function shown(what: string, test: NameTest | undefined): string {
  if (test === undefined) return `no ${what}`;
  return test.kind === "names" ? `${what} ${some([...test.names])}` : `${what} that match ${test.pattern.source}`;
}

const MAX_NAMED = 5;

function some(names: readonly string[]): string {
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "";
  return `${names.slice(0, MAX_NAMED).join(", ")}${more}`;
}

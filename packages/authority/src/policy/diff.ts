import type { Policy, PolicyRule } from "./compile.ts";
import { type Asked, askedBy, askedText, type Known, knownIn, requestFor, subjectsOf } from "./concrete.ts";
import { decide, type PolicyDecision, WITHOUT_RULE } from "./decide.ts";
import { fitsWho } from "./match.ts";
import { canonical } from "./read.ts";
import { lineOf } from "./standing.ts";

/** A rule that is in one document, or says something else in each. */
export interface RuleChange {
  readonly change: "added" | "removed" | "changed";
  readonly rule: string;
}

/** A request that two documents answer differently. */
export interface DecisionChange {
  /** Allowed from now on, refused from now on, or allowed under other conditions. */
  readonly change: "allowed" | "refused" | "altered";
  /** Who asks. */
  readonly subject: string;
  /** What is asked for, in words. */
  readonly what: string;
  /** What is asked for. */
  readonly asked: Asked | { readonly kind: "identity" };
  /** As the old document decides. */
  readonly before: PolicyDecision;
  /** As the new document decides. */
  readonly after: PolicyDecision;
}

/** How two documents differ. */
export interface PolicyDiff {
  /** Rules that were added, removed or changed. */
  readonly rules: readonly RuleChange[];
  /** Requests that are decided in another way. */
  readonly decisions: readonly DecisionChange[];
  /** How many requests were compared. */
  readonly compared: number;
  /** Whether there were more than are compared, so that changes may be missing. */
  readonly isPartial: boolean;
}

/** How much is compared. */
export interface DiffOptions {
  /** Requests that are compared at most. @default 200000 */
  readonly atMost?: number;
}

/**
 * What two documents allow differently: their rules, and the decisions about every subject that either names with every
 * resource, operation, scope and client that rules for it name.
 *
 * @example
 * diffPolicies(before, after).decisions.map(({ change, subject, what }) => `${change} ${subject} ${what}`);
 */
export function diffPolicies(before: Policy, after: Policy, { atMost = 200_000 }: DiffOptions = {}): PolicyDiff {
  const decisions: DecisionChange[] = [];
  let compared = 0;
  for (const [subject, asked] of requestsIn(before, after)) {
    if (compared === atMost) return { rules: ruleChanges(before, after), decisions, compared, isPartial: true };
    compared += 1;
    decisions.push(...compare({ before, after }, subject, asked));
  }
  return { rules: ruleChanges(before, after), decisions, compared, isPartial: false };
}

type Compared = Asked | { readonly kind: "identity" };

function* requestsIn(before: Policy, after: Policy): Generator<readonly [string, Compared]> {
  const known = knownIn(before, after);
  for (const subject of new Set([...subjectsOf(before), ...subjectsOf(after)])) {
    yield [subject, { kind: "identity" }];
    const seen = new Set<string>();
    for (const asked of [...askedOf(before, subject, known), ...askedOf(after, subject, known)]) {
      const key = canonical(asked);
      if (!seen.has(key)) yield [subject, asked];
      seen.add(key);
    }
  }
}

/** All that rules for a subject name, and every scope where scopes need no rule. What is left both refuse. */
function askedOf(policy: Policy, subject: string, known: Known): readonly Asked[] {
  const line = lineOf(policy, subject, [...policy.externalRoles]);
  const byRules = policy.rules.filter((rule) => fitsWho(rule, line)).flatMap((rule) => askedBy(rule, known));
  if (policy.scopesNeedRule) return byRules;
  return [...byRules, ...known.scopes.map((scope) => ({ kind: "access_token", scope }) as const)];
}

function compare(
  { before, after }: { readonly before: Policy; readonly after: Policy },
  subject: string,
  asked: Compared,
): readonly DecisionChange[] {
  const request = asked.kind === "identity" ? { kind: asked.kind, subject } : requestFor(subject, asked);
  const was = decide(before, request);
  const is = decide(after, request);
  const change = changeOf(was, is);
  if (change === undefined) return [];
  const what = asked.kind === "identity" ? "identity" : askedText(asked);
  return [{ change, subject, what, asked, before: was, after: is }];
}

/** By whichever rule it is allowed, and for whatever reason it is refused: what counts is what comes of it. */
function changeOf(was: PolicyDecision, is: PolicyDecision): DecisionChange["change"] | undefined {
  if (was.allowed !== is.allowed) return is.allowed ? "allowed" : "refused";
  if (!was.allowed || !is.allowed) return undefined;
  const terms = ({ lifetime, conditions }: typeof was) => canonical({ lifetime, conditions });
  return terms(was) === terms(is) ? undefined : "altered";
}

/** Rules with an id are compared by it; those without are one rule where they say the same. */
function ruleChanges(before: Policy, after: Policy): readonly RuleChange[] {
  const needs =
    before.scopesNeedRule === after.scopesNeedRule ? [] : [{ change: "changed", rule: WITHOUT_RULE } as const];
  const old = keyed(before.rules);
  const next = keyed(after.rules);
  const gone = [...old].flatMap(([key, rule]) => (next.has(key) ? [] : [change("removed", rule)]));
  const come = [...next].flatMap(([key, rule]) => {
    const was = old.get(key);
    if (was === undefined) return [change("added", rule)];
    return was.content === rule.content ? [] : [change("changed", rule)];
  });
  return [...needs, ...gone, ...come];
}

function change(kind: RuleChange["change"], { name }: PolicyRule): RuleChange {
  return { change: kind, rule: name };
}

function keyed(rules: readonly PolicyRule[]): ReadonlyMap<string, PolicyRule> {
  return new Map(rules.map((rule) => [rule.name === `rules[${rule.order}]` ? rule.content : rule.name, rule]));
}

import { LimitError } from "@countersign/biscuit";
import type { Policy, PolicyRule } from "./compile.ts";
import { mismatchOf } from "./match.ts";
import { faultOfRequest, type PolicyRequest, type RefusalReason } from "./request.ts";
import type { Component } from "./requirements.ts";
import { entryOf, lineOf, type Standing } from "./standing.ts";

/** What a token that is allowed has to be like. */
export interface Conditions {
  /** Services that have to attest it, in their order. */
  readonly chain: readonly Required<Pick<Component, "component" | "publicKey">>[];
  /** Who has to sign it off, in this order. */
  readonly signoffs: readonly (Component & { readonly publicKey: string })[];
  /** Of an identity token: whether its holder may become sub-identities. */
  readonly delegatable?: boolean;
  /** Of an identity token: how many parts its sub-identities may have more than it; any number when absent. */
  readonly depth?: number;
  /** Of an identity token: the realm that it is restricted to. */
  readonly domain?: string;
}

/** What a policy says of a request. A refusal is a value: it is nothing exceptional. */
export type PolicyDecision =
  | {
      readonly allowed: true;
      /** The name of the rule, or the place of the subject or realm, by which it is allowed. */
      readonly rule: string;
      /** The longest that the token may live, in seconds. */
      readonly lifetime: number;
      readonly conditions: Conditions;
    }
  | {
      readonly allowed: false;
      readonly reason: RefusalReason;
      /** The rule that refuses it, when one does. */
      readonly rule?: string;
    };

/** Looks for the rules that a request fits, in the order of the document. */
export type FindRules = (policy: Policy, request: PolicyRequest, line: readonly Standing[]) => readonly PolicyRule[];

/**
 * Decides about a request. What any rule refuses is refused; what no rule allows is refused, too.
 *
 * @example
 * const decision = decide(policy, { kind: "access_token", subject: "alice", client: "web", scope: "orders.read" });
 * if (!decision.allowed) console.log(decision.reason, decision.rule);
 */
export function decide(policy: Policy, request: PolicyRequest): PolicyDecision {
  return decideBy(policy, request, applicableRules);
}

/** The same with another way to find the rules that apply. */
export function decideBy(policy: Policy, request: PolicyRequest, find: FindRules): PolicyDecision {
  try {
    const reason = faultOfRequest(policy, request);
    if (reason !== undefined) return { allowed: false, reason };
    const rules = find(policy, request, lineOf(policy, request.subject, request.roles));
    const deny = rules.find(({ effect }) => effect === "deny");
    if (deny !== undefined) return { allowed: false, reason: "denied", rule: deny.name };
    return request.kind === "identity" ? decideIdentity(policy, request) : decideRight(policy, request, rules);
  } catch (error) {
    if (error instanceof LimitError) return { allowed: false, reason: "too_costly" };
    throw error;
  }
}

/** Those who are known may say who they are: by an entry of their own, or through the realm that vouches for them. */
function decideIdentity(policy: Policy, { subject, realm }: PolicyRequest): PolicyDecision {
  const bare = { chain: [], signoffs: [] };
  const lifetime = policy.lifetimes.identity;
  if (realm !== undefined) {
    const rule = `realms[${[...policy.realms.keys()].indexOf(realm)}]`;
    return { allowed: true, rule, lifetime, conditions: { ...bare, delegatable: false, domain: realm } };
  }
  const entry = entryOf(policy, subject);
  if (entry === undefined) return { allowed: false, reason: "unknown_subject" };
  const { delegationDepth: depth } = entry;
  const delegation = { delegatable: depth > 0, ...(depth > 0 && Number.isFinite(depth) ? { depth } : {}) };
  return { allowed: true, rule: entry.place, lifetime, conditions: { ...bare, ...delegation } };
}

function decideRight(policy: Policy, request: PolicyRequest, rules: readonly PolicyRule[]): PolicyDecision {
  const [first, ...others] = rules;
  if (first === undefined) return decideWithoutRule(policy, request);
  // The one that gives most; of equals the first.
  const best = others.reduce((most, rule) => (lifeOf(rule) > lifeOf(most) ? rule : most), first);
  const conditions = conditionsOf(policy, request);
  if (conditions === undefined) return { allowed: false, reason: "unknown_component" };
  const resource = "resource" in request ? policy.resources.get(request.resource) : undefined;
  const lifetime = Math.min(
    policy.lifetimes[request.kind],
    resource?.lifetime ?? Number.POSITIVE_INFINITY,
    lifeOf(best),
  );
  return { allowed: true, rule: best.name, lifetime, conditions };
}

/** The member of a document by which scopes need no rule, in the place of a rule's name. */
export const WITHOUT_RULE = "scopes_need_rule";

/** What no rule allows is refused, scopes excepted where client and user alone bound them. */
function decideWithoutRule(policy: Policy, { kind }: PolicyRequest): PolicyDecision {
  if (kind !== "access_token" || policy.scopesNeedRule) return { allowed: false, reason: "no_rule" };
  const lifetime = policy.lifetimes.access_token;
  return { allowed: true, rule: WITHOUT_RULE, lifetime, conditions: { chain: [], signoffs: [] } };
}

function lifeOf({ lifetime = Number.POSITIVE_INFINITY }: PolicyRule): number {
  return lifetime;
}

/** What the resource asks for; `undefined` where a key is missing, as a token without it would ask for less. */
function conditionsOf(policy: Policy, request: PolicyRequest): Conditions | undefined {
  const resource = "resource" in request ? policy.resources.get(request.resource) : undefined;
  if (resource === undefined || !("operation" in request)) return { chain: [], signoffs: [] };
  const needed = resource.signoffs.filter(({ operations }) => operations?.has(request.operation) ?? true);
  const chain = resource.chain.flatMap(({ component, publicKey }) =>
    publicKey === undefined ? [] : [{ component, publicKey }],
  );
  const signoffs = needed.flatMap(({ operations: _, publicKey, ...member }) =>
    publicKey === undefined ? [] : [{ ...member, publicKey }],
  );
  const isWhole = chain.length === resource.chain.length && signoffs.length === needed.length;
  return isWhole ? { chain, signoffs } : undefined;
}

/** The rules that a request fits, found by its names: the shorter list of those about it is looked through. */
const applicableRules: FindRules = (policy, request, line) => {
  const candidates = shorter(byWho(policy, line), byWhat(policy, request));
  return candidates.filter((rule) => mismatchOf(rule, request, line) === undefined).sort((a, b) => a.order - b.order);
};

type Lists = readonly (readonly PolicyRule[])[];

function byWho({ index }: Policy, line: readonly Standing[]): Lists {
  const keys = new Set(line.flatMap(whoKeys));
  return [index.anyWho, ...[...keys].flatMap((key) => list(index.byWho.get(key)))];
}

function whoKeys({ identity, roles, above }: Standing): readonly string[] {
  return [
    `subject ${identity}`,
    ...[...roles].map((name) => `role ${name}`),
    ...[...above].map((name) => `realm ${name}`),
  ];
}

function byWhat({ index }: Policy, request: PolicyRequest): Lists {
  if (request.kind === "identity") return [index.anyWhat];
  const key = request.kind === "access_token" ? `scope ${request.scope}` : `resource ${request.resource}`;
  return [index.anyWhat, ...list(index.byWhat.get(key))];
}

function list<Value>(value: Value | undefined): readonly Value[] {
  return value === undefined ? [] : [value];
}

function shorter(a: Lists, b: Lists): readonly PolicyRule[] {
  const size = (lists: Lists) => lists.reduce((sum, rules) => sum + rules.length, 0);
  // A rule that names several of the request's roles or realms is in several lists.
  return [...new Set((size(a) <= size(b) ? a : b).flat())];
}

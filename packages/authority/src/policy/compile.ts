import type { PolicyDocument } from "./document.ts";
import { compileExchange, type ExchangePolicy } from "./exchange.ts";
import { kindTable, type TokenKind } from "./kinds.ts";
import { compilePattern, type Pattern } from "./pattern.ts";
import { canonical, PolicyError, policyHash } from "./read.ts";
import { compileRequirements, type ResourceRule } from "./requirements.ts";

/** Names in full, or a pattern: never both. */
export type NameTest =
  | { readonly kind: "names"; readonly names: ReadonlySet<string> }
  | { readonly kind: "pattern"; readonly pattern: Pattern };

/** What a rule is about: operations on resources, scopes, or neither, which is identity. */
export interface What {
  readonly resources?: NameTest;
  readonly operations?: NameTest;
  readonly scopes?: NameTest;
  /** Beside scopes; any audience when absent. */
  readonly audiences?: NameTest;
}

/** A rule as it is applied. */
export interface PolicyRule {
  /** Its place in the document, from 0. */
  readonly order: number;
  /** Its id, or `rules[3]`. */
  readonly name: string;
  readonly effect: "allow" | "deny";
  readonly subjects?: NameTest;
  readonly roles: readonly string[];
  readonly realms: readonly string[];
  readonly clients?: NameTest;
  readonly kinds: ReadonlySet<TokenKind>;
  readonly what: What;
  /** In seconds; no bound of its own when absent. */
  readonly lifetime?: number;
  /** All of it but its id: two rules with one content say the same. */
  readonly content: string;
}

/** What is known of a subject, or of all that fit a pattern. */
export interface SubjectEntry {
  /** `subjects[2]`. */
  readonly place: string;
  readonly roles: readonly string[];
  /** How many parts its sub-identities may have more than it; 0 when it may not become any. */
  readonly delegationDepth: number;
}

/** A policy that was compiled: immutable, and asked any number of times. */
export interface Policy {
  /** As its author numbers it. */
  readonly version: number;
  /** Of the document. */
  readonly hash: string;
  /** What it was compiled from. */
  readonly document: PolicyDocument;
  /** Whether a scope needs a rule that allows it. */
  readonly scopesNeedRule: boolean;
  /** In the order of the document. */
  readonly rules: readonly PolicyRule[];
  /** Finds the rules that can apply to a request. */
  readonly index: RuleIndex;
  /** Subjects that are named in full. */
  readonly subjects: ReadonlyMap<string, SubjectEntry>;
  /** Subjects that are named by a pattern. */
  readonly subjectPatterns: readonly (SubjectEntry & { readonly pattern: Pattern })[];
  /** The roles of those beneath a realm that have no entry. */
  readonly realms: ReadonlyMap<string, readonly string[]>;
  /** A role with all that it includes. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  /** Roles that a caller may bring along, beside those of its entry. */
  readonly externalRoles: ReadonlySet<string>;
  /** What a resource asks beside the rules: signoffs and service chains, by its name. */
  readonly resources: ReadonlyMap<string, ResourceRule>;
  /** The longest life of a token of each kind, in seconds. */
  readonly lifetimes: Readonly<Record<TokenKind, number>>;
  /** Whose tokens are taken for tokens of the authority, and for which. */
  readonly exchange: ExchangePolicy;
}

/** Which rules can apply, by the names they give in full. */
export interface RuleIndex {
  /** By `subject`, `role` or `realm`, a space and its name. */
  readonly byWho: ReadonlyMap<string, readonly PolicyRule[]>;
  /** Those with a pattern of subjects. */
  readonly anyWho: readonly PolicyRule[];
  /** By `resource` or `scope`, a space and its name. */
  readonly byWhat: ReadonlyMap<string, readonly PolicyRule[]>;
  /** Those with a pattern of resources or scopes, and those about identity. */
  readonly anyWhat: readonly PolicyRule[];
}

/**
 * Compiles a document, once.
 *
 * @throws {PolicyError} for roles that include themselves.
 * @example
 * const policy = compilePolicy(readPolicy(tree));
 * decide(policy, { kind: "authorization", subject: "urn:a", resource: "orders", operation: "read" }).allowed;
 */
export function compilePolicy(document: PolicyDocument): Policy {
  const roles = expandRoles(document.roles);
  const all = (names: readonly string[]) => [...new Set(names.flatMap((name) => roles.get(name) ?? [name]))];
  const rules = document.rules.map(compileRule);
  const entries = document.subjects.map((subject, at) => ({ subject, entry: compileSubject(subject, at, all) }));
  return {
    version: document.version,
    hash: policyHash(document),
    document,
    scopesNeedRule: document.scopes_need_rule,
    rules,
    index: indexOf(rules),
    subjects: new Map(entries.flatMap(({ subject: { id }, entry }) => (id === undefined ? [] : [[id, entry]]))),
    subjectPatterns: entries.flatMap(({ subject: { pattern }, entry }) =>
      pattern === undefined ? [] : [{ ...entry, pattern: patternOf(pattern) }],
    ),
    realms: new Map(document.realms.map(({ id, roles: names }) => [id, all(names)])),
    roles,
    externalRoles: new Set(Object.entries(document.roles).flatMap(([name, { external }]) => (external ? [name] : []))),
    resources: compileRequirements(document),
    lifetimes: lifetimesOf(document),
    exchange: compileExchange(document.exchange ?? { issuers: [], rules: [] }),
  };
}

type Written = PolicyDocument["rules"][number];

function compileRule(rule: Written, order: number): PolicyRule {
  const { id, effect, lifetime, ...rest } = rule;
  const subjects = testOf(rule.subjects, rule.subject_pattern);
  const clients = testOf(rule.clients, rule.client_pattern);
  return {
    order,
    name: id ?? `rules[${order}]`,
    effect,
    ...(subjects === undefined ? {} : { subjects }),
    roles: rule.roles ?? [],
    realms: rule.realms ?? [],
    ...(clients === undefined ? {} : { clients }),
    kinds: new Set(rule.kinds ?? kindsOf(rule)),
    what: whatOf(rule),
    ...(lifetime === undefined ? {} : { lifetime }),
    content: canonical({ effect, lifetime, ...rest }),
  };
}

/** A signoff is allowed only by rules that name it; refused by all that refuse the operation. */
function kindsOf({ effect, resources, resource_pattern }: Written): readonly TokenKind[] {
  if (resources === undefined && resource_pattern === undefined) return ["access_token"];
  return effect === "deny" ? ["authorization", "signoff"] : ["authorization"];
}

function whatOf(rule: Written): What {
  const resources = testOf(rule.resources, rule.resource_pattern);
  const operations = testOf(rule.operations, rule.operation_pattern);
  const scopes = testOf(rule.scopes, rule.scope_pattern);
  const audiences = testOf(rule.audiences, rule.audience_pattern);
  return {
    ...(resources === undefined ? {} : { resources }),
    ...(operations === undefined ? {} : { operations }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(audiences === undefined ? {} : { audiences }),
  };
}

function testOf(names: readonly string[] | undefined, source: string | undefined): NameTest | undefined {
  if (names !== undefined) return { kind: "names", names: new Set(names) };
  return source === undefined ? undefined : { kind: "pattern", pattern: patternOf(source) };
}

function patternOf(source: string): Pattern {
  const pattern = compilePattern(source);
  if (pattern === undefined) throw new PolicyError([{ path: [], message: `${source} is no pattern` }]);
  return pattern;
}

function compileSubject(
  { roles, delegation }: PolicyDocument["subjects"][number],
  at: number,
  all: (names: readonly string[]) => readonly string[],
): SubjectEntry {
  const unbounded = delegation === true ? Number.POSITIVE_INFINITY : 0;
  const delegationDepth = typeof delegation === "object" ? delegation.depth : unbounded;
  return { place: `subjects[${at}]`, roles: all(roles), delegationDepth };
}

function expandRoles(roles: PolicyDocument["roles"]): ReadonlyMap<string, readonly string[]> {
  const included = new Map(Object.entries(roles).map(([name, { includes }]) => [name, includes]));
  return new Map(
    [...included.keys()].map((name) => {
      const found = new Set([name]);
      // A set is walked on to what is added meanwhile.
      for (const role of found) for (const next of included.get(role) ?? []) found.add(next);
      const isCycle = [...found].some((role) => role !== name && included.get(role)?.includes(name));
      if (!isCycle && !included.get(name)?.includes(name)) return [name, [...found]];
      throw new PolicyError([{ path: ["roles", name, "includes"], message: "leads back to the role itself" }]);
    }),
  );
}

function indexOf(rules: readonly PolicyRule[]): RuleIndex {
  const byWho = new Map<string, PolicyRule[]>();
  const byWhat = new Map<string, PolicyRule[]>();
  for (const rule of rules) {
    for (const key of whoKeys(rule)) append(byWho, key, rule);
    for (const key of whatKeys(rule) ?? []) append(byWhat, key, rule);
  }
  return {
    byWho,
    anyWho: rules.filter(({ subjects }) => subjects?.kind === "pattern"),
    byWhat,
    anyWhat: rules.filter((rule) => whatKeys(rule) === undefined),
  };
}

function whoKeys({ subjects, roles, realms }: PolicyRule): readonly string[] {
  const named = subjects?.kind === "names" ? [...subjects.names] : [];
  return [
    ...named.map((name) => `subject ${name}`),
    ...roles.map((name) => `role ${name}`),
    ...realms.map((name) => `realm ${name}`),
  ];
}

function whatKeys({ what: { resources, scopes } }: PolicyRule): readonly string[] | undefined {
  if (resources?.kind === "names") return [...resources.names].map((name) => `resource ${name}`);
  return scopes?.kind === "names" ? [...scopes.names].map((name) => `scope ${name}`) : undefined;
}

function append(map: Map<string, PolicyRule[]>, key: string, rule: PolicyRule): void {
  const rules = map.get(key);
  if (rules === undefined) map.set(key, [rule]);
  else if (rules.at(-1) !== rule) rules.push(rule);
}

function lifetimesOf({ lifetimes }: PolicyDocument): Readonly<Record<TokenKind, number>> {
  const of = (kind: TokenKind) => lifetimes[kind] ?? kindTable[kind].lifetime;
  return {
    access_token: of("access_token"),
    authorization: of("authorization"),
    signoff: of("signoff"),
    identity: of("identity"),
  };
}

import type { NameTest, Policy, PolicyRule } from "./compile.ts";
import type { UnratedFinding } from "./finding.ts";
import { fits } from "./match.ts";

/** Chains and signoffs of components that have no key: every request for such a resource is refused. */
export function checkKeys({ resources }: Policy): readonly UnratedFinding[] {
  return [...resources].flatMap(([name, resource]) =>
    (["chain", "signoffs"] as const).flatMap((list) =>
      resource[list].flatMap(({ component, publicKey }) => {
        if (publicKey !== undefined) return [];
        const message = `names ${component}, whose key is unknown, so every request is refused: add [components.${component}] with its public_key`;
        return [
          { code: "unknown_key", at: `resources.${name}.${list}`, path: ["resources", name, list], message } as const,
        ];
      }),
    ),
  );
}

/** Rules that can apply to nothing. */
export function checkNeverMatching(policy: Policy): readonly UnratedFinding[] {
  const held = heldRoles(policy);
  const denies = policy.rules.filter(({ effect }) => effect === "deny");
  return policy.rules.flatMap((rule) => {
    const why = whyNobody(rule, held) ?? whyNoOperation(rule, policy) ?? whyRefused(rule, denies);
    return why === undefined ? [] : [of("never_matches", rule, `never matches: ${why}`)];
  });
}

function of(code: UnratedFinding["code"], rule: PolicyRule, message: string): UnratedFinding {
  return { code, at: rule.name, path: ["rules", rule.order], message };
}

/** The roles that somebody has or can have. */
function heldRoles(policy: Policy): ReadonlySet<string> {
  const given = [...policy.externalRoles].flatMap((role) => policy.roles.get(role) ?? []);
  const entries = [...policy.subjects.values(), ...policy.subjectPatterns].flatMap(({ roles }) => roles);
  return new Set([...given, ...entries, ...[...policy.realms.values()].flat()]);
}

function whyNobody({ subjects, roles, realms }: PolicyRule, held: ReadonlySet<string>): string | undefined {
  if (subjects !== undefined || realms.length > 0 || roles.some((role) => held.has(role))) return undefined;
  return `nobody has the role ${roles.join(" or ")}: give it to a subject or realm, or mark it external`;
}

function whyNoOperation({ what: { resources, operations } }: PolicyRule, policy: Policy): string | undefined {
  if (resources?.kind !== "names" || operations === undefined) return undefined;
  const isPossible = [...resources.names].some((name) => {
    const declared = policy.resources.get(name)?.operations;
    return declared === undefined || [...declared].some((operation) => fits(operations, operation));
  });
  return isPossible
    ? undefined
    : "its resources have none of its operations: mend the names, or add them to operations";
}

function whyRefused(rule: PolicyRule, denies: readonly PolicyRule[]): string | undefined {
  if (rule.effect === "deny") return undefined;
  const by = denies.find((deny) => covers(deny, rule));
  return by === undefined ? undefined : `${by.name} refuses all of it: remove one of the two`;
}

/** Rules that say what another says already, or the opposite of a part of it. */
export function checkRepetition({ rules }: Policy): readonly UnratedFinding[] {
  const groups = groupsOf(rules);
  return rules.flatMap((rule) => {
    const others = groups.get(keyOf(rule)) ?? [];
    const twin = others.find((other) => other.order < rule.order && other.content === rule.content);
    if (twin !== undefined) return [of("duplicate", rule, `says what ${twin.name} says: remove one of the two`)];
    const wider = others.find((other) => isRedundant(rule, other));
    if (wider !== undefined) return [of("duplicate", rule, `says nothing that ${wider.name} does not: remove it`)];
    const opposite = others.find((other) => contradicts(rule, other));
    if (opposite === undefined) return [];
    return [of("contradiction", rule, `refuses a part of what ${opposite.name} allows: say it in one of the two`)];
  });
}

/** Rules for the same one are compared with each other: all with all would take too long. */
function groupsOf(rules: readonly PolicyRule[]): ReadonlyMap<string, readonly PolicyRule[]> {
  return Map.groupBy(rules, keyOf);
}

function keyOf({ subjects, roles, realms }: PolicyRule): string {
  if (subjects?.kind === "names") return `subject ${[...subjects.names][0]}`;
  if (subjects !== undefined) return `pattern ${subjects.pattern.source}`;
  return `${roles.length > 0 ? "role" : "realm"} ${roles[0] ?? realms[0]}`;
}

function isRedundant(rule: PolicyRule, other: PolicyRule): boolean {
  if (rule === other || rule.effect !== other.effect || !covers(other, rule)) return false;
  const life = ({ lifetime = Number.POSITIVE_INFINITY }: PolicyRule) => lifetime;
  if (life(other) < life(rule)) return false;
  // Of two that cover each other, the later is too much.
  return !(covers(rule, other) && life(rule) >= life(other)) || other.order < rule.order;
}

function contradicts(rule: PolicyRule, other: PolicyRule): boolean {
  return rule.effect === "deny" && other.effect === "allow" && covers(other, rule) && !covers(rule, other);
}

/** Whether a rule applies wherever another does, as far as their texts show. */
function covers(wide: PolicyRule, narrow: PolicyRule): boolean {
  const within = (part: readonly string[], whole: readonly string[]) => part.every((name) => whole.includes(name));
  return (
    [...narrow.kinds].every((kind) => wide.kinds.has(kind)) &&
    (narrow.subjects === undefined || (wide.subjects !== undefined && coversTest(wide.subjects, narrow.subjects))) &&
    within(narrow.roles, wide.roles) &&
    within(narrow.realms, wide.realms) &&
    (wide.clients === undefined || (narrow.clients !== undefined && coversTest(wide.clients, narrow.clients))) &&
    (wide.what.audiences === undefined ||
      (narrow.what.audiences !== undefined && coversTest(wide.what.audiences, narrow.what.audiences))) &&
    (["resources", "operations", "scopes"] as const).every((part) => {
      const test = narrow.what[part];
      const whole = wide.what[part];
      return test === undefined || (whole !== undefined && coversTest(whole, test));
    })
  );
}

const everything: ReadonlySet<string> = new Set([".+", ".*"]);

function coversTest(wide: NameTest, narrow: NameTest): boolean {
  if (wide.kind === "pattern" && everything.has(wide.pattern.source)) return true;
  if (narrow.kind === "names") return [...narrow.names].every((name) => fits(wide, name));
  return wide.kind === "pattern" && wide.pattern.source === narrow.pattern.source;
}

/** Patterns that say, or let slip, that they are not compared with whole names. */
export function checkPatterns({ document }: Policy): readonly UnratedFinding[] {
  const inRules = document.rules.flatMap((rule, at) =>
    (
      [
        "subject_pattern",
        "client_pattern",
        "resource_pattern",
        "operation_pattern",
        "scope_pattern",
        "audience_pattern",
      ] as const
    ).flatMap((member) => anchoring(rule[member], { at: rule.id ?? `rules[${at}]`, path: ["rules", at, member] })),
  );
  const inSubjects = document.subjects.flatMap(({ pattern }, at) =>
    anchoring(pattern, { at: `subjects[${at}]`, path: ["subjects", at, "pattern"] }),
  );
  return [...inSubjects, ...inRules];
}

function anchoring(source: string | undefined, place: Pick<UnratedFinding, "at" | "path">): readonly UnratedFinding[] {
  if (source === undefined || everything.has(source)) return [];
  const plain = source.replace(/\\./gsu, "").replace(/\[[^\]]*\]/g, "");
  const says = (message: string): UnratedFinding[] => [{ code: "not_anchored", ...place, message }];
  if (/[$^]/.test(plain)) return says(`${source} has ^ or $, and is compared with whole names anyway: remove them`);
  if (/^\.[*+]/.test(plain)) return says(`${source} lets names begin with anything: begin with what they begin with`);
  return [];
}

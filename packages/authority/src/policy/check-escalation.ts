import type { Policy, PolicyRule } from "./compile.ts";
import { type Asked, askedBy, askedText, type Known, knownIn, requestFor, subjectsOf } from "./concrete.ts";
import { decide } from "./decide.ts";
import type { UnratedFinding } from "./finding.ts";
import { fitsWho } from "./match.ts";
import { ancestorsOf, depthBeneath, isIdentity } from "./names.ts";
import { literalEnd, literalStart } from "./pattern.ts";
import { entryOf, lineOf } from "./standing.ts";

/**
 * Any holder of a delegatable token of X can become X:y. So whatever X:y may do, X may do in effect: where the policy gives it to
 * X:y alone, that is said.
 */
export function checkEscalation(
  policy: Policy,
  { atMost = Number.POSITIVE_INFINITY }: CheckOptions = {},
): readonly UnratedFinding[] {
  const known = knownIn(policy);
  const allows = policy.rules.filter(({ effect }) => effect === "allow");
  const budget = { left: atMost };
  const found = identitiesToTry(policy, allows).flatMap((identity) => {
    if (budget.left <= 0) return [];
    const ancestor = ancestorsOf(identity).find((above) => mayBecome(policy, above, identity));
    return ancestor === undefined ? [] : escalations(policy, { identity, ancestor, allows, known, budget });
  });
  return budget.left > 0 ? found : [...found, unchecked(atMost)];
}

/** How much is checked. */
export interface CheckOptions {
  /** Rights of sub-identities that are compared with their ancestors' at most. @default all */
  readonly atMost?: number;
}

function unchecked(atMost: number): UnratedFinding {
  const message = `only the first ${atMost} rights of sub-identities were compared: countersign policy check compares all`;
  return { code: "unchecked", at: "subjects", path: ["subjects"], message };
}

function mayBecome(policy: Policy, ancestor: string, identity: string): boolean {
  return (entryOf(policy, ancestor)?.delegationDepth ?? 0) >= depthBeneath(identity, ancestor);
}

interface Pair {
  readonly identity: string;
  readonly ancestor: string;
  readonly allows: readonly PolicyRule[];
  readonly known: Known;
  /** How many rights may still be compared. */
  readonly budget: { left: number };
}

function escalations(policy: Policy, { identity, ancestor, allows, known, budget }: Pair): readonly UnratedFinding[] {
  const line = lineOf(policy, identity);
  return allows
    .filter((rule) => fitsWho(rule, line))
    .flatMap((rule) => {
      if (budget.left <= 0) return [];
      const asked = askedBy(rule, known).slice(0, budget.left);
      budget.left -= asked.length;
      const gained = asked.find((one) => gains(policy, identity, ancestor, one));
      if (gained === undefined) return [];
      const message = `gives ${identity} ${askedText(gained)}, which ${ancestor} lacks and gets by delegating to itself as ${identity}: give it to ${ancestor} too, or take its delegation away`;
      return [{ code: "escalation", at: rule.name, path: ["rules", rule.order], message } as const];
    });
}

function gains(policy: Policy, identity: string, ancestor: string, asked: Asked): boolean {
  if (!decide(policy, requestFor(identity, asked)).allowed) return false;
  return !decide(policy, requestFor(ancestor, asked)).allowed;
}

/** Sub-identities that the document names, one of each realm, and those that a pattern of subjects plainly fits. */
function identitiesToTry(policy: Policy, allows: readonly PolicyRule[]): readonly string[] {
  const named = subjectsOf(policy);
  const realms = [...policy.realms.keys(), ...allows.flatMap(({ realms: ids }) => ids)];
  const patterns = allows.flatMap(({ subjects }) => (subjects?.kind === "pattern" ? [subjects.pattern] : []));
  const guessed = [...patterns, ...policy.subjectPatterns.map(({ pattern }) => pattern)].flatMap(({ source }) =>
    named.flatMap((subject) => namesLike(source, subject)),
  );
  const all = [...named, ...realms.map((realm) => `${realm}:${ANYBODY}`), ...guessed];
  return [...new Set(all)].filter(isIdentity);
}

/** The part that stands for any sub-identity. */
const ANYBODY = "x";

function namesLike(source: string, subject: string): readonly string[] {
  const start = literalStart(source);
  const beneath = start.startsWith(`${subject}:`) ? [start, `${start}${ANYBODY}`] : [];
  const end = literalEnd(source);
  const tail = end.replace(/^:/, "");
  return [...beneath, `${subject}:${ANYBODY}`, `${subject}:${tail}`, `${subject}:${ANYBODY}${end}`, `${start}${end}`];
}

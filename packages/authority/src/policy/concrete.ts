import type { NameTest, Policy, PolicyRule } from "./compile.ts";
import type { PolicyRequest } from "./request.ts";

/** What can be asked for, beside who asks. */
export type Asked =
  | { readonly kind: "access_token"; readonly scope: string; readonly audience?: string; readonly client?: string }
  | {
      readonly kind: "authorization" | "signoff";
      readonly resource: string;
      readonly operation: string;
      readonly client?: string;
    };

/** All subjects that a policy names in full, each once, in the order they are named. */
export function subjectsOf({ subjects, realms, rules }: Policy): readonly string[] {
  const named = rules.flatMap((rule) => namesIn(rule.subjects));
  return [...new Set([...subjects.keys(), ...realms.keys(), ...named])];
}

/** All operations that a policy names in full, and those that its resources declare. */
function operationsOf({ rules, resources }: Policy): readonly string[] {
  const declared = [...resources.values()].flatMap(({ operations }) => [...(operations ?? [])]);
  return [...new Set([...declared, ...rules.flatMap(({ what }) => namesIn(what.operations))])];
}

/** What a rule is about, as far as it is named in full; for its patterns `known` stands in. */
export function askedBy(rule: PolicyRule, known: Known): readonly Asked[] {
  const { what } = rule;
  const clients = rule.clients === undefined ? [undefined] : namesOr(rule.clients, known.clients);
  const rights = namesOr(what.resources, known.resources).flatMap((resource) =>
    namesOr(what.operations, known.operations).map((operation) => ({ resource, operation })),
  );
  const audiences =
    what.audiences === undefined ? [{}] : namesOr(what.audiences, known.audiences).map((audience) => ({ audience }));
  const scopes = namesOr(what.scopes, known.scopes).flatMap((scope) => audiences.map((to) => ({ scope, ...to })));
  return clients.flatMap((client) => {
    const through = client === undefined ? {} : { client };
    const kinds = (["authorization", "signoff"] as const).filter((kind) => rule.kinds.has(kind));
    return [
      ...kinds.flatMap((kind) => rights.map((right) => ({ kind, ...right, ...through }))),
      ...scopes.map((scope) => ({ kind: "access_token" as const, ...scope, ...through })),
    ];
  });
}

/** Names for patterns to be tried with. */
export interface Known {
  readonly resources: readonly string[];
  readonly operations: readonly string[];
  readonly scopes: readonly string[];
  readonly audiences: readonly string[];
  readonly clients: readonly string[];
}

/** Every name in some policies. */
export function knownIn(...policies: readonly Policy[]): Known {
  const rules = policies.flatMap((policy) => policy.rules);
  const all = (names: readonly string[]) => [...new Set(names)];
  return {
    resources: all([
      ...policies.flatMap(({ resources }) => [...resources.keys()]),
      ...rules.flatMap(({ what }) => namesIn(what.resources)),
    ]),
    operations: all(policies.flatMap(operationsOf)),
    scopes: all(rules.flatMap(({ what }) => namesIn(what.scopes))),
    audiences: all(rules.flatMap(({ what }) => namesIn(what.audiences))),
    clients: all(rules.flatMap(({ clients }) => namesIn(clients))),
  };
}

/** What is asked, as one text. */
export function askedText(asked: Asked): string {
  const what = asked.kind === "access_token" ? scopeText(asked) : `${asked.resource} ${asked.operation}`;
  const through = asked.client === undefined ? "" : ` through ${asked.client}`;
  return `${asked.kind === "signoff" ? "sign off " : ""}${what}${through}`;
}

function scopeText({ scope, audience }: { readonly scope: string; readonly audience?: string }): string {
  return audience === undefined ? scope : `${scope} for ${audience}`;
}

/** The request of a subject for it. */
export function requestFor(subject: string, asked: Asked): PolicyRequest {
  return { ...asked, subject };
}

/** The names of a test that has some. */
function namesIn(test: NameTest | undefined): readonly string[] {
  return test?.kind === "names" ? [...test.names] : [];
}

function namesOr(test: NameTest | undefined, known: readonly string[]): readonly string[] {
  if (test === undefined) return [];
  return test.kind === "names" ? [...test.names] : known.filter((name) => test.pattern.matches(name));
}

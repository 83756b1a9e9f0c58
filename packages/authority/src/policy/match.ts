import type { NameTest, PolicyRule } from "./compile.ts";
import type { PolicyRequest } from "./request.ts";
import type { Standing } from "./standing.ts";

/** The part of a rule that a request does not fit. */
export type Mismatch = "kind" | "subject" | "client" | "resource" | "operation" | "scope" | "audience";

/** The first part of a rule that a request does not fit; `undefined` when the rule applies. */
export function mismatchOf(rule: PolicyRule, request: PolicyRequest, line: readonly Standing[]): Mismatch | undefined {
  if (!rule.kinds.has(request.kind)) return "kind";
  if (!fitsWho(rule, line)) return "subject";
  if (rule.clients !== undefined && (request.client === undefined || !fits(rule.clients, request.client))) {
    return "client";
  }
  return mismatchOfWhat(rule, request);
}

/** What allows is for the subject alone; what refuses is for all beneath, too. */
export function fitsWho(rule: PolicyRule, line: readonly Standing[]): boolean {
  return (rule.effect === "deny" ? line : line.slice(0, 1)).some((standing) => fitsStanding(rule, standing));
}

function fitsStanding({ subjects, roles, realms }: PolicyRule, standing: Standing): boolean {
  if (subjects !== undefined && fits(subjects, standing.identity)) return true;
  return roles.some((role) => standing.roles.has(role)) || realms.some((realm) => standing.above.has(realm));
}

function mismatchOfWhat({ what }: PolicyRule, request: PolicyRequest): Mismatch | undefined {
  if (request.kind === "identity") return undefined;
  if (request.kind === "access_token") {
    return unfit("scope", what.scopes, request.scope) ?? unfitAudience(what.audiences, request.audience);
  }
  return unfit("resource", what.resources, request.resource) ?? unfit("operation", what.operations, request.operation);
}

function unfit(part: Mismatch, test: NameTest | undefined, name: string): Mismatch | undefined {
  return test !== undefined && fits(test, name) ? undefined : part;
}

function unfitAudience(test: NameTest | undefined, audience: string | undefined): Mismatch | undefined {
  if (test === undefined || (audience !== undefined && fits(test, audience))) return undefined;
  return "audience";
}

/** Whether a name is among names, or fits a pattern. */
export function fits(test: NameTest, name: string): boolean {
  return test.kind === "names" ? test.names.has(name) : test.pattern.matches(name);
}

import type { Policy, SubjectEntry } from "./compile.ts";
import { ancestorsOf } from "./names.ts";

/** An identity with what rules can know it by. */
export interface Standing {
  readonly identity: string;
  readonly roles: ReadonlySet<string>;
  /** All that it is beneath. */
  readonly above: ReadonlySet<string>;
}

/** The entry of an identity: its own, or the first whose pattern fits. */
export function entryOf(policy: Policy, identity: string): SubjectEntry | undefined {
  return policy.subjects.get(identity) ?? policy.subjectPatterns.find(({ pattern }) => pattern.matches(identity));
}

/**
 * What an identity is known by. Who has no entry has the roles of the nearest realm above: an entry of its own replaces them.
 * Of the roles that were handed in, those count that the document declares external.
 */
function standingOf(policy: Policy, identity: string, given: readonly string[] = []): Standing {
  const above = ancestorsOf(identity);
  const realm = above.find((ancestor) => policy.realms.has(ancestor));
  const own = entryOf(policy, identity)?.roles ?? (realm === undefined ? [] : (policy.realms.get(realm) ?? []));
  const external = given
    .filter((role) => policy.externalRoles.has(role))
    .flatMap((role) => policy.roles.get(role) ?? []);
  return { identity, roles: new Set([...own, ...external]), above: new Set(above) };
}

/** The subject, then all above it: what is refused to these is refused to it, or it were a way around. */
export function lineOf(policy: Policy, identity: string, given?: readonly string[]): readonly Standing[] {
  return [standingOf(policy, identity, given), ...ancestorsOf(identity).map((above) => standingOf(policy, above))];
}

/** What a token is asked for. */
export interface RequestedAccess {
  /** The parameter `audience`, which some servers take (RFC 8693 section 2.1 has the name). @default none */
  readonly audience?: string;
  /** Scopes as a list, or as text with spaces between them (RFC 6749 section 3.3). */
  readonly scope?: string | readonly string[];
  /** One resource indicator (RFC 8707), or several. */
  readonly resource?: string | readonly string[];
}

/** What is asked for, as keys and requests have it. */
export interface AccessLists {
  readonly audience: string | undefined;
  readonly scope: readonly string[];
  readonly resource: readonly string[];
}

/** Text and list are the same request, and the same key. */
export function accessLists({ audience, scope = [], resource = [] }: RequestedAccess): AccessLists {
  const scopes = [scope].flat().flatMap((text) => text.split(/\s+/));
  return { audience, scope: scopes.filter(Boolean), resource: [resource].flat() };
}

/** The parameters every grant shares. */
export function grantParameters(grant: string, asked: RequestedAccess): URLSearchParams {
  const parameters = new URLSearchParams({ grant_type: grant });
  const { audience, scope, resource } = accessLists(asked);
  if (audience !== undefined) parameters.set("audience", audience);
  if (scope.length > 0) parameters.set("scope", scope.join(" "));
  for (const one of resource) parameters.append("resource", one);
  return parameters;
}

/**
 * The part of a key that a partition, extra parameters and a login make, so that no two different requests share a token:
 * no partition, whoever chooses it, reads like the others.
 */
export function partitionOf(
  parameters: Readonly<Record<string, string>> | undefined,
  partition?: string,
  login?: string,
): string | undefined {
  const entries = Object.entries(parameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0 && partition === undefined && login === undefined) return undefined;
  return JSON.stringify([partition ?? null, entries, ...(login === undefined ? [] : [login])]);
}

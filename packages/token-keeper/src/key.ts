/**
 * What makes two tokens the same token. Caches, leases and slots are keyed by all of it, so that one audience, scope,
 * tenant or user never receives another's token.
 */
export interface TokenIdentity {
  /** The issuer, or the token endpoint where no issuer is configured. */
  readonly issuer: string;
  readonly clientId: string;
  readonly grant: string;
  readonly audience?: string | undefined;
  /** Resource indicators (RFC 8707); their order does not matter. */
  readonly resource?: readonly string[] | undefined;
  /** Scopes asked for; their order does not matter. */
  readonly scope?: readonly string[] | undefined;
  /** Whose token it is, where the grant acts for somebody. */
  readonly subject?: string | undefined;
  /** Anything else that tells tokens apart: a tenant, a parameter of the request, which login it is. */
  readonly partition?: string | undefined;
}

/** The canonical text of an identity: equal exactly for equal identities. */
export function tokenKey(identity: TokenIdentity): string {
  const { issuer, clientId, grant, audience, resource, scope, subject, partition } = identity;
  return JSON.stringify([
    issuer,
    clientId,
    grant,
    audience ?? null,
    sorted(resource),
    sorted(scope),
    subject ?? null,
    partition ?? null,
  ]);
}

function sorted(values: readonly string[] = []): string[] {
  return [...new Set(values)].sort();
}

import type { TokenError } from "./errors.ts";
import type { TokenEvent } from "./events.ts";
import type { Clock, Random } from "./ports.ts";
import type { Secret } from "./secret.ts";
import type { SkewEstimate } from "./skew.ts";
import type { Token } from "./token.ts";

/** What a source is given with each request. */
export interface SourceContext {
  /** Aborted when the keeper is closed. */
  readonly signal: AbortSignal;
  /** The keeper's clock. */
  readonly clock: Clock;
  /** The keeper's randomness. */
  readonly random: Random;
  /** How far the clocks of servers are ahead: sources observe it and read it. */
  readonly skew: SkewEstimate;
  /** Tells the keeper's listeners of an event. */
  readonly emit: (event: TokenEvent) => void;
  /** The token to be replaced. */
  readonly current: Token | undefined;
  /** An access token that a resource server refused: to answer with it again is no help. */
  readonly rejected: Secret | undefined;
  /** What the attempt before came to, when it failed. */
  readonly lastError?: TokenError | undefined;
  /** How many steps of its backoff the keeper has taken. */
  readonly failures?: number | undefined;
}

/** Where tokens come from. */
export interface TokenSource {
  /** What tells its tokens from others. */
  readonly identity: TokenIdentity;
  /**
   * Gets a new token: one attempt, no retry.
   * @throws TokenError with `retryable` telling whether another attempt can help; anything else counts as retryable.
   */
  request(context: SourceContext): Promise<Token>;
  /**
   * A token that others got meanwhile: asked every few seconds while no request may start, so it reads caches and stores,
   * and asks the server only when it learnt there that this is no longer in vain.
   */
  look?(context: SourceContext): Promise<Token | undefined>;
}

/**
 * What makes two tokens the same token. Caches, leases and keepers are keyed by all of it, so that one audience, scope,
 * tenant or user never receives another's token.
 */
export interface TokenIdentity {
  /** The issuer, or the token endpoint where no issuer is configured. */
  readonly issuer: string;
  /** The client's id. */
  readonly clientId: string;
  /** The `grant_type`, or another name of how the token is got. */
  readonly grant: string;
  /** The audience asked for. */
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

/**
 * The canonical text of an identity: equal exactly for equal identities.
 *
 * @example
 * ```ts run
 * import { tokenKey } from "@countersign/token-keeper";
 * const identity = { issuer: "https://auth.example.com", clientId: "app", grant: "client_credentials" };
 * const [one, other] = [["a", "b"], ["b", "a"]].map((scope) => tokenKey({ ...identity, scope }));
 * console.log(one === other); // true
 * ```
 */
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

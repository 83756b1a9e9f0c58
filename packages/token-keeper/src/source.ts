import type { Clock } from "./clock.ts";
import type { TokenError } from "./errors.ts";
import type { TokenEvent } from "./events.ts";
import type { TokenIdentity } from "./key.ts";
import type { Random } from "./random.ts";
import type { Secret } from "./secret.ts";
import type { SkewEstimate } from "./skew.ts";
import type { Token } from "./token.ts";

/** What a source is given with each request. */
export interface SourceContext {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly skew: SkewEstimate;
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

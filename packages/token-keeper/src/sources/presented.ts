import { TokenError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { type SourceContext, type TokenSource, tokenKey } from "../source.ts";
import type { Token } from "../token.ts";

/**
 * A token of another source, got anew for each request that presents it. One that the server did not accept is named to its
 * source, so that a cache in between does not give it again.
 */
export class PresentedToken {
  readonly #source: TokenSource;
  #last: Secret | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /** What tells it from other tokens. */
  get key(): string {
    return tokenKey(this.#source.identity);
  }

  /** @throws what its source throws; TokenError `token_expired` for a token that is of no use any more. */
  async get(context: SourceContext): Promise<Token> {
    const refused = context.lastError?.code === "invalid_grant" ? this.#last : undefined;
    const token = await this.#source.request({ ...context, current: undefined, rejected: refused });
    if (token.statusAt(context.clock.now()) === "expired")
      throw new TokenError("token_expired", "The token to present has expired");
    this.#last = token.accessToken;
    return token;
  }
}

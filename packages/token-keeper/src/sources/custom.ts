import { withDeadline } from "../deadline.ts";
import type { LifetimePolicy } from "../lifetime.ts";
import type { SourceContext, TokenIdentity, TokenSource } from "../source.ts";
import { createToken, type TokenInit } from "../token.ts";

/** What a custom function answers: the token's parts, and how long it lives from the moment it was asked for. */
export interface CustomToken extends Pick<TokenInit, "accessToken" | "idToken" | "tokenType" | "scope" | "extra"> {
  /** Milliseconds from the request to expiry. */
  readonly expiresInMs: number;
  /** Milliseconds from the request to staleness. @default what the lifetime policy says */
  readonly refreshInMs?: number;
}

/** Options of {@link customSource}. */
export interface CustomSourceOptions {
  /** Everything that tells this token from others: it is the key in every cache. */
  readonly identity: TokenIdentity;
  /** When a token is stale. @default adaptiveLifetime() */
  readonly lifetime?: LifetimePolicy;
  /** @default 10000 */
  readonly timeoutMs?: number;
}

/**
 * A source from a function: any grant, any API. Throw a {@link TokenError} to say whether a retry can help.
 *
 * @example
 * ```ts run
 * import { customSource, TokenWatcher } from "@countersign/token-keeper";
 * const source = customSource(async () => ({ accessToken: "abc", expiresInMs: 60_000 }), {
 *   identity: { issuer: "vault", clientId: "ci", grant: "vault-login" },
 * });
 * await using watcher = await TokenWatcher.start(source);
 * console.log(watcher.token().authorization()); // Bearer abc
 * ```
 */
export function customSource(
  request: (context: SourceContext) => Promise<CustomToken>,
  options: CustomSourceOptions,
): TokenSource {
  const { identity, lifetime, timeoutMs = 10_000 } = options;
  return {
    identity,
    async request(context) {
      const { clock, signal } = context;
      const issuedAt = clock.now();
      const bound = { clock, signal, timeoutMs, timeoutMessage: `The source did not answer within ${timeoutMs} ms` };
      const { expiresInMs, refreshInMs, ...init } = await withDeadline(bound, (ended) =>
        request({ ...context, signal: ended }),
      );
      return createToken(init, { issuedAt, lifetimeMs: expiresInMs, refreshInMs }, lifetime);
    },
  };
}

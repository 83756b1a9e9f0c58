import { accessLists, grantParameters, partitionOf, type RequestedAccess } from "../requested-access.ts";
import { type SourceContext, type TokenSource, tokenKey } from "../source.ts";
import type { Token } from "../token.ts";
import { TokenEndpoint, type TokenEndpointOptions } from "../token-endpoint.ts";
import { PresentedToken } from "./presented.ts";

/** The token type identifiers of RFC 8693 section 3. */
export const tokenTypes = {
  accessToken: "urn:ietf:params:oauth:token-type:access_token",
  refreshToken: "urn:ietf:params:oauth:token-type:refresh_token",
  idToken: "urn:ietf:params:oauth:token-type:id_token",
  jwt: "urn:ietf:params:oauth:token-type:jwt",
  saml1: "urn:ietf:params:oauth:token-type:saml1",
  saml2: "urn:ietf:params:oauth:token-type:saml2",
} as const;

/** A token that is handed in for another one. */
export interface ExchangedToken {
  /** Where it comes from: asked anew for each exchange. */
  readonly source: TokenSource;
  /** What it is: one of {@link tokenTypes}, or another URI. @default tokenTypes.jwt */
  readonly type?: string;
}

/** Options of {@link tokenExchangeSource}. */
export interface TokenExchangeOptions extends TokenEndpointOptions, RequestedAccess {
  /** On whose behalf the new token will be. */
  readonly subject: ExchangedToken;
  /** Who acts for the subject. @default none */
  readonly actor?: ExchangedToken;
  /** What is wanted: one of {@link tokenTypes}, or another URI. @default the server's choice */
  readonly requestedTokenType?: string;
  /** Tells tenants apart that share everything else. @default none */
  readonly partition?: string;
}

const GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";

/**
 * Token exchange (RFC 8693): a token of another source becomes one of this server, for a narrower audience or on somebody's
 * behalf. The identity of a workload is such a source: see `@countersign/token-keeper/workload`.
 *
 * @throws TypeError when the endpoint is not https or loopback.
 * @example
 * ```ts run
 * import { constantSource, publicClient, tokenExchangeSource, TokenWatcher } from "@countersign/token-keeper";
 * const source = tokenExchangeSource({
 *   tokenEndpoint: "https://auth.example.com/oauth/token",
 *   client: publicClient("ci"),
 *   subject: { source: constantSource({ accessToken: "a.workload.token" }) },
 *   audience: "https://api.example.com",
 *   fetch: async () => Response.json({ access_token: "abc", token_type: "Bearer", expires_in: 300 }),
 * });
 * await using watcher = await TokenWatcher.start(source);
 * console.log(watcher.token().authorization()); // Bearer abc
 * ```
 */
export function tokenExchangeSource(options: TokenExchangeOptions): TokenSource {
  const { subject, actor, requestedTokenType } = options;
  const endpoint = new TokenEndpoint(options);
  const presented = new PresentedToken(subject.source);
  const acting = actor && new PresentedToken(actor.source);
  const identity = {
    issuer: endpoint.issuer,
    clientId: options.client.clientId,
    grant: GRANT,
    ...accessLists(options),
    subject: presented.key,
    partition: partitionOf(
      options.parameters,
      options.partition,
      JSON.stringify([typeOf(subject), actor && typeOf(actor), acting?.key, requestedTokenType]),
    ),
  };
  const key = tokenKey(identity);
  return {
    identity,
    async request(context: SourceContext): Promise<Token> {
      const startedAt = context.clock.now();
      const parameters = grantParameters(GRANT, options);
      if (requestedTokenType !== undefined) parameters.set("requested_token_type", requestedTokenType);
      await present(parameters, "subject", presented, typeOf(subject), context);
      if (actor !== undefined && acting !== undefined)
        await present(parameters, "actor", acting, typeOf(actor), context);
      const { token } = await endpoint.grant(parameters, context);
      context.emit({ type: "requested", key, durationMs: context.clock.now() - startedAt });
      return token;
    },
  };
}

function typeOf({ type = tokenTypes.jwt }: ExchangedToken): string {
  return type;
}

async function present(
  parameters: URLSearchParams,
  as: "subject" | "actor",
  presented: PresentedToken,
  type: string,
  context: SourceContext,
): Promise<void> {
  parameters.set(`${as}_token`, (await presented.get(context)).accessToken.reveal());
  parameters.set(`${as}_token_type`, type);
}

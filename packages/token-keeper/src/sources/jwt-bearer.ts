import type { ClientAuthentication } from "../client-authentication.ts";
import { TokenError } from "../errors.ts";
import { accessLists, grantParameters, partitionOf, type RequestedAccess } from "../requested-access.ts";
import { type SourceContext, type TokenSource, tokenKey } from "../source.ts";
import type { Token } from "../token.ts";
import { TokenEndpoint, type TokenEndpointOptions } from "../token-endpoint.ts";
import { PresentedToken } from "./presented.ts";

/** Options of {@link jwtBearerSource}. */
export interface JwtBearerOptions extends Omit<TokenEndpointOptions, "client">, RequestedAccess {
  /** Where the assertion comes from: asked anew for each request. {@link signedAssertionSource} signs one itself. */
  readonly assertion: TokenSource;
  /** The client, where the server wants one beside the assertion (RFC 7523 section 3.1 leaves it open). @default none */
  readonly client?: ClientAuthentication;
  /** Tells tenants apart that share everything else. @default none */
  readonly partition?: string;
}

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** The assertion says who asks. */
const unnamedClient: ClientAuthentication = {
  clientId: "",
  mutualTls: false,
  authenticate: async () => undefined,
};

/**
 * The JWT bearer grant (RFC 7523 section 2.1): an assertion of a trusted issuer, or one that is signed here, becomes an access
 * token.
 *
 * @throws TypeError when the endpoint is not https or loopback.
 * @example
 * ```ts run
 * import { constantSource, jwtBearerSource, TokenWatcher } from "@countersign/token-keeper";
 * const source = jwtBearerSource({
 *   tokenEndpoint: "https://auth.example.com/oauth/token",
 *   assertion: constantSource({ accessToken: "an.assertion.token" }),
 *   scope: "orders.read",
 *   fetch: async () => Response.json({ access_token: "abc", token_type: "Bearer", expires_in: 300 }),
 * });
 * await using watcher = await TokenWatcher.start(source);
 * console.log(watcher.token().authorization()); // Bearer abc
 * ```
 */
export function jwtBearerSource(options: JwtBearerOptions): TokenSource {
  const { client = unnamedClient } = options;
  const endpoint = new TokenEndpoint({ ...options, client });
  const assertion = new PresentedToken(options.assertion);
  const identity = {
    issuer: endpoint.issuer,
    clientId: client.clientId,
    grant: GRANT,
    ...accessLists(options),
    subject: assertion.key,
    partition: partitionOf(options.parameters, options.partition),
  };
  const key = tokenKey(identity);
  const ask = async (context: SourceContext) => {
    const parameters = grantParameters(GRANT, options);
    parameters.set("assertion", (await assertion.get(context)).accessToken.reveal());
    return endpoint.grant(parameters, context);
  };
  return {
    identity,
    async request(context: SourceContext): Promise<Token> {
      const startedAt = context.clock.now();
      const skewMs = context.skew.get(endpoint.issuer) ?? 0;
      const { token } = await ask(context).catch((error) => {
        // An assertion of another time: the refusal told the server's time, so the next one is of the right time.
        const learnt = (context.skew.get(endpoint.issuer) ?? 0) !== skewMs;
        if (learnt && error instanceof TokenError && error.code === "invalid_grant") return ask(context);
        throw error;
      });
      context.emit({ type: "requested", key, durationMs: context.clock.now() - startedAt });
      return token;
    },
  };
}

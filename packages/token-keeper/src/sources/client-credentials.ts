import { accessLists, grantParameters, partitionOf, type RequestedAccess } from "../requested-access.ts";
import { type SourceContext, type TokenSource, tokenKey } from "../source.ts";
import type { Token } from "../token.ts";
import { TokenEndpoint, type TokenEndpointOptions } from "../token-endpoint.ts";

/** Options of {@link clientCredentialsSource}. */
export interface ClientCredentialsOptions extends TokenEndpointOptions, RequestedAccess {
  /** Tells tenants apart that share everything else. */
  readonly partition?: string;
}

/**
 * The client credentials grant (RFC 6749 section 4.4): a service's own token.
 *
 * @throws TypeError when the endpoint is not https or loopback.
 * @example
 * ```ts run
 * import { clientCredentialsSource, secretBasic } from "@countersign/token-keeper";
 * const source = clientCredentialsSource({
 *   issuer: "https://auth.example.com",
 *   client: secretBasic("reports", process.env.REPORTS_SECRET ?? "s3cr3t"),
 *   audience: "https://api.example.com",
 * });
 * console.log(source.identity.grant); // client_credentials
 * ```
 */
export function clientCredentialsSource(options: ClientCredentialsOptions): TokenSource {
  const endpoint = new TokenEndpoint(options);
  const identity = {
    issuer: endpoint.issuer,
    clientId: options.client.clientId,
    grant: "client_credentials",
    ...accessLists(options),
    partition: partitionOf(options.parameters, options.partition),
  };
  const key = tokenKey(identity);
  return {
    identity,
    async request(context: SourceContext): Promise<Token> {
      const startedAt = context.clock.now();
      const { token } = await endpoint.grant(grantParameters("client_credentials", options), context);
      context.emit({ type: "requested", key, durationMs: context.clock.now() - startedAt });
      return token;
    },
  };
}

import { TokenError } from "./errors.ts";
import { type FetchLike, type HttpResponse, parseRetryAfter, requireSecureUrl, sendRequest } from "./http.ts";
import { isObject, type JsonObject, member, parseObject, stringMember } from "./json.ts";
import type { SourceContext } from "./source.ts";

/** Options of {@link discoverTokenEndpoint}. */
export interface DiscoveryOptions {
  /** The issuer identifier (RFC 8414 section 2). */
  readonly issuer: string;
  /** Origins the token endpoint may have beside the issuer's own. @default [] */
  readonly endpointOrigins?: readonly string[];
  /** Take the endpoint for client certificates (RFC 8705 section 5). @default false */
  readonly mutualTls?: boolean;
  readonly allowInsecureHttp?: boolean;
  readonly fetch?: FetchLike | undefined;
  readonly timeoutMs: number;
}

/**
 * Finds an issuer's token endpoint in its metadata: RFC 8414 first, OpenID Connect Discovery second.
 * @throws TokenError `discovery_failed` when a document names another issuer, or no endpoint on an allowed origin;
 * `metadata_unreadable` when there is no document; network errors as they are.
 */
export async function discoverTokenEndpoint(options: DiscoveryOptions, context: SourceContext): Promise<string> {
  let failure: TokenError | undefined;
  for (const url of metadataUrls(requireSecureUrl(options.issuer, "issuer", options.allowInsecureHttp))) {
    const response = await sendRequest({
      url,
      method: "GET",
      headers: { accept: "application/json" },
      signal: context.signal,
      timeoutMs: options.timeoutMs,
      maxBytes: 262_144,
      fetch: options.fetch,
      clock: context.clock,
    }).catch(redirected);
    const isResponse = !(response instanceof TokenError);
    const metadata = isResponse && response.status === 200 ? parseObject(response.text) : undefined;
    if (metadata !== undefined) return tokenEndpointOf(metadata, options);
    const unread = isResponse ? unavailable(url, response.status, retryAfter(response, context)) : response;
    // Most servers have one document of the two: an outage of it matters more than the absence of the other.
    if (failure === undefined || failure.code === "metadata_unreadable") failure = unread;
  }
  throw failure ?? unavailable(options.issuer, 0);
}

function retryAfter({ headers }: HttpResponse, { clock }: SourceContext): number | undefined {
  return parseRetryAfter(headers.get("retry-after"), clock.now());
}

/** Many servers redirect unknown paths to a login page: the other document may still be there. */
function redirected(error: unknown): TokenError {
  if (error instanceof TokenError && error.code === "redirect_refused") return error;
  throw error;
}

/** Never terminal: a proxy may answer anything while the server is down. */
function unavailable(url: string, status: number, retryAfterMs?: number): TokenError {
  const code = status === 429 ? "rate_limited" : status >= 500 ? "server_error" : "metadata_unreadable";
  return new TokenError(code, `Cannot read metadata, status ${status}: ${url}`, { status, retryAfterMs });
}

/** RFC 8414 section 3.1 puts the well-known part before the path, OpenID Connect Discovery section 4 behind it. */
function metadataUrls({ origin, pathname }: URL): string[] {
  const path = pathname.replace(/\/$/, "");
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

function tokenEndpointOf(metadata: JsonObject, options: DiscoveryOptions): string {
  // RFC 8414 section 3.3: identical, character by character.
  if (stringMember(metadata, "issuer") !== options.issuer)
    throw new TokenError(
      "discovery_failed",
      `The metadata names another issuer than the one configured: ${options.issuer}`,
    );
  const aliases = member(metadata, "mtls_endpoint_aliases");
  const alias = options.mutualTls && isObject(aliases) ? stringMember(aliases, "token_endpoint") : undefined;
  const endpoint = alias ?? stringMember(metadata, "token_endpoint");
  const origin = endpoint === undefined ? undefined : secureOrigin(endpoint, options.allowInsecureHttp);
  if (endpoint === undefined || origin === undefined)
    throw new TokenError("discovery_failed", `The metadata names no token endpoint with https: ${options.issuer}`);
  const allowed = [options.issuer, ...(options.endpointOrigins ?? [])].map((url) => new URL(url).origin);
  if (!allowed.includes(origin))
    throw new TokenError(
      "discovery_failed",
      `The token endpoint is on another origin, name it in endpointOrigins: ${origin}`,
    );
  return endpoint;
}

/** The origin of an endpoint that may get credentials; undefined of any other. */
function secureOrigin(endpoint: string, allowInsecureHttp: boolean | undefined): string | undefined {
  try {
    return requireSecureUrl(endpoint, "token endpoint", allowInsecureHttp).origin;
  } catch {
    return undefined;
  }
}

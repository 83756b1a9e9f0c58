import { TokenError } from "../errors.ts";
import { type FetchLike, type HttpResponse, parseRetryAfter, redactUrl, sendRequest } from "../http.ts";
import { readJwtTimes } from "../json.ts";
import type { LifetimePolicy } from "../lifetime.ts";
import type { SourceContext } from "../source.ts";
import { createToken, type Token } from "../token.ts";

/** What the sources of this folder have in common. */
export interface WorkloadOptions {
  /** For one request, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** When a token is stale. @default adaptiveLifetime() */
  readonly lifetime?: LifetimePolicy;
  /** @default globalThis.fetch */
  readonly fetch?: FetchLike;
}

/** A request to the platform that runs the workload. */
export interface MetadataRequest {
  readonly url: string;
  /** @default "GET" */
  readonly method?: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Larger than any answer of theirs. */
const MAX_BYTES = 262_144;

/**
 * Asks the platform.
 * @throws TokenError `unexpected_status`, `rate_limited` or `server_error` for a status other than 200; as `sendRequest`
 * has it for the network. A platform that is not ready says 404 or 410 for a while: everything may be tried again.
 */
export async function askPlatform(
  { method = "GET", ...request }: MetadataRequest,
  { clock, signal }: SourceContext,
  { timeoutMs = 10_000, fetch }: WorkloadOptions,
): Promise<HttpResponse> {
  const response = await sendRequest({ ...request, method, signal, timeoutMs, maxBytes: MAX_BYTES, fetch, clock });
  if (response.status === 200) return response;
  const { status } = response;
  const code = status === 429 ? "rate_limited" : status >= 500 ? "server_error" : "unexpected_status";
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.now());
  throw new TokenError(code, `Status ${status} of ${redactUrl(request.url)}`, { status, retryAfterMs });
}

/**
 * A JWT that the platform issued, with the lifetime that it names itself.
 * @throws TokenError `invalid_response` when it is none, or has no `exp`.
 */
export function platformJwt(text: string, { clock }: SourceContext, { lifetime }: WorkloadOptions): Token {
  const now = clock.now();
  const times = readJwtTimes(text);
  if (times?.expiresAt === undefined || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text))
    throw new TokenError("invalid_response", "The platform answered with something else than a JWT with exp");
  const issuedAt = Math.min(times.issuedAt ?? now, now, times.expiresAt);
  return createToken({ accessToken: text }, { issuedAt, lifetimeMs: times.expiresAt - issuedAt }, lifetime);
}

import { CountersignError, errorResponse } from "@countersign/protocol";

/** What a challenge tells beside the error. */
export interface ChallengeOptions {
  /** What the token is good for, for people (RFC 9110 section 11.5). @default none */
  readonly realm?: string | undefined;
  /** Where the metadata of the protected resource are (RFC 9728 section 5.1). @default none */
  readonly resourceMetadata?: string | undefined;
}

/** A response that refuses a request. */
export interface RefusalResponse {
  /** The HTTP status. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

/** RFC 6750 section 3 allows no quote, backslash or control in the values of its parameters; RFC 9110 escapes the two. */
const quoted = (value: string): string => `"${value.replace(/[\\"]/g, "\\$&")}"`;

/** The errors that RFC 6750 section 3.1 has: others get no challenge. */
const CHALLENGED: readonly string[] = ["invalid_request", "invalid_token", "insufficient_scope"];

/**
 * The challenge of RFC 6750 section 3. A request that did not authenticate is told nothing but how to.
 *
 * @param scope What the request would need, of a token that lacks it.
 */
function challengeOf(
  error: CountersignError | undefined,
  scope: string | undefined,
  options: ChallengeOptions,
): string {
  const { realm, resourceMetadata } = options;
  const parameters = Object.entries({
    realm,
    resource_metadata: resourceMetadata,
    scope: error === undefined || error.error === "insufficient_scope" ? scope : undefined,
    error: error?.error,
    error_description: error?.message,
  });
  const said = parameters.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quoted(value)}`]));
  return ["Bearer", said.join(", ")].join(" ").trimEnd();
}

function headersOf(error: CountersignError | undefined, scope: string | undefined, options: ChallengeOptions) {
  const isChallenged = error === undefined || CHALLENGED.includes(error.error);
  return {
    "content-type": "application/json",
    "cache-control": "no-store",
    ...(isChallenged ? { "www-authenticate": challengeOf(error, scope, options) } : {}),
    ...(error?.status === 503 ? { "retry-after": `${Math.ceil((error.retryAfterMs ?? 5000) / 1000)}` } : {}),
  };
}

/** The response to a request that is refused; without an error, to one that did not authenticate. */
export function refusalResponse(
  error: CountersignError | undefined,
  scope: string | undefined,
  options: ChallengeOptions,
): RefusalResponse {
  const shown = error ?? new CountersignError("invalid_token");
  return {
    status: shown.status,
    headers: headersOf(error, scope, options),
    body: JSON.stringify(errorResponse(shown)),
  };
}

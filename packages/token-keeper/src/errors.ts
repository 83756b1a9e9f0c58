/**
 * Every error of this package: whether another attempt can help, and what to do.
 * Terminal errors are surfaced at once, and tried again rarely: what an operator mended must not need a restart.
 */
export const errorCatalogue = {
  network_failed: { retryable: true, hint: "Check the address, DNS, the proxy and the server's certificate" },
  timed_out: { retryable: true, hint: "Check the server's load, or raise timeoutMs" },
  server_error: { retryable: true, hint: "The server failed; the keeper tries again" },
  rate_limited: { retryable: true, hint: "The server asked for fewer requests; the keeper waits as it was told" },
  invalid_response: { retryable: true, hint: "Check that the address is a token endpoint (RFC 6749 section 5.1)" },
  unexpected_status: {
    retryable: true,
    hint: "No OAuth error came with it: see what stands before the token endpoint (a proxy, a firewall, maintenance)",
  },
  metadata_unreadable: { retryable: true, hint: "Check the issuer and its metadata, or configure tokenEndpoint" },
  cooling_down: { retryable: true, hint: "Another process met an error a moment ago; the keeper tries again later" },
  storage_failed: { retryable: true, hint: "Make the store of refresh tokens writable and readable" },
  redirect_refused: { retryable: true, hint: "Configure the final address: credentials never follow a redirect" },
  insecure_tls: { retryable: false, hint: "Unset NODE_TLS_REJECT_UNAUTHORIZED and trust the CA: NODE_EXTRA_CA_CERTS" },
  discovery_failed: { retryable: false, hint: "Check the issuer, or configure tokenEndpoint" },
  invalid_request: { retryable: false, hint: "Check the parameters this server wants" },
  invalid_client: {
    retryable: false,
    hint: "Check the client id, its secret or key, and the method of authentication",
  },
  invalid_grant: { retryable: false, hint: "Log in again: the refresh token is spent, expired or revoked" },
  invalid_scope: { retryable: false, hint: "Ask for scopes this client may have" },
  invalid_target: { retryable: false, hint: "Ask for an audience or resource this client may have (RFC 8707)" },
  unauthorized_client: { retryable: false, hint: "Allow this grant for the client" },
  unsupported_grant_type: { retryable: false, hint: "Use a grant this server supports" },
  access_denied: { retryable: false, hint: "Ask the server's operator for this access" },
  request_refused: { retryable: false, hint: "Read the server's error code and its documentation" },
  source_failed: { retryable: true, hint: "The token source threw; its error is the cause" },
  token_expired: { retryable: true, hint: "The source gave a token that was expired already; check the clocks" },
  deadline_exceeded: { retryable: true, hint: "Raise timeoutMs, or see the cause" },
  closed: { retryable: false, hint: "Create a new watcher or manager" },
} as const satisfies Record<string, { retryable: boolean; hint: string }>;

/** The stable name of an error. */
export type TokenErrorCode = keyof typeof errorCatalogue;

/** What a {@link TokenError} carries beside its code; never a secret. */
export interface TokenErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** HTTP status of the response. */
  readonly status?: number | undefined;
  /** The server's `error` value, when it was well formed (RFC 6749 section 5.2). */
  readonly oauthError?: string | undefined;
  /** How long the server asked to wait. */
  readonly retryAfterMs?: number | undefined;
  /** The pause for all processes that share a cache, in milliseconds. */
  readonly pauseMs?: number | undefined;
}

/**
 * The one error class of this package; `code` tells the case.
 *
 * @example
 * ```ts run
 * import { customSource, TokenError, TokenWatcher } from "@countersign/token-keeper";
 * const refuse = async () => {
 *   throw new TokenError("access_denied", "The vault is sealed");
 * };
 * const source = customSource(refuse, { identity: { issuer: "vault", clientId: "ci", grant: "login" } });
 * const error = await TokenWatcher.start(source).catch((error: TokenError) => error);
 * console.log(error instanceof TokenError && error.code); // access_denied
 * ```
 */
export class TokenError extends Error {
  override readonly name = "TokenError";
  /** The stable name of the case. */
  readonly code: TokenErrorCode;
  /** Whether another attempt can help; the keeper makes it by itself then. */
  readonly retryable: boolean;
  /** How to mend it. */
  readonly hint: string;
  /** HTTP status of the response, when there was one. */
  readonly status: number | undefined;
  /** The server's `error` value, when it was well formed (RFC 6749 section 5.2). */
  readonly oauthError: string | undefined;
  /** How long the server asked to wait, in milliseconds, at most an hour. */
  readonly retryAfterMs: number | undefined;
  /** The pause for all processes that share a cache, in milliseconds. */
  readonly pauseMs: number | undefined;

  constructor(code: TokenErrorCode, message: string, options: TokenErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = errorCatalogue[code].retryable;
    this.hint = errorCatalogue[code].hint;
    this.status = options.status;
    this.oauthError = options.oauthError;
    this.retryAfterMs = options.retryAfterMs;
    this.pauseMs = options.pauseMs;
  }
}

/** The same error with the pause that all processes of a shared cache keep. */
export function withPause(error: TokenError, pauseMs: number): TokenError {
  const { status, oauthError, retryAfterMs } = error;
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  const paused = new TokenError(error.code, error.message, { ...cause, status, oauthError, retryAfterMs, pauseMs });
  if (error.stack !== undefined) paused.stack = error.stack;
  return paused;
}

/** Anything thrown, as a {@link TokenError}. */
export function toTokenError(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  return new TokenError("source_failed", "Cannot get a token from the source", { cause: error });
}

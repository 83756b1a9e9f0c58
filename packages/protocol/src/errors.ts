/** What a refusal says about itself: the HTTP status, the OAuth error code, and what the caller can do. */
export interface CatalogueRow {
  readonly status: number;
  /** The `error` member on the wire (RFC 6749 section 5.2 and its extensions). */
  readonly error: string;
  /** What happened and how to mend it, in words for the caller. Never holds input or a secret. */
  readonly hint: string;
}

/**
 * Every way in which Countersign refuses. The union type, the HTTP mapping and docs/errors.md derive from this table.
 */
export const errorCatalogue = {
  invalid_request: { status: 400, error: "invalid_request", hint: "The request is malformed; check its parameters" },
  invalid_client: {
    status: 401,
    error: "invalid_client",
    hint: "Client authentication failed; check client_id and credential",
  },
  invalid_grant: {
    status: 400,
    error: "invalid_grant",
    hint: "The credential or refresh token is wrong, expired, revoked or used; obtain a new one",
  },
  invalid_client_metadata: {
    status: 400,
    error: "invalid_client_metadata",
    hint: "The settings of the client are malformed or contradict each other",
  },
  unauthorized_client: {
    status: 400,
    error: "unauthorized_client",
    hint: "This client may not use this grant; add it to the client's grants",
  },
  unsupported_grant_type: {
    status: 400,
    error: "unsupported_grant_type",
    hint: "The grant type is not offered; see grant_types_supported in the metadata",
  },
  invalid_scope: {
    status: 400,
    error: "invalid_scope",
    hint: "The scope is malformed or exceeds what client, user or token allow; ask for less",
  },
  invalid_target: {
    status: 400,
    error: "invalid_target",
    hint: "The audience or resource is unknown or not allowed for this client",
  },
  invalid_token: {
    status: 401,
    error: "invalid_token",
    hint: "The access token is missing, malformed, expired or not meant for this API; request a new one",
  },
  insufficient_scope: { status: 403, error: "insufficient_scope", hint: "The access token lacks the scope this needs" },
  access_denied: { status: 403, error: "access_denied", hint: "The caller may not do this" },
  registration_closed: {
    status: 403,
    error: "access_denied",
    hint: "Registration is closed; ask an administrator or use an invitation",
  },
  not_found: { status: 404, error: "not_found", hint: "There is nothing at this address" },
  method_not_allowed: {
    status: 405,
    error: "invalid_request",
    hint: "This address does not take this method; see the Allow header",
  },
  already_exists: { status: 409, error: "already_exists", hint: "The name is taken; choose another" },
  conflict: {
    status: 409,
    error: "conflict",
    hint: "Somebody changed this at the same moment; read it again and retry",
  },
  payload_too_large: {
    status: 413,
    error: "invalid_request",
    hint: "The request is larger than this server reads; send less",
  },
  unsupported_media_type: {
    status: 415,
    error: "invalid_request",
    hint: "The content type or encoding is not supported here; see the documentation of this endpoint",
  },
  misdirected_request: {
    status: 421,
    error: "invalid_request",
    hint: "The Host header does not name this server; use localhost, 127.0.0.1 or [::1]",
  },
  invalid_password: {
    status: 400,
    error: "invalid_password",
    hint: "The password must have at least 8 characters and at most 1024 bytes, no controls, and must not be the username",
  },
  invalid_username: {
    status: 400,
    error: "invalid_username",
    hint: "The username holds characters that are not allowed, or is too long",
  },
  too_many_requests: { status: 429, error: "slow_down", hint: "Too many attempts; wait as long as Retry-After says" },
  temporarily_unavailable: {
    status: 503,
    error: "temporarily_unavailable",
    hint: "The server is at its limit; retry after the time in Retry-After",
  },
  server_error: {
    status: 500,
    error: "server_error",
    hint: "The server failed; report the request id to its operator",
  },
} as const satisfies Record<string, CatalogueRow>;

/** The code of one row of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue;

/** What a refusal can carry beside its code. */
export interface ErrorDetails {
  /** Replaces the catalogue's hint: public, for the caller. Never input, never a secret. */
  readonly hint?: string;
  /** Private: for the log and the audit trail only. Never a secret. */
  readonly detail?: string;
  /** How long the caller should wait, for 429 and 503. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * A refusal with a code of the catalogue. `message` is the public hint; `detail` is for the log.
 *
 * @example
 * ```ts
 * import { CountersignError } from "@countersign/protocol";
 * const refusal = new CountersignError("invalid_grant", { detail: "family revoked" });
 * refusal.status; // 400
 * ```
 */
export class CountersignError extends Error {
  override readonly name = "CountersignError";
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(details.hint ?? errorCatalogue[code].hint, { cause: details.cause });
    this.code = code;
    this.detail = details.detail;
    this.retryAfterMs = details.retryAfterMs;
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }

  /** The `error` member of the answer (RFC 6749 section 5.2). */
  get error(): string {
    return errorCatalogue[this.code].error;
  }
}

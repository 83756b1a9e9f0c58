/** What a refusal says about itself: the HTTP status, the OAuth error code, and what the caller can do. */
export interface CatalogueRow {
  /** The HTTP status of the response. */
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
  unauthenticated: {
    status: 401,
    error: "invalid_client",
    hint: "Nobody is authenticated; present a client certificate of an authority that is trusted here, or an identity token",
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
  policy_refused: {
    status: 403,
    error: "access_denied",
    hint: "The policy does not allow this; its operator can ask countersign policy explain why",
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
  precondition_failed: {
    status: 412,
    error: "precondition_failed",
    hint: "Somebody changed this since it was read; read it again, and send its ETag in If-Match",
  },
  precondition_required: {
    status: 428,
    error: "precondition_required",
    hint: "Say what is to be replaced: send the ETag of the answer to GET in If-Match",
  },
  invalid_policy: {
    status: 400,
    error: "invalid_policy",
    hint: "The policy document is wrong; its problems say where and how to mend it",
  },
  last_superuser: {
    status: 409,
    error: "last_superuser",
    hint: "Nobody could log in as superuser any more; first make another user or client that can",
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
  token_malformed: {
    status: 401,
    error: "invalid_token",
    hint: "The token is not a capability token, is damaged or of an unknown version; obtain a new one",
  },
  token_signature: {
    status: 401,
    error: "invalid_token",
    hint: "A signature of the token does not hold under the expected root key; check the key, or obtain a new token",
  },
  unknown_root_key: {
    status: 401,
    error: "invalid_token",
    hint: "The root key of the token is not known here; fetch the keys of the authority again",
  },
  token_expired: { status: 401, error: "invalid_token", hint: "The token has expired; obtain a new one" },
  token_revoked: {
    status: 401,
    error: "invalid_token",
    hint: "The token, or one that it was made from, was revoked; obtain a new one",
  },
  token_kind: {
    status: 401,
    error: "invalid_token",
    hint: "The token is of another kind than is expected here; send the right one",
  },
  token_limit: {
    status: 401,
    error: "invalid_token",
    hint: "Reading or evaluating the token takes more than the limits allow; obtain a smaller one",
  },
  token_evaluation: {
    status: 401,
    error: "invalid_token",
    hint: "An expression in the token cannot be evaluated; obtain a new token",
  },
  token_sealed: {
    status: 400,
    error: "invalid_request",
    hint: "The token is sealed, so no block can be appended; obtain one that is not",
  },
  domain_mismatch: {
    status: 403,
    error: "insufficient_scope",
    hint: "The token is for another domain, or for one that was not stated; state the domain of the token",
  },
  identity_mismatch: {
    status: 403,
    error: "insufficient_scope",
    hint: "The token does not stand for this identity; use the token of that identity or of one above it",
  },
  rights_denied: {
    status: 403,
    error: "insufficient_scope",
    hint: "The token does not grant this operation on this resource to this subject; request one that does",
  },
  service_chain_failed: {
    status: 403,
    error: "insufficient_scope",
    hint: "The token did not pass the services that come first, or this service is not in the chain",
  },
  signoff_missing: {
    status: 403,
    error: "insufficient_scope",
    hint: "A party has not signed off yet; collect its signoff first",
  },
  prefix_mismatch: {
    status: 403,
    error: "insufficient_scope",
    hint: "The token is for another prefix, or for one that was not stated or not added yet",
  },
  designation_mismatch: {
    status: 403,
    error: "insufficient_scope",
    hint: "The token demands a designation that was not given; state what it is used for",
  },
  activation_missing: {
    status: 403,
    error: "insufficient_scope",
    hint: "The token is latent; have it activated by the party that it names",
  },
  exposure_refused: {
    status: 403,
    error: "insufficient_scope",
    hint: "The context was exposed to data that excludes this use; start from a context that was not",
  },
  check_failed: { status: 403, error: "insufficient_scope", hint: "A check of the token does not hold" },
  delegation_failed: {
    status: 400,
    error: "invalid_request",
    hint: "The token cannot be delegated to this identity; name one below its own, of a token that may be delegated",
  },
  invalid_public_key: {
    status: 400,
    error: "invalid_request",
    hint: "A public key is malformed; write ed25519/ with 64 hexadecimal digits or secp256r1/ with 66",
  },
  invalid_name: {
    status: 400,
    error: "invalid_request",
    hint: "A subject, resource, operation or other name is empty, too long, or holds what no name may hold",
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
  unsupported_transfer_coding: {
    status: 501,
    error: "invalid_request",
    hint: "The transfer coding is not supported here; send the body as it is, chunked or with Content-Length",
  },
  http_version_not_supported: {
    status: 505,
    error: "invalid_request",
    hint: "The request is in a version of HTTP that this server does not speak; send HTTP/1.1",
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

/** One of several things that are wrong with what was sent. */
export interface Problem {
  /** Where it is: members joined by dots, places in lists in brackets; empty for the whole. */
  readonly path: string;
  /** What is wrong there, and how to mend it. */
  readonly message: string;
}

/** What a refusal can carry beside its code. */
export interface ErrorDetails {
  /** Replaces the catalogue's hint: public, for the caller. Never input, never a secret. */
  readonly hint?: string;
  /** Public: everything that is wrong with what was sent, where that is more than a hint can say. Never a secret. */
  readonly problems?: readonly Problem[];
  /** Private: for the log and the audit trail only. Never a secret. */
  readonly detail?: string;
  /** How long the caller should wait, for 429 and 503. */
  readonly retryAfterMs?: number;
  /** What the refusal is about, for programs: each code has its own members. For the log, never for the caller of a server. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The error that led to it, for the log. */
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
  /** Which row of the catalogue it is. */
  readonly code: ErrorCode;
  /** For the log and the audit trail only. */
  readonly detail: string | undefined;
  /** How long the caller should wait, for 429 and 503. */
  readonly retryAfterMs: number | undefined;
  /** What the refusal is about, for programs; never sent to a caller. */
  readonly data: Readonly<Record<string, unknown>> | undefined;

  /** Everything that is wrong with what was sent; sent to the caller. */
  readonly problems: readonly Problem[] | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(details.hint ?? errorCatalogue[code].hint, { cause: details.cause });
    this.code = code;
    this.detail = details.detail;
    this.retryAfterMs = details.retryAfterMs;
    this.data = details.data;
    this.problems = details.problems;
  }

  /** The HTTP status of the response. */
  get status(): number {
    return errorCatalogue[this.code].status;
  }

  /** The `error` member of the response (RFC 6749 section 5.2). */
  get error(): string {
    return errorCatalogue[this.code].error;
  }
}

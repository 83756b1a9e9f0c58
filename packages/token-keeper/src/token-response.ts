import { TokenError, type TokenErrorCode } from "./errors.ts";
import { hasDuplicateMembers, type JsonObject, member, parseObject, readJwtTimes, stringMember } from "./json.ts";

/** How a response of a token endpoint is read. */
export interface TokenResponseRules {
  /**
   * Refuse what RFC 6749 section 5.1 does not allow but servers do: another status than 200, `expires_in` as text, with a
   * fraction, 0 or negative, `scope` as a list, `BearerToken`, an empty `error`, no `application/json`.
   * @default false
   */
  readonly strict?: boolean;
  /**
   * What `expires_in` counts, where the server does not do as the RFC says. A JWT's own `exp` bounds it in any case.
   * @default "seconds"
   */
  readonly expiresInUnit?: "seconds" | "milliseconds";
  /** The lifetime when neither `expires_in` nor the JWT's own times tell it. @default 300000 */
  readonly defaultLifetimeMs?: number;
  /** No token is believed to live longer. @default 2592000000 (30 days) */
  readonly maxLifetimeMs?: number;
  /** Which types are accepted, compared without case. @default ["Bearer"] */
  readonly tokenTypes?: readonly string[];
  /** The type of a response that names none; without it such a response is refused, as the RFC requires one. */
  readonly assumeTokenType?: string;
}

/** A successful response (RFC 6749 section 5.1). */
export interface TokenResponse {
  readonly accessToken: string;
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  readonly tokenType: string;
  readonly scope: readonly string[] | undefined;
  readonly lifetimeMs: number;
  readonly refreshInMs: number | undefined;
  /** The members that have no meaning here, as they came: `instance_url`, for one. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** What is judged: a response of any status with its body. */
export interface RawTokenResponse {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** When it arrived by the server's clock, as well as it is known. */
  readonly serverNow: number;
  /** Whether the response itself told that time, so that a JWT's `exp` can be compared with it. */
  readonly dated?: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** OAuth errors that have a code of their own: RFC 6749 section 5.2, RFC 8707 section 2, and what servers say instead. */
const OAUTH_ERRORS = new Map<string, TokenErrorCode>(
  Object.entries({
    invalid_request: "invalid_request",
    invalid_client: "invalid_client",
    incorrect_client_credentials: "invalid_client",
    invalid_client_id: "invalid_client",
    invalid_grant: "invalid_grant",
    bad_refresh_token: "invalid_grant",
    invalid_refresh_token: "invalid_grant",
    refresh_token_expired: "invalid_grant",
    refresh_token_invalidated: "invalid_grant",
    refresh_token_reused: "invalid_grant",
    unauthorized_client: "unauthorized_client",
    unsupported_grant_type: "unsupported_grant_type",
    invalid_scope: "invalid_scope",
    invalid_target: "invalid_target",
    access_denied: "access_denied",
    server_error: "server_error",
    temporarily_unavailable: "server_error",
    slow_down: "rate_limited",
  } satisfies Record<string, TokenErrorCode>),
);

/**
 * Judges a response of a token endpoint.
 * @throws TokenError: what the server refused, or `invalid_response`. The message never repeats the body.
 */
export function parseTokenResponse(raw: RawTokenResponse, rules: TokenResponseRules = {}): TokenResponse {
  const body = parseObject(raw.text);
  const oauthError = body === undefined ? undefined : errorMember(body, rules);
  // Some servers refuse with 200, some grant with 201.
  if (!isSuccess(raw.status, rules) || oauthError !== undefined) throw refusal(raw, oauthError);
  if (rules.strict && !/^application\/json\s*(;|$)/i.test(raw.contentType))
    throw invalid(raw, "is not application/json");
  if (body === undefined) throw invalid(raw, "is not a JSON object");
  if (hasDuplicateMembers(raw.text)) throw invalid(raw, "names a member twice");
  const accessToken = headerSafe(body, "access_token");
  if (accessToken === undefined) throw invalid(raw, "has no usable access_token");
  return {
    accessToken,
    idToken: stringMember(body, "id_token"),
    // RFC 6749 appendix A.17: at least one character; an empty one would be stored over the login's.
    refreshToken: stringMember(body, "refresh_token") || undefined,
    tokenType: tokenType(body, raw, rules),
    scope: scopes(body, rules),
    lifetimeMs: lifetime(body, accessToken, raw, rules),
    refreshInMs: spanMember(body, "refresh_in", rules),
    extra: Object.fromEntries(Object.entries(body).filter(([name]) => !KNOWN_MEMBERS.has(name))),
  };
}

const KNOWN_MEMBERS = new Set([
  "access_token",
  "expires_in",
  "id_token",
  "refresh_in",
  "refresh_token",
  "scope",
  "token_type",
]);

function isSuccess(status: number, rules: TokenResponseRules): boolean {
  return rules.strict ? status === 200 : status >= 200 && status < 300;
}

function errorMember(body: JsonObject, rules: TokenResponseRules): string | undefined {
  const error = stringMember(body, "error");
  return error === "" && !rules.strict ? undefined : error;
}

function refusal(raw: RawTokenResponse, oauthError: string | undefined): TokenError {
  // RFC 6749 section 5.2 limits the characters; anything else is not repeated.
  const named = oauthError !== undefined && /^[\w.:/-]{1,80}$/.test(oauthError) ? oauthError : undefined;
  const { status, retryAfterMs } = raw;
  const message = `The token endpoint refused: ${named ?? "no error code"}, status ${status}`;
  return new TokenError(refusalCode(status, named), message, { status, oauthError: named, retryAfterMs });
}

/**
 * Only a well-formed OAuth error is terminal: whatever else says 401 or 403 may be a proxy, a firewall or a page for the
 * time of maintenance.
 */
function refusalCode(status: number, oauthError: string | undefined): TokenErrorCode {
  const byStatus = codeOfStatus(status);
  if (byStatus !== undefined) return byStatus;
  const known = oauthError === undefined ? undefined : OAUTH_ERRORS.get(oauthError);
  if (known !== undefined) return known;
  // RFC 6749 section 5.2 has 400 and 401; other servers' own errors are spelt as those of OAuth are.
  const isOauth = [200, 400, 401].includes(status) && /^[a-z]+(_[a-z0-9]+)*$/.test(oauthError ?? "");
  return isOauth ? "request_refused" : "unexpected_status";
}

/** The status says enough, whatever came with it. */
function codeOfStatus(status: number): TokenErrorCode | undefined {
  if (status >= 300 && status < 400) return "redirect_refused";
  if (status === 429) return "rate_limited";
  if (status === 408) return "timed_out";
  return status >= 500 ? "server_error" : undefined;
}

function invalid({ status, retryAfterMs }: RawTokenResponse, what: string): TokenError {
  return new TokenError("invalid_response", `The token endpoint's response ${what}`, { status, retryAfterMs });
}

/** Visible ASCII only: the token goes into a header (RFC 6750 section 2.1). */
function headerSafe(body: JsonObject, name: string): string | undefined {
  const value = stringMember(body, name);
  return value !== undefined && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
}

function tokenType(body: JsonObject, raw: RawTokenResponse, rules: TokenResponseRules): string {
  const told = stringMember(body, "token_type") ?? rules.assumeTokenType;
  // Apigee's name of it.
  const named = told === "BearerToken" && !rules.strict ? "Bearer" : told;
  const known = (rules.tokenTypes ?? ["Bearer"]).find((type) => type.toLowerCase() === named?.toLowerCase());
  if (known === undefined)
    throw invalid(raw, named === undefined ? "has no token_type" : "has a token_type we cannot use");
  return known;
}

function scopes(body: JsonObject, rules: TokenResponseRules): string[] | undefined {
  const scope = member(body, "scope");
  const list = Array.isArray(scope) && !rules.strict ? scope : [scope];
  const texts = list.filter((value) => typeof value === "string");
  return texts.length === 0 && scope !== "" ? undefined : texts.flatMap((text) => text.split(/\s+/)).filter(Boolean);
}

/** A `Date` header has whole seconds, and a response takes its time: a JWT may seem to have this much less left. */
const SLACK_MS = 5_000;

/** What the server told, and never more than the JWT itself has left: a server that answers from a cache tells the whole. */
function lifetime(body: JsonObject, accessToken: string, raw: RawTokenResponse, rules: TokenResponseRules): number {
  const toldMs = expiresIn(body, raw, rules);
  const { fullMs, leftMs } = jwtLifetime(accessToken, raw);
  const untoldMs = toldMs === undefined && fullMs === undefined ? leftMs : undefined;
  const wholeMs = Math.min(toldMs ?? Number.POSITIVE_INFINITY, fullMs ?? Number.POSITIVE_INFINITY);
  const claimedMs = Number.isFinite(wholeMs) ? wholeMs : (untoldMs ?? rules.defaultLifetimeMs ?? 300_000);
  const isReplayed = raw.dated === true && leftMs !== undefined && leftMs < claimedMs - SLACK_MS;
  const lifetimeMs = isReplayed ? leftMs : claimedMs;
  if (lifetimeMs <= 0)
    throw new TokenError("token_expired", "The token endpoint answered with an expired token", {
      status: raw.status,
    });
  return Math.min(lifetimeMs, rules.maxLifetimeMs ?? 30 * 86_400_000);
}

/** Undefined when it says nothing: absent, or 0 or less, by which servers mean that they do not know. */
function expiresIn(body: JsonObject, raw: RawTokenResponse, rules: TokenResponseRules): number | undefined {
  const told = member(body, "expires_in");
  if (told === undefined || told === null) return undefined;
  const ms = span(told, rules);
  if (ms === undefined || (rules.strict && ms <= 0))
    throw invalid(raw, "has an expires_in that is not a positive number");
  return ms > 0 ? ms : undefined;
}

function spanMember(body: JsonObject, name: string, rules: TokenResponseRules): number | undefined {
  const ms = span(member(body, name), rules);
  return ms === undefined || ms < 0 ? undefined : ms;
}

function span(value: unknown, rules: TokenResponseRules): number | undefined {
  const tolerated = typeof value === "string" && !rules.strict && /^-?\d{1,15}(\.\d+)?$/.test(value.trim());
  const number = tolerated ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return undefined;
  if (rules.strict && !Number.isInteger(number)) return undefined;
  return rules.expiresInUnit === "milliseconds" ? number : number * 1000;
}

/** From the token's own two times, so that the server's clock cancels out; and what is left of it by that clock. */
function jwtLifetime(accessToken: string, { serverNow }: RawTokenResponse) {
  const { issuedAt, expiresAt } = readJwtTimes(accessToken) ?? {};
  if (expiresAt === undefined) return {};
  return { fullMs: issuedAt === undefined ? undefined : expiresAt - issuedAt, leftMs: expiresAt - serverNow };
}

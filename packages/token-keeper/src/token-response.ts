import { TokenError } from "./errors.ts";
import { hasDuplicateMembers, type JsonObject, member, parseObject, stringMember } from "./json.ts";
import { readJwtTimes } from "./jwt.ts";

/** How an answer of a token endpoint is read. */
export interface TokenResponseRules {
  /**
   * Refuse what RFC 6749 §5.1 does not allow but servers do: `expires_in` as text or with a fraction, no
   * `application/json`.
   * @default false
   */
  readonly strict?: boolean;
  /** The lifetime when neither `expires_in` nor the JWT's own times tell it. @default 300000 */
  readonly defaultLifetimeMs?: number;
  /** No token is believed to live longer. @default 2592000000 (30 days) */
  readonly maxLifetimeMs?: number;
  /** Which types are accepted, compared without case. @default ["Bearer"] */
  readonly tokenTypes?: readonly string[];
  /** The type of an answer that names none; without it such an answer is refused, as the RFC requires one. */
  readonly assumeTokenType?: string;
}

/** A successful answer (RFC 6749 §5.1). */
export interface TokenResponse {
  readonly accessToken: string;
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  readonly tokenType: string;
  readonly scope: readonly string[] | undefined;
  readonly lifetimeMs: number;
  readonly refreshInMs: number | undefined;
}

/** What is judged: an answer of any status with its body. */
export interface TokenAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  /** When it arrived by the server's clock, as well as it is known: for a JWT that has `exp` and no `iat`. */
  readonly serverNow: number;
  readonly retryAfterMs?: number | undefined;
}

/** OAuth errors (RFC 6749 §5.2, RFC 8707 §2) that have a code of their own; others are refused by status. */
const oauthErrors = {
  invalid_request: "invalid_request",
  invalid_client: "invalid_client",
  invalid_grant: "invalid_grant",
  unauthorized_client: "unauthorized_client",
  unsupported_grant_type: "unsupported_grant_type",
  invalid_scope: "invalid_scope",
  invalid_target: "invalid_target",
  access_denied: "access_denied",
  server_error: "server_error",
  temporarily_unavailable: "server_error",
  slow_down: "rate_limited",
} as const;

/**
 * Judges an answer of a token endpoint.
 * @throws TokenError: what the server refused, or `invalid_response`. The message never repeats the body.
 */
export function parseTokenResponse(answer: TokenAnswer, rules: TokenResponseRules = {}): TokenResponse {
  const body = parseObject(answer.text);
  const oauthError = body === undefined ? undefined : stringMember(body, "error");
  // Some servers refuse with 200.
  if (answer.status !== 200 || oauthError !== undefined) throw refusal(answer, oauthError);
  if (rules.strict && !/^application\/json\s*(;|$)/i.test(answer.contentType)) throw invalid("is not application/json");
  if (body === undefined) throw invalid("is not a JSON object");
  if (hasDuplicateMembers(answer.text)) throw invalid("names a member twice");
  const accessToken = headerSafe(body, "access_token");
  if (accessToken === undefined) throw invalid("has no usable access_token");
  return {
    accessToken,
    idToken: stringMember(body, "id_token"),
    // RFC 6749 appendix A.17: at least one character; an empty one would be stored over the login's.
    refreshToken: stringMember(body, "refresh_token") || undefined,
    tokenType: tokenType(body, rules),
    scope: stringMember(body, "scope")?.split(/\s+/).filter(Boolean),
    lifetimeMs: lifetime(body, accessToken, answer.serverNow, rules),
    refreshInMs: seconds(member(body, "refresh_in"), rules),
  };
}

function refusal(answer: TokenAnswer, oauthError: string | undefined): TokenError {
  // RFC 6749 §5.2 limits the characters; anything else is not repeated.
  const named = oauthError !== undefined && /^[\w.:/-]{1,80}$/.test(oauthError) ? oauthError : undefined;
  const { status, retryAfterMs } = answer;
  const message = `The token endpoint refused: ${named ?? "no error code"}, status ${status}`;
  return new TokenError(refusalCode(status, named), message, { status, oauthError: named, retryAfterMs });
}

function refusalCode(status: number, oauthError: string | undefined) {
  if (status >= 300 && status < 400) return "redirect_refused";
  if (status === 429) return "rate_limited";
  if (status === 408) return "timed_out";
  if (status >= 500) return "server_error";
  if (oauthError !== undefined && Object.hasOwn(oauthErrors, oauthError))
    return oauthErrors[oauthError as keyof typeof oauthErrors];
  return status === 401 ? "invalid_client" : "request_refused";
}

function invalid(what: string): TokenError {
  return new TokenError("invalid_response", `The token endpoint's answer ${what}`, { status: 200 });
}

/** Visible ASCII only: the token goes into a header (RFC 6750 §2.1). */
function headerSafe(body: JsonObject, name: string): string | undefined {
  const value = stringMember(body, name);
  return value !== undefined && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
}

function tokenType(body: JsonObject, rules: TokenResponseRules): string {
  const named = stringMember(body, "token_type") ?? rules.assumeTokenType;
  const known = (rules.tokenTypes ?? ["Bearer"]).find((type) => type.toLowerCase() === named?.toLowerCase());
  if (known === undefined) throw invalid(named === undefined ? "has no token_type" : "has a token_type we cannot use");
  return known;
}

function lifetime(body: JsonObject, accessToken: string, serverNow: number, rules: TokenResponseRules): number {
  const told = member(body, "expires_in");
  const lifetimeMs =
    told === undefined || told === null
      ? (jwtLifetime(accessToken, serverNow) ?? rules.defaultLifetimeMs ?? 300_000)
      : seconds(told, rules);
  if (lifetimeMs === undefined || lifetimeMs <= 0) throw invalid("has an expires_in that is not a positive number");
  return Math.min(lifetimeMs, rules.maxLifetimeMs ?? 30 * 86_400_000);
}

function seconds(value: unknown, rules: TokenResponseRules): number | undefined {
  const tolerated = typeof value === "string" && !rules.strict && /^\d{1,15}(\.\d+)?$/.test(value.trim());
  const number = tolerated ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number) || number < 0) return undefined;
  if (rules.strict && !Number.isInteger(number)) return undefined;
  return number * 1000;
}

/** From the token's own two times, so that the server's clock cancels out. */
function jwtLifetime(accessToken: string, serverNow: number): number | undefined {
  const times = readJwtTimes(accessToken);
  return times?.expiresAt === undefined ? undefined : times.expiresAt - (times.issuedAt ?? serverNow);
}

import type { JwsAlgorithm } from "./algorithms.ts";
import type { Clock } from "./clock.ts";
import { isJsonObject } from "./json.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import type { KeyHeaders } from "./jws.ts";
import { type Profile, type ProfileName, profiles } from "./profiles.ts";
import { type RefusalOptions, type RefusalReason, TokenRefused } from "./refusal.ts";

/** What a JWT must be to be accepted. */
export interface JwtRules<P extends ProfileName = ProfileName> {
  /** The kind of token expected; nothing else passes. */
  readonly profile: P;
  /** The issuer, compared byte for byte. */
  readonly issuer: string;
  /**
   * Who this verifier is: one of them must be the token's `aud`, and of an id token nothing else. Only the `plain` profile
   * does without.
   */
  readonly audience?: string | readonly string[] | undefined;
  /** How `aud` is compared, where it is not as the profile says. @default that of the profile */
  readonly audienceMatch?: Profile["audience"] | undefined;
  /** The subject, when only one will do. */
  readonly subject?: string | undefined;
  /** By which `exp`, `nbf` and `iat` are judged. */
  readonly clock: Pick<Clock, "now">;
  /** Tolerance for the issuer's clock, 0 to 60,000. @default 30000 */
  readonly clockSkewMs?: number;
  /** The longest accepted time from `iat`, and from now, to `exp`. @default that of the profile */
  readonly maxLifetimeMs?: number;
  /** The longest accepted time since `iat`, which becomes required. @default unlimited */
  readonly maxAgeMs?: number;
  /** Accepted in place of the profile's `typ`, in lower case, without "application/". */
  readonly types?: readonly string[];
  /** Claims required beyond those of the profile. */
  readonly requiredClaims?: readonly string[];
  /** Narrows the algorithms of the keys. @default all of `algorithms` */
  readonly algorithms?: readonly JwsAlgorithm[];
  /** SHA-256 of the client certificate of this connection, base64url; without it, bound tokens are refused. */
  readonly certificateThumbprint?: string | undefined;
  /** What becomes of a token with `jku`, `x5u`, `jwk` or `x5c` in its header; none is ever followed. @default "refuse" */
  readonly keyHeaders?: KeyHeaders;
  /** In characters. @default 16384 */
  readonly maxLength?: number;
}

/** The rules with defaults filled in and contradictions refused. */
interface Judge {
  readonly rules: JwtRules;
  readonly profile: Profile;
  readonly audience: readonly string[];
  readonly nowMs: number;
  readonly skewMs: number;
  readonly maxLifetimeMs: number;
}

type Check = (claims: JsonObject, judge: Judge) => RefusalReason | readonly [RefusalReason, RefusalOptions] | undefined;

const MAX_CLOCK_SKEW_MS = 60_000;
/** The last second of the year 9999: beyond it RFC 3339 has no dates, and arithmetic loses its seconds. */
const LAST_NUMERIC_DATE = 253_402_300_799;

const isText = (value: JsonValue | undefined) => typeof value === "string" && value !== "";
const isDate = (value: JsonValue | undefined) => typeof value === "number" && value >= 0 && value <= LAST_NUMERIC_DATE;
const isAudience = (value: JsonValue | undefined) =>
  isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText));

/** The form of each claim we read, where it is present (RFC 7519 section 4.1, RFC 9068 section 2.2, RFC 8693 section 4). */
const forms: readonly (readonly [(value: JsonValue | undefined) => boolean, readonly string[]])[] = [
  [isText, ["iss", "sub", "jti", "client_id", "nonce"]],
  [isDate, ["exp", "nbf", "iat"]],
  [isAudience, ["aud"]],
  [(value) => typeof value === "string", ["scope"]],
  [isJsonObject, ["cnf", "act", "may_act"]],
];

/**
 * Refuses claims of a wrong form, whatever they say.
 *
 * @throws {TokenRefused} `malformed_claims`
 */
export function checkForms(claims: JsonObject): void {
  for (const [hasForm, names] of forms) {
    for (const member of names) {
      if (member in claims && !hasForm(claims[member])) throw new TokenRefused("malformed_claims", { member });
    }
  }
}

/**
 * Refuses a `typ` that is not the one expected. Media types compare without case, and "application/" may be left
 * out (RFC 7515 section 4.1.9).
 *
 * @throws {TokenRefused} `wrong_type`
 */
export function checkType(typ: string | undefined, rules: JwtRules): void {
  const types: readonly (string | undefined)[] = rules.types ?? profiles[rules.profile].types;
  if (types.includes(typ?.toLowerCase().replace(/^application\//, ""))) return;
  throw new TokenRefused("wrong_type", { expected: types.map((type) => type ?? "no typ"), found: typ });
}

/**
 * Judges claims whose signature is verified.
 *
 * @throws {TokenRefused}
 * @throws {RangeError} when the rules contradict themselves, or a span of theirs or the clock's instant is no number.
 */
export function checkClaims(claims: JsonObject, rules: JwtRules): void {
  const judge = createJudge(rules);
  for (const check of checks) {
    const verdict = check(claims, judge);
    if (typeof verdict === "string") throw new TokenRefused(verdict);
    if (verdict !== undefined) throw new TokenRefused(...verdict);
  }
}

function createJudge(rules: JwtRules): Judge {
  const { clockSkewMs: skewMs = 30_000, audience = [] } = rules;
  const named: Profile = profiles[rules.profile];
  const profile = { ...named, audience: rules.audienceMatch ?? named.audience };
  if (!(skewMs >= 0 && skewMs <= MAX_CLOCK_SKEW_MS)) {
    throw new RangeError(`Cannot tolerate a clock skew outside 0 to ${MAX_CLOCK_SKEW_MS} ms: ${skewMs}`);
  }
  const { maxLifetimeMs = profile.maxLifetimeMs, maxAgeMs = 0 } = rules;
  const nowMs = rules.clock.now();
  // Nothing is longer than NaN, and nothing expires at it.
  for (const ms of [maxLifetimeMs, maxAgeMs, nowMs]) {
    if (!(ms >= 0)) throw new RangeError(`Cannot judge a token by a span or instant that is not 0 or more: ${ms}`);
  }
  if (audience.length === 0 && profile.audience !== "if-present") {
    throw new RangeError(`Cannot verify a token of this profile without an expected audience: ${rules.profile}`);
  }
  return {
    rules,
    profile,
    skewMs,
    audience: typeof audience === "string" ? [audience] : audience,
    nowMs,
    maxLifetimeMs,
  };
}

const checks: readonly Check[] = [
  function required(claims, { profile, rules }) {
    const names = [
      ...profile.required,
      ...(rules.requiredClaims ?? []),
      ...(rules.maxAgeMs === undefined ? [] : ["iat"]),
    ];
    const missing = names.find((name) => !(name in claims));
    return missing === undefined ? undefined : ["missing_claim", { member: missing }];
  },
  function forbidden(claims, { profile }) {
    const found = profile.forbidden.find((name) => name in claims);
    return found === undefined ? undefined : ["forbidden_claim", { member: found }];
  },
  function issuer(claims, { rules, profile }) {
    if (profile.issuer === "trust-domain") return trustDomain(claims, rules);
    return claims.iss === rules.issuer ? undefined : ["wrong_issuer", { expected: [rules.issuer], found: claims.iss }];
  },
  function subject(claims, { rules }) {
    if (rules.subject === undefined || claims.sub === rules.subject) return undefined;
    return ["wrong_subject", { expected: [rules.subject], found: claims.sub }];
  },
  function audience({ aud }, { audience: expected, profile }) {
    if (aud === undefined && profile.audience === "if-present") return undefined;
    const named = profile.audience === "whole" || !Array.isArray(aud) ? [aud] : aud;
    const isExpected = (one: JsonValue | undefined) => typeof one === "string" && expected.includes(one);
    const isMeant = profile.audience === "every" ? named.every(isExpected) : named.some(isExpected);
    return isMeant ? undefined : ["wrong_audience", { expected, found: aud }];
  },
  function dates(claims, { nowMs, skewMs }) {
    const { expMs = Infinity, nbfMs = 0, iatMs = 0 } = instants(claims);
    if (nowMs >= expMs + skewMs) return "expired";
    if (nbfMs > nowMs + skewMs) return "not_yet_valid";
    if (iatMs > nowMs + skewMs) return "issued_in_future";
    return iatMs > expMs || nbfMs > expMs ? "contradicting_dates" : undefined;
  },
  function lifetime(claims, { nowMs, skewMs, maxLifetimeMs }) {
    // A later `iat` was refused with the dates.
    const { expMs = Infinity, iatMs = nowMs + skewMs } = instants(claims);
    return expMs - iatMs > maxLifetimeMs ? "lifetime_too_long" : undefined;
  },
  function age(claims, { rules, nowMs, skewMs }) {
    const { iatMs = 0 } = instants(claims);
    return rules.maxAgeMs !== undefined && nowMs - iatMs > rules.maxAgeMs + skewMs ? "too_old" : undefined;
  },
  // RFC 8705 section 3; a binding to something else, a DPoP key for one, is not proven by a certificate.
  function binding({ cnf }, { rules }) {
    if (cnf === undefined) return undefined;
    const bound = isJsonObject(cnf) ? Object.entries(cnf) : [];
    const isProven =
      bound.length > 0 && bound.every(([name, value]) => name === "x5t#S256" && value === rules.certificateThumbprint);
    return isProven ? undefined : "unproven_binding";
  },
];

/** SPIFFE-ID section 2: a path of segments beneath the trust domain. */
function trustDomain({ sub }: JsonObject, { issuer }: JwtRules): ReturnType<Check> {
  const path = typeof sub === "string" && sub.startsWith(`${issuer}/`) ? sub.slice(issuer.length) : "";
  const isName = /^(?:\/[A-Za-z0-9._-]+)+$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path);
  return isName ? undefined : ["wrong_issuer", { expected: [`${issuer}/…`], found: sub }];
}

function instants(claims: JsonObject): { readonly [name in "expMs" | "nbfMs" | "iatMs"]?: number } {
  const { exp, nbf, iat } = claims;
  return {
    ...(typeof exp === "number" ? { expMs: exp * 1000 } : {}),
    ...(typeof nbf === "number" ? { nbfMs: nbf * 1000 } : {}),
    ...(typeof iat === "number" ? { iatMs: iat * 1000 } : {}),
  };
}

import type { AccessTokenClaims, PlainClaims } from "./claims.ts";
import { isJsonObject, parseJson } from "./json.ts";
import type { JsonObject } from "./json-value.ts";
import type { VerificationKey } from "./jwk.ts";
import type { KeySource } from "./jwks.ts";
import { DEFAULT_MAX_TOKEN_LENGTH, type DecodedJws, decodeJws, type JwsHeader, verifyJws } from "./jws.ts";
import { checkClaims, checkForms, checkType, type JwtRules } from "./jwt-rules.ts";
import type { ProfileName } from "./profiles.ts";
import { TokenRefused } from "./refusal.ts";

/** A JWT taken apart. Nothing in it is verified: use it to find whose keys to verify with, and for nothing else. */
export interface DecodedJwt extends DecodedJws {
  /** The payload; nothing of it is verified. */
  readonly claims: JsonObject;
}

/** The claims that each profile guarantees, beside whatever else was sent. */
export interface ProfileClaims {
  /** RFC 9068 section 2.2. */
  readonly access_token: JsonObject & AccessTokenClaims;
  /** The same claims under `typ: JWT`. */
  readonly jwt_access_token: JsonObject & AccessTokenClaims;
  /** The small access token: no audience, and a subject only of a user. */
  readonly plain: JsonObject & Pick<PlainClaims, "iss" | "exp" | "iat"> & Partial<AccessTokenClaims>;
  /** RFC 7523 section 3. */
  readonly client_assertion: JsonObject & Pick<AccessTokenClaims, "iss" | "sub" | "exp" | "jti">;
  /** OpenID Connect Core section 2. */
  readonly id_token: JsonObject & Pick<AccessTokenClaims, "iss" | "sub" | "aud" | "exp" | "iat">;
  /** What an authority has revoked. */
  readonly revocation_feed: JsonObject & Pick<AccessTokenClaims, "iss" | "exp" | "iat">;
  /** A platform's token about a workload. */
  readonly workload_token: JsonObject & Pick<AccessTokenClaims, "iss" | "sub" | "aud" | "exp" | "iat">;
  /** JWT-SVID section 3. */
  readonly jwt_svid: JsonObject & Pick<AccessTokenClaims, "sub" | "aud" | "exp">;
  /** RFC 7523 section 3. */
  readonly jwt_authorization: JsonObject & Pick<AccessTokenClaims, "iss" | "sub" | "aud" | "exp">;
  /** draft-ietf-oauth-identity-assertion-authz-grant section 3.1. */
  readonly id_jag: JsonObject & Pick<AccessTokenClaims, "iss" | "sub" | "aud" | "client_id" | "jti" | "exp" | "iat">;
}

/** A JWT whose signature and claims are verified. */
export interface VerifiedJwt<P extends ProfileName = ProfileName> {
  /** The header, which the signature covers. */
  readonly header: JwsHeader;
  /** The payload, which the signature covers. */
  readonly claims: ProfileClaims[P];
  /** The key that verified it. */
  readonly key: VerificationKey;
}

/**
 * Takes a compact JWT apart without verifying it: strict base64url, strict JSON, no header that changes the rules,
 * no registered claim of a wrong form.
 *
 * @throws {TokenRefused}
 * @example
 * ```ts
 * import { decodeJwt } from "@countersign/protocol";
 * const [header, payload] = [{ alg: "ES256" }, { sub: "alice" }].map((part) =>
 *   Buffer.from(JSON.stringify(part)).toString("base64url"),
 * );
 * decodeJwt(`${header}.${payload}.AAAA`).claims.sub; // "alice", says whoever wrote it
 * ```
 */
export function decodeJwt(token: string, options: Pick<JwtRules, "maxLength" | "keyHeaders"> = {}): DecodedJwt {
  const { maxLength = DEFAULT_MAX_TOKEN_LENGTH, keyHeaders } = options;
  const jws = decodeJws(token, maxLength, keyHeaders);
  const claims = parseJson(jws.payload, { maxBytes: maxLength });
  if (!isJsonObject(claims)) throw new TokenRefused("malformed_claims");
  checkForms(claims);
  return { ...jws, claims };
}

/**
 * Verifies a JWT: its form, its type, its signature under keys pinned to an algorithm, then every claim that the
 * profile and the rules speak of (RFC 7519 section 7.2, RFC 8725 section 3).
 *
 * @param keys an imported set, or a cache that fetches one.
 * @throws {TokenRefused} with the reason; its `as("invalid_token")` is the error for the wire.
 * @throws {RangeError} when the rules contradict themselves, or a span of theirs or the clock's instant is no number.
 * @example
 * ```ts
 * import { importKeys, systemClock, verifyJwt } from "@countersign/protocol";
 * const keys = importKeys({ keys: [] });
 * const verify = (token: string) =>
 *   verifyJwt(token, keys, {
 *     profile: "access_token",
 *     issuer: "https://id.example.com",
 *     audience: "https://api.example.com",
 *     clock: systemClock,
 *   });
 * ```
 */
export async function verifyJwt<P extends ProfileName>(
  token: string,
  keys: KeySource,
  rules: JwtRules<P>,
): Promise<VerifiedJwt<P>> {
  const jwt = decodeJwt(token, rules);
  checkType(jwt.typ, rules);
  const key = await verifyJws(jwt, keys, rules);
  checkClaims(jwt.claims, rules);
  // The profile's required claims are present, and checkForms has seen the type of each.
  return { header: jwt.header, claims: jwt.claims as ProfileClaims[P], key };
}

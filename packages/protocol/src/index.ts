export { algorithms, type JwsAlgorithm } from "./algorithms.ts";
export {
  type AccessTokenClaims,
  type AccessTokenFacts,
  type ActorClaim,
  accessTokenClaims,
  type Confirmation,
  type PlainClaims,
  plainClaims,
  toNumericDate,
} from "./claims.ts";
export { type ClientAssertionExpectation, clientAssertionRules, JWT_BEARER_ASSERTION } from "./client-assertion.ts";
export { type Clock, systemClock } from "./clock.ts";
export { type Defined, defined } from "./defined.ts";
export { equalInConstantTime, fromBase64url, sha256, toBase64url } from "./encoding.ts";
export {
  type CatalogueRow,
  CountersignError,
  type ErrorCode,
  type ErrorDetails,
  errorCatalogue,
  type Problem,
} from "./errors.ts";
export { type DocumentRequest, type Fetch, type FetchedDocument, fetchJson } from "./fetch-keys.ts";
export { isJsonObject, type JsonLimits, parseJson } from "./json.ts";
export type { JsonObject, JsonValue } from "./json-value.ts";
export { jwkThumbprint, type KeyImportOptions, type KeyRefusal, keyRefusals, type VerificationKey } from "./jwk.ts";
export { importKeys, type KeyHint, type KeySet, type KeySource, type RefusedKey } from "./jwks.ts";
export type { JwsHeader, KeyHeaders } from "./jws.ts";
export { type DecodedJwt, decodeJwt, type ProfileClaims, type VerifiedJwt, verifyJwt } from "./jwt.ts";
export type { JwtRules } from "./jwt-rules.ts";
export { KeyCache, type KeyCacheEvent, type KeyCacheOptions } from "./key-cache.ts";
export {
  type OpenIdMetadata,
  openIdMetadata,
  type ServerMetadata,
  type ServerOffer,
  serverMetadata,
  type WellKnownName,
  wellKnownPath,
} from "./metadata.ts";
export { type Profile, type ProfileName, profiles, REVOCATION_FEED_TYPE } from "./profiles.ts";
export { type Random, randomSecret, randomUuid, systemRandom } from "./random.ts";
export { type RefusalOptions, type RefusalReason, refusalReasons, TokenRefused } from "./refusal.ts";
export { type RegisteredJwks, registeredKeys } from "./registered-keys.ts";
export {
  type ActiveToken,
  type ErrorResponse,
  errorResponse,
  type IntrospectionResponse,
  type TokenResponse,
  type TokenTypeHint,
  tokenTypeHints,
  tokenTypes,
} from "./token-endpoint.ts";

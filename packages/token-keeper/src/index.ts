export type { GetTokenOptions, TokenProvider } from "./acquire.ts";
export { type AuthorizedFetchOptions, authorizedFetch, type Fetch } from "./authorized-fetch.ts";
export {
  type Backoff,
  type BackoffInput,
  constantBackoff,
  type ExponentialBackoffOptions,
  exponentialBackoff,
} from "./backoff.ts";
export { isLeasing, type Lease, type LeasingCache, type TokenCache } from "./cache.ts";
export { type MemoryCacheOptions, memoryCache } from "./caches/memory.ts";
export { type SealedCacheOptions, sealedCache } from "./caches/sealed.ts";
export {
  type AuthenticationTarget,
  type ClientAuthentication,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
  publicClient,
  secretBasic,
  secretPost,
  tlsClient,
} from "./client-authentication.ts";
export { errorCatalogue, TokenError, type TokenErrorCode, type TokenErrorOptions } from "./errors.ts";
export type { TokenEvent, TokenEventListener, TokenEventSource, TokenEventType } from "./events.ts";
export type { FetchLike } from "./http.ts";
export {
  decorrelatedJitter,
  fullJitter,
  type Jitter,
  type JitterInput,
  noJitter,
  randomEarlyJitter,
} from "./jitter.ts";
export type { KeeperOptions } from "./keeper-options.ts";
export { adaptiveLifetime, type FractionLifetimeOptions, fractionLifetime, type LifetimePolicy } from "./lifetime.ts";
export type { TokenHealth } from "./managed-token.ts";
export { type ManagerHealth, TokenManager, type TokenManagerOptions } from "./manager.ts";
export { type Clock, type Random, type SleepOptions, systemClock, systemRandom } from "./ports.ts";
export type { RequestedAccess } from "./requested-access.ts";
export { Secret } from "./secret.ts";
export type { JwtSigningKey } from "./signed-jwt.ts";
export type { SkewEstimate } from "./skew.ts";
export { type SourceContext, type TokenIdentity, type TokenSource, tokenKey } from "./source.ts";
export { type CachedSourceOptions, type CacheLayer, cachedSource } from "./sources/cached.ts";
export { type ClientCredentialsOptions, clientCredentialsSource } from "./sources/client-credentials.ts";
export { type ConstantOptions, constantSource } from "./sources/constant.ts";
export { type CustomSourceOptions, type CustomToken, customSource } from "./sources/custom.ts";
export { type JwtBearerOptions, jwtBearerSource } from "./sources/jwt-bearer.ts";
export { type RefreshTokenOptions, refreshTokenSource } from "./sources/refresh-token.ts";
export type { RotatedLogin } from "./sources/rotation.ts";
export { type SignedAssertionOptions, signedAssertionSource } from "./sources/signed-assertion.ts";
export {
  type ExchangedToken,
  type TokenExchangeOptions,
  tokenExchangeSource,
  tokenTypes,
} from "./sources/token-exchange.ts";
export { createToken, type Lifetime, Token, type TokenInit, type TokenStatus } from "./token.ts";
export type { TokenEndpointOptions } from "./token-endpoint.ts";
export type { TokenResponseRules } from "./token-response.ts";
export { TokenWatcher, type WatcherStartOptions } from "./watcher.ts";

export { parseServerAddress, type ServerAddress } from "./address.ts";
export type { CallOptions } from "./api.ts";
export type { AttestationRequirement } from "./attested-keys.ts";
export { CountersignBuilder } from "./builder.ts";
export { Countersign } from "./client.ts";
export type {
  ClientOptions,
  SignoffOptions,
  TokenRequestOptions,
  VerificationMode,
  VerifyChainOptions,
  VerifyTokenOptions,
} from "./client-options.ts";
export { type CountersignConfig, type HttpProtocol, type ResolvedConfig, resolveConfig } from "./config.ts";
export type { ConfigPorts } from "./config-ports.ts";
export { configFromEnv, configFromEnvOrFile, configFromFile } from "./config-sources.ts";
export { SdkError, type SdkErrorCode, type SdkErrorDetails, type SdkErrorRow, sdkErrors } from "./errors.ts";
export { fetchCaCert, fetchPublicKey, fetchPublicKeyHttp3 } from "./fetch-public-key.ts";
export { type LocalCircumstances, LocalTokens, type LocalTokensOptions } from "./local-tokens.ts";
export type {
  HealthResponse,
  IdentityTokenResponse,
  PendingSignoff,
  SignTokenResponse,
  StubTokenResponse,
  TokenResponse,
  TokenVerdict,
} from "./responses.ts";
export { createRevocationFeed, type RevocationFeed, type RevocationFeedOptions } from "./revocation-feed.ts";
export { type ChainFileOptions, ServiceChain, ServiceChainBuilder, type ServiceNode } from "./service-chain.ts";
export type { Transport, TransportRequest, TransportResponse } from "./transport/transport.ts";
export {
  type AuthorizationCredential,
  type AuthorizationRequirement,
  type Credential,
  createVerifier,
  type IdentityCredential,
  type IdentityRequirement,
  type JwtCredential,
  type JwtProfile,
  type JwtRequirement,
  type Requirements,
  type Verifier,
  type VerifierOptions,
} from "./verifier.ts";

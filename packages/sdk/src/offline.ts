export { SdkError, type SdkErrorCode, type SdkErrorDetails, type SdkErrorRow, sdkErrors } from "./errors.ts";
export { type LocalCircumstances, LocalTokens, type LocalTokensOptions } from "./local-tokens.ts";
export { type ChainFileOptions, ServiceChain, ServiceChainBuilder, type ServiceNode } from "./service-chain.ts";

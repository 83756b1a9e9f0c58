export { Authorizer, type AuthorizerOptions, type RequestOptions } from "./authorizer.ts";
export { Biscuit, BiscuitBuilder, UnverifiedBiscuit } from "./biscuit.ts";
export { BlockBuilder, type BlockInput, fact } from "./block-builder.ts";
export type { BlockInfo } from "./block-info.ts";
export type { AppendOptions } from "./chain.ts";
export { KeyPair, PrivateKey, PublicKey } from "./crypto/keys.ts";
export type { CryptoProvider, KeyAlgorithm, RawKeyPair } from "./crypto/provider.ts";
export { strictProvider } from "./crypto/strict-provider.ts";
export { type BiscuitWebKey, formatBiscuitWebKeys, parseBiscuitWebKeys } from "./crypto/web-key.ts";
export { webCryptoProvider } from "./crypto/webcrypto.ts";
export type { TermInput, TermOutput } from "./datalog/javascript-values.ts";
export type {
  AuthorizerContent,
  BlockContent,
  Check,
  CheckKind,
  Expression,
  Fact,
  Op,
  Policy,
  PolicyKind,
  Predicate,
  Rule,
  Scope,
} from "./datalog/model.ts";
export type { ExternFunction } from "./datalog/operations.ts";
export { type MapKey, type Parameter, type Term, TermMap, TermSet, Timestamp, Variable } from "./datalog/term.ts";
export { Decision, type FailedCheck, type MatchedPolicy } from "./decision.ts";
export {
  AuthorizationError,
  BiscuitError,
  DatalogError,
  ExpressionError,
  type ExpressionPlace,
  FormatError,
  KeyError,
  LimitError,
  type RustJson,
  SealError,
  SignatureError,
  type SourcePosition,
  UsageError,
} from "./errors.ts";
export type { BlockStatements, Evaluation, OriginFacts, QueryResult, WorldDump } from "./evaluation.ts";
export { DEFAULT_LIMITS, type EvaluationLimits, type Limits, type TokenLimits } from "./limits.ts";
export type { RootKey, RootKeyProvider } from "./root-key.ts";
export { SignatureCache } from "./signature-cache.ts";
export type { RemoteKey, SigningKey } from "./signer.ts";
export { type RestoreOptions, restoreSnapshot, takeSnapshot } from "./snapshot.ts";
export { Datalog, type DatalogInput, datalog } from "./statements.ts";
export type { Parameters } from "./text/parameters.ts";
export { type ReceivedBlock, ThirdPartyBlock, ThirdPartyRequest } from "./third-party.ts";
export type { CryptoOptions } from "./token-model.ts";
export type { VerifyOptions } from "./verification.ts";
export { type VerifyTokenOptions, verifyToken, verifyTokenSync } from "./verify-token.ts";

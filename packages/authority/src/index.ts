export type { AuthorityEvent, EventFields, EventName } from "./audit/events.ts";
export { createLog, type Log, type LogLevel, type LogOptions, logLevels } from "./audit/log.ts";
export { createMetrics, type Metrics, type MetricsOptions } from "./audit/metrics.ts";
export { joinObservers, type Observer, type RequestMetric, silentObserver } from "./audit/observer.ts";
export type { AuditTrail } from "./audit/trail.ts";
export { type AuditTrailOptions, createAuditTrail, retentionOf } from "./audit/trail.ts";
export type { AuditPage, AuditQuery, AuditRecord } from "./audit/trail-reader.ts";
export { type Authority, type AuthorityOptions, createAuthority } from "./authority.ts";
export type { Caller, Connection, Peer } from "./caller.ts";
export { type Config, type ConfigInput, configSchema, parseConfig } from "./config.ts";
export type { Network, Reach } from "./exchange/network.ts";
export { grantTypes } from "./grants/grant-table.ts";
export type { FetchHandler, HeaderLookup, HttpHandler, HttpRequest, HttpResponse } from "./http/message.ts";
export { type KeyForm, keyForms, readSigningKey, readSigningKeys, writeKey } from "./keys/convert.ts";
export {
  createKeyEncryptionKey,
  type KeyEncryptionKey,
  openKeyEncryptionKeyFile,
  replaceKeyEncryptionKeyFile,
} from "./keys/key-encryption-key.ts";
export { type RewrapOptions, rewrapKeyRing, ringSealedUnder } from "./keys/ring-record.ts";
export { minRotation } from "./keys/schedule.ts";
export { checkPolicy } from "./policy/check.ts";
export { compilePolicy, type Policy } from "./policy/compile.ts";
export { decide, type PolicyDecision } from "./policy/decide.ts";
export { type DecisionChange, diffPolicies, type PolicyDiff } from "./policy/diff.ts";
export type { PolicyDocument } from "./policy/document.ts";
export { type ExchangeExplanation, type ExchangeRequest, explainExchange, issuerIn } from "./policy/exchange.ts";
export { OWN_ISSUER } from "./policy/exchange-document.ts";
export { type Explanation, explain } from "./policy/explain.ts";
export type { Finding, FindingCode } from "./policy/finding.ts";
export { type TokenKind, tokenKinds } from "./policy/kinds.ts";
export { PolicyError, type PolicyFault, placeOf, readPolicy } from "./policy/read.ts";
export type { PolicyRequest } from "./policy/request.ts";
export { decryptTokenBrokerFile } from "./policy/token-broker-rules.ts";
export type { PolicyInForce, PolicySource } from "./policy-store/policy-source.ts";
export { admitRulesVersion } from "./policy-store/rules-version.ts";
export {
  openSealedRules,
  readSealedRules,
  type SealedRules,
  SealedRulesError,
  type SealRulesOptions,
  sealRules,
} from "./policy-store/sealed-rules.ts";
export { type PrivateFileOptions, readPrivateFile } from "./private-file.ts";
export type { Services } from "./services.ts";
export { copyStore } from "./store/copy-store.ts";
export { createMemoryStore } from "./store/memory.ts";
export { type OpenStoreOptions, openStore, prepareStore, storeEngines } from "./store/open-store.ts";
export {
  assertionAudiences,
  clientAuthMethods,
  ringAlgorithms,
  signingAlgorithms,
  tokenProfiles,
} from "./store/records.ts";
export { openSqliteStore } from "./store/sqlite.ts";
export type { Item, Page, Store } from "./store/store.ts";
export { type FirstStart, isFirstStartComplete, prepareFirstStart } from "./users/first-start.ts";
export { type RecoveryOptions, recoverAdministrator } from "./users/recovery.ts";
export { isAmong } from "./values/address.ts";

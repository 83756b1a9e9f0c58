export {
  type PublicKey,
  type RemoteKey,
  type RootKeyProvider,
  SignatureCache,
  type SigningKey,
} from "@countersign/biscuit";
export { type Clock, systemClock } from "../clock.ts";
export { CountersignError } from "../errors.ts";
export {
  type Attestation,
  attestService,
  attestServiceSync,
  type NarrowingOptions,
  narrowToken,
  narrowTokenSync,
  type PrefixRestriction,
  restrictPrefix,
  type Signoff,
  signOff,
} from "./append.ts";
export type { AuthorizationContent, Component } from "./authorization-blocks.ts";
export { type AmendOptions, attenuateCapability, attestCapability, type CapabilityAmendment } from "./capability.ts";
export type {
  CapabilityAttestation,
  CapabilityContent,
  CapabilityNarrowing,
  Designation,
  TrustedDesignation,
} from "./capability-blocks.ts";
export { addExposure, compoundLabel, forkContext, type IssuerOptions, type NewExposure } from "./context.ts";
export type { Exposure } from "./context-blocks.ts";
export { type Delegation, type DelegationOptions, delegateIdentity, delegateIdentitySync } from "./delegate.ts";
export type { IdentityContent } from "./identity-blocks.ts";
export { publicKeyOf } from "./inputs.ts";
export {
  type InspectedAuthorization,
  type InspectedContext,
  type InspectedIdentity,
  type InspectedOther,
  type InspectedParty,
  type InspectedService,
  inspectionOf,
  inspectToken,
  type Right,
  type TokenInspection,
} from "./inspect.ts";
export type { BlockRole, InspectedBlock } from "./inspect-block.ts";
export type { IdentityInspection } from "./inspect-identity.ts";
export {
  type CapabilityMessage,
  type CapabilityPath,
  type CapabilityResponse,
  capabilityEndpoints,
  readCapabilityMessage,
  readCapabilityResponse,
  type SignoffInfo,
} from "./messages.ts";
export {
  type ContextContent,
  type MintOptions,
  mintAuthorization,
  mintCapability,
  mintContext,
  mintIdentity,
} from "./mint.ts";
export type { OpenOptions, RevokedIds, ShownToken, VerificationOptions } from "./open.ts";
export {
  type CapabilityRefusal,
  type CapabilityRefusalCode,
  type CheckPlace,
  isCapabilityRefusal,
  type RefusalData,
  type ServiceChainReason,
} from "./refusals.ts";
export type { ChainRequest } from "./service-chain.ts";
export type { Lifetime } from "./times.ts";
export {
  type AuthorizationRequest,
  anySubject,
  type VerifiedAuthorization,
  verifyAuthorization,
  verifyAuthorizationSync,
} from "./verify-authorization.ts";
export {
  type CapabilityRequest,
  type VerifiedCapability,
  verifyCapability,
  verifyCapabilitySync,
} from "./verify-capability.ts";
export {
  type ContextOptions,
  type ContextRequest,
  type VerifiedContext,
  verifyContext,
  verifyContextSync,
} from "./verify-context.ts";
export {
  type AuthenticationRequest,
  authenticateIdentity,
  authenticateIdentitySync,
  type IdentityRequest,
  type VerifiedIdentity,
  verifyIdentity,
  verifyIdentitySync,
} from "./verify-identity.ts";
export { type PendingAuthorization, verifyPendingAuthorization } from "./verify-pending-authorization.ts";

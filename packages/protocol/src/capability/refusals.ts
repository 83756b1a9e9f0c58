import { CountersignError, type ErrorCode } from "../errors.ts";

/** Where in a token a check stands: the block, 0 for the authority, and the place of the check in it, from 0. */
export interface CheckPlace {
  /** The number of the block, from 0. */
  readonly block: number;
  /** The number of the check in it, from 0. */
  readonly check: number;
}

/** Why the service chain of a token does not hold. */
export type ServiceChainReason = "component_not_found" | "attestation_missing" | "key_mismatch";

/** What each refusal of a capability token is about. Times are milliseconds since the epoch, keys are key text. */
export interface RefusalData {
  /** It cannot be read. */
  token_malformed: { readonly reason: string };
  /** A signature is not right. */
  token_signature: { readonly reason: string };
  /** No key is known that it could be signed by. */
  unknown_root_key: { readonly reason: string };
  /** It is past its life. */
  token_expired: CheckPlace & { readonly expiredAt: number; readonly now: number };
  /** One of its blocks is revoked. */
  token_revoked: { readonly block: number; readonly revocationId: string };
  /** It is of another kind. */
  token_kind: { readonly expected: "identity" | "authorization" | "capability" | "context" };
  /** It costs more than is granted. */
  token_limit: { readonly reason: string };
  /** An expression in it fails. */
  token_evaluation: { readonly reason: string };
  /** Nothing can be appended. */
  token_sealed: { readonly reason: string };
  /** It is for another domain. */
  domain_mismatch: Partial<CheckPlace> & {
    /** The domain of the token; absent when the token has none and one was demanded. */
    readonly expected?: string;
    readonly provided: string | undefined;
  };
  /** It names somebody else. */
  identity_mismatch: Partial<CheckPlace> & {
    readonly expected: string | undefined;
    /** The identity that was asked for; absent when the token was shown as a bearer token. */
    readonly actual: string | undefined;
  };
  /** It gives no such right. */
  rights_denied: {
    /** Absent when any subject would do. */
    readonly subject: string | undefined;
    readonly resource: string;
    readonly operation: string;
  };
  /** A service has not attested it. */
  service_chain_failed: {
    readonly component: string;
    readonly reason: ServiceChainReason;
    /** The key that the verifier expects of the component, and that which the token names; only for `key_mismatch`. */
    readonly expected?: string;
    readonly actual?: string;
  };
  /** A party has not signed off. */
  signoff_missing: CheckPlace & { readonly component: string; readonly key: string };
  /** The object is outside of its prefix. */
  prefix_mismatch: CheckPlace & {
    /** The prefix that the token demands; absent when the holder of `key` has not added one yet. */
    readonly expected?: string;
    readonly key?: string;
    readonly provided: string | undefined;
  };
  /** A designation that it demands was not stated. */
  designation_mismatch: CheckPlace & {
    readonly label: string;
    readonly value: string;
    /** The key whose holder must state it; absent when the verifier states it. */
    readonly key?: string;
  };
  /** It is latent: nobody has activated it yet. */
  activation_missing: CheckPlace & { readonly key: string };
  /** Its exposure is refused. */
  exposure_refused: CheckPlace & { readonly label: string };
  /** Another check of it fails. */
  check_failed: Partial<CheckPlace> & { readonly rule: string };
  /** It cannot be delegated so. */
  delegation_failed: { readonly identity: string; readonly reason: ErrorCode };
  /** A key cannot be read. */
  invalid_public_key: { readonly reason: string };
  /** A name may not be used. */
  invalid_name: { readonly name: string; readonly reason: string };
}

/** The codes with which capability tokens are refused. */
export type CapabilityRefusalCode = keyof RefusalData;

type DataOf<Code extends CapabilityRefusalCode> = Readonly<RefusalData[Code]>;

/** A refusal of a capability token: an error of the catalogue with the data of its code. */
export type CapabilityRefusal<Code extends CapabilityRefusalCode = CapabilityRefusalCode> = Code extends unknown
  ? CountersignError & { readonly code: Code; readonly data: DataOf<Code> }
  : never;

const seconds = (instantAt: number): number => Math.floor(instantAt / 1000);
const quoted = (value: string | undefined, otherwise: string): string =>
  value === undefined ? otherwise : `'${value}'`;
const place = ({ block, check }: Partial<CheckPlace>): string =>
  block === undefined ? "in the authorizer" : `in block ${block}, check ${check}`;

const CHAIN_REASONS: Readonly<Record<ServiceChainReason, string>> = {
  component_not_found: "component not found in chain",
  attestation_missing: "attestation missing",
  key_mismatch: "key mismatch",
};

/** What the log says: the sentences of the Hessra crates where they have one. */
const sentences: { readonly [Code in CapabilityRefusalCode]: (data: DataOf<Code>) => string } = {
  token_malformed: ({ reason }) => `Failed to deserialize token: ${reason}`,
  token_signature: ({ reason }) => `Invalid token signature: ${reason}`,
  unknown_root_key: ({ reason }) => `Unknown public key - token was not signed by a recognized authority: ${reason}`,
  token_expired: ({ expiredAt, now }) => `Token expired at ${seconds(expiredAt)}, current time is ${seconds(now)}`,
  token_revoked: ({ block }) => `Block ${block} of the token was revoked`,
  token_kind: ({ expected }) => `The authority block is not that of a token of this kind: ${expected}`,
  token_limit: ({ reason }) => `Token verification exceeded execution limits: ${reason}`,
  token_evaluation: ({ reason }) => `Token verification expression error: ${reason}`,
  token_sealed: ({ reason }) => reason,
  domain_mismatch: ({ expected, provided }) =>
    `Domain mismatch: expected ${quoted(expected, "a domain-restricted token")}, ${provided === undefined ? "no domain provided" : `got '${provided}'`}`,
  identity_mismatch: ({ expected, actual }) =>
    `Identity mismatch: expected ${quoted(expected, "another")}, got ${quoted(actual, "the subject of the token")}`,
  rights_denied: ({ subject, resource, operation }) =>
    `Authorization denied: subject ${quoted(subject, "unknown")} does not have permission to perform '${operation}' on '${resource}'`,
  service_chain_failed: ({ component, reason, expected, actual }) =>
    `Service chain verification failed for component '${component}': ${CHAIN_REASONS[reason]}${
      reason === "key_mismatch" ? ` (expected: ${expected}, actual: ${actual})` : ""
    }`,
  signoff_missing: ({ component, key }) =>
    `Multi-party attestation missing for component '${component}' (expected key: ${key})`,
  prefix_mismatch: ({ expected, key, provided }) =>
    expected === undefined
      ? `Prefix missing: expected one added by ${key}`
      : `Prefix mismatch: expected '${expected}', got ${quoted(provided, "none")}`,
  designation_mismatch: ({ label, value, key }) =>
    `Designation missing: expected '${label}' to be '${value}'${key === undefined ? "" : ` by ${key}`}`,
  activation_missing: ({ key }) => `Activation missing: expected one by ${key}`,
  exposure_refused: ({ label }) => `Context was exposed to '${label}'`,
  check_failed: ({ rule, ...at }) => `Verification check failed ${place(at)}: ${rule}`,
  delegation_failed: ({ identity, reason }) => `Token attenuation failed: '${identity}': ${reason}`,
  invalid_public_key: ({ reason }) => `Invalid key format: ${reason}`,
  invalid_name: ({ name, reason }) => `Invalid ${name}: ${reason}`,
};

/** Every code with which capability tokens are refused. */
export const refusalCodes: readonly string[] = Object.keys(sentences);

/** Makes a refusal: its hint is public, its sentence and data are for the log. */
export function refusal<Code extends CapabilityRefusalCode>(
  code: Code,
  data: DataOf<Code>,
  cause?: unknown,
): CountersignError {
  return new CountersignError(code, { detail: sentences[code](data), data: { ...data }, cause });
}

/**
 * Whether an error is the refusal of a capability token with this code, or with any; then its data has the members of it.
 *
 * @example
 * ```ts
 * import { isCapabilityRefusal } from "@countersign/protocol/capability";
 * export function expiry(error: unknown): number | undefined {
 *   return isCapabilityRefusal(error, "token_expired") ? error.data.expiredAt : undefined;
 * }
 * ```
 */
export function isCapabilityRefusal<Code extends CapabilityRefusalCode = CapabilityRefusalCode>(
  error: unknown,
  code?: Code,
): error is CapabilityRefusal<Code> {
  if (!(error instanceof CountersignError) || error.data === undefined) return false;
  return code === undefined ? Object.hasOwn(sentences, error.code) : error.code === code;
}

import type { PublicKey } from "@countersign/biscuit";
import { checkNames, publicKeyOf } from "./inputs.ts";
import { expires, type Statement } from "./statement.ts";

/** What a capability is used for: a tenant, a user, a one-time id. */
export interface Designation {
  /** What kind of thing is designated, such as `tenant`. */
  readonly label: string;
  /** Which one it is. */
  readonly value: string;
}

/** A designation that the holder of a key must state in the token, instead of the verifier. */
export interface TrustedDesignation extends Designation {
  /** The key that must have signed it. */
  readonly publicKey: PublicKey | string;
}

/** What narrows a capability token. */
export interface CapabilityNarrowing {
  /** What the verifier must state. The designation `anchor` ties the token to one place. @default none */
  readonly designations?: readonly Designation[];
  /** What the holders of keys must state. @default none */
  readonly trustedDesignations?: readonly TrustedDesignation[];
}

/** What a capability token grants. */
export interface CapabilityContent extends CapabilityNarrowing {
  /** Who holds it. */
  readonly subject: string;
  /** The resource that it is about. */
  readonly resource: string;
  /** The operation on the resource. */
  readonly operation: string;
  /** The key of whoever must activate the token before it is good for anything. @default none */
  readonly activationKey?: PublicKey | string | undefined;
}

function stated({ label, value }: Designation): Statement {
  return ["check if designation({label}, {value});", { label, value }];
}

function statedBy({ label, value, publicKey }: TrustedDesignation): Statement {
  const key = publicKeyOf(publicKey);
  return ["check if designation({label}, {value}) trusting {key};", { label, value, key }];
}

function narrowed({ designations = [], trustedDesignations = [] }: CapabilityNarrowing): Statement[] {
  return [...designations.map(stated), ...trustedDesignations.map(statedBy)];
}

/** Checks the labels and values that go into a capability token. @throws {CountersignError} `invalid_name`. */
export function checkDesignations(amendment: CapabilityNarrowing & Pick<CapabilityAttestation, "states">): void {
  const { designations = [], trustedDesignations = [], states = [] } = amendment;
  for (const { label, value } of [...designations, ...trustedDesignations, ...states]) {
    checkNames({ "designation label": label, "designation value": value });
  }
}

/** The authority block of a capability token. */
export function capabilityStatements(content: CapabilityContent, expiration: number): Statement[] {
  const { subject, resource, operation, activationKey } = content;
  const statements: Statement[] = [
    ["right({subject}, {resource}, {operation});", { subject, resource, operation }],
    ["check if resource($res), operation($op), right($sub, $res, $op);", {}],
    expires(expiration),
    ...narrowed(content),
  ];
  if (activationKey === undefined) return statements;
  return [...statements, ["check if activation($a) trusting {key};", { key: publicKeyOf(activationKey) }]];
}

/** The block by which a holder narrows a capability token. */
export function attenuationStatements(narrowing: CapabilityNarrowing, expiration: number | undefined): Statement[] {
  const until: Statement[] =
    expiration === undefined ? [] : [["check if time($t), $t < {expiration};", { expiration }]];
  return [...narrowed(narrowing), ...until];
}

/** What the holder of a key states in a capability token. */
export interface CapabilityAttestation extends CapabilityNarrowing {
  /** Whether this activates the token. @default false */
  readonly activate?: boolean;
  /** The designations that are stated, for the checks that trust this key. @default none */
  readonly states?: readonly Designation[];
}

/** The block by which the holder of a key activates a capability token, or states what it is used for. */
export function capabilityAttestationStatements(
  attestation: CapabilityAttestation,
  now: number,
  expiration: number | undefined,
): Statement[] {
  const { activate = false, states = [] } = attestation;
  return [
    ...(activate ? [["activation({now});", { now }] as const] : []),
    ...states.map(({ label, value }): Statement => ["designation({label}, {value});", { label, value }]),
    ...attenuationStatements(attestation, expiration),
  ];
}

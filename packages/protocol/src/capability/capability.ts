import type { Biscuit, SigningKey } from "@countersign/biscuit";
import { appendExternal, appendOwn } from "./append.ts";
import {
  attenuationStatements,
  type CapabilityAttestation,
  type CapabilityNarrowing,
  capabilityAttestationStatements,
  checkDesignations,
} from "./capability-blocks.ts";
import { type OpenOptions, openToken, type ShownToken } from "./open.ts";
import { expirationOf, type Lifetime, nowInSeconds } from "./times.ts";

/** How a capability token is amended; without a lifetime the amendment ends with the token. */
export type AmendOptions = OpenOptions & Lifetime;

const endOf = (options: Lifetime): number | undefined =>
  options.lifetimeMs === undefined ? undefined : expirationOf(options);

/**
 * Narrows a capability token by a block of the holder's own.
 *
 * @throws {CountersignError} `invalid_name`, `invalid_public_key`, `token_sealed`, `token_signature` and their like.
 */
export async function attenuateCapability(
  token: ShownToken,
  narrowing: CapabilityNarrowing,
  options: AmendOptions,
): Promise<Biscuit> {
  checkDesignations(narrowing);
  const statements = attenuationStatements(narrowing, endOf(options));
  return appendOwn(await openToken(token, options), statements, options);
}

/** What the holder of a key adds to a capability token. */
export interface CapabilityAmendment extends CapabilityAttestation {
  /** The key that a check of the token trusts. */
  readonly key: SigningKey;
}

/**
 * Activates a latent capability token, or states a designation in it, as the party whose key the token trusts.
 *
 * @throws {CountersignError} `invalid_name`, `invalid_public_key`, `token_sealed`, `token_signature` and their like.
 */
export async function attestCapability(
  token: ShownToken,
  { key, ...attestation }: CapabilityAmendment,
  options: AmendOptions,
): Promise<Biscuit> {
  checkDesignations(attestation);
  const statements = capabilityAttestationStatements(attestation, nowInSeconds(options.clock), endOf(options));
  return appendExternal(await openToken(token, options), statements, options, key);
}

import { type Biscuit, KeyPair, type SigningKey } from "@countersign/biscuit";
import { defined } from "../defined.ts";
import { attestationStatements, prefixStatements, signoffStatements } from "./authorization-blocks.ts";
import { refusing, refusingSync } from "./biscuit-errors.ts";
import { narrowingStatements } from "./identity-blocks.ts";
import { checkNames } from "./inputs.ts";
import { type OpenOptions, openToken, openTokenSync, type ShownToken } from "./open.ts";
import { blockOf, type Statement } from "./statement.ts";
import { expirationOf, type Lifetime } from "./times.ts";

/**
 * Appends a block signed by a third party with this key; without one, by a key that is made for it and thrown away.
 *
 * @throws {CountersignError} `token_sealed`; `token_limit` when the token would be too long to be read again.
 */
export function appendExternal(
  token: Biscuit,
  statements: readonly Statement[],
  { crypto }: Pick<OpenOptions, "crypto">,
  key?: SigningKey,
): Promise<Biscuit> {
  return refusing(async () => {
    const request = token.thirdPartyRequest();
    const signer = key ?? (await KeyPair.generate("ed25519", crypto));
    const block = await request.createBlock(signer, blockOf(statements), { crypto });
    return token.appendThirdParty(block.external.publicKey, block, { crypto });
  });
}

/** The same, at once. @throws {KeyError} `no_sync_crypto` */
export function appendExternalSync(
  token: Biscuit,
  statements: readonly Statement[],
  { crypto }: Pick<OpenOptions, "crypto">,
  key?: SigningKey,
): Biscuit {
  return refusingSync(() => {
    const request = token.thirdPartyRequest();
    const block = request.createBlockSync(key ?? KeyPair.generateSync("ed25519", crypto), blockOf(statements), {
      crypto,
    });
    return token.appendThirdPartySync(block.external.publicKey, block, { crypto });
  });
}

/** Appends a block of the holder's own. @throws {CountersignError} `token_sealed`. */
export function appendOwn(
  token: Biscuit,
  statements: readonly Statement[],
  { crypto }: Pick<OpenOptions, "crypto">,
): Promise<Biscuit> {
  return refusing(() => token.attenuate(blockOf(statements), { crypto }));
}

const FIVE_SECONDS = 5000;

/** How long a narrowed token is to hold. */
export interface NarrowingOptions extends OpenOptions, Omit<Lifetime, "lifetimeMs"> {
  /** Whole seconds, in milliseconds. @default 5000 */
  readonly lifetimeMs?: number;
}

function narrowingUntil({ clock, startAt, lifetimeMs = FIVE_SECONDS }: NarrowingOptions): Statement[] {
  return narrowingStatements(expirationOf({ clock, lifetimeMs, ...defined({ startAt }) }));
}

/**
 * Shortens a token just before it is sent, so that one seen on the way is soon worthless.
 *
 * @throws {CountersignError} `token_signature`, `token_malformed`, `token_sealed` and their like.
 */
export async function narrowToken(token: ShownToken, options: NarrowingOptions): Promise<Biscuit> {
  return appendExternal(await openToken(token, options), narrowingUntil(options), options);
}

/** The same as {@link narrowToken}, at once. @throws {KeyError} `no_sync_crypto` */
export function narrowTokenSync(token: ShownToken, options: NarrowingOptions): Biscuit {
  return appendExternalSync(openTokenSync(token, options), narrowingUntil(options), options);
}

/** What a service attests. */
export interface Attestation {
  /** The resource of the token: it, and not the name of the service, is what verifiers look for. */
  readonly service: string;
  /** The key that the token names for this service. */
  readonly key: SigningKey;
}

/**
 * Attests, as a service of the chain, that the token passed here.
 *
 * @throws {CountersignError} `invalid_name`, `token_signature`, `token_malformed`, `token_sealed` and their like.
 */
export async function attestService(
  token: ShownToken,
  { service, key }: Attestation,
  options: OpenOptions,
): Promise<Biscuit> {
  checkNames({ service });
  return appendExternal(await openToken(token, options), attestationStatements(service), options, key);
}

/** The same as {@link attestService}, at once. @throws {KeyError} `no_sync_crypto` */
export function attestServiceSync(token: ShownToken, { service, key }: Attestation, options: OpenOptions): Biscuit {
  checkNames({ service });
  return appendExternalSync(openTokenSync(token, options), attestationStatements(service), options, key);
}

/** What a party signs off with. */
export interface Signoff {
  /** The name of the party, as the token has it. */
  readonly component: string;
  /** The key pair of the party that signs off. */
  readonly key: SigningKey;
}

/**
 * Signs off a multi-party token as one of its parties. It does not ask what the token grants: see
 * `verifyPendingAuthorization`.
 *
 * @throws {CountersignError} `invalid_name`, `token_signature`, `token_malformed`, `token_sealed` and their like.
 */
export async function signOff(token: ShownToken, { component, key }: Signoff, options: OpenOptions): Promise<Biscuit> {
  checkNames({ component });
  return appendExternal(await openToken(token, options), signoffStatements(component), options, key);
}

/** What a stub is restricted to. */
export interface PrefixRestriction {
  /** What the names of all objects must begin with. */
  readonly prefix: string;
  /** The key that the stub names. */
  readonly key: SigningKey;
}

/**
 * Completes a stub with the prefix that it is good for.
 *
 * @throws {CountersignError} `invalid_name`, `token_signature`, `token_malformed`, `token_sealed` and their like.
 */
export async function restrictPrefix(
  token: ShownToken,
  { prefix, key }: PrefixRestriction,
  options: OpenOptions,
): Promise<Biscuit> {
  checkNames({ prefix });
  return appendExternal(await openToken(token, options), prefixStatements(prefix), options, key);
}

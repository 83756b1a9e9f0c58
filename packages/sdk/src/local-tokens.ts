import { PrivateKey, PublicKey, type RootKey, type SignatureCache } from "@countersign/biscuit";
import {
  attestService,
  authenticateIdentity,
  type Clock,
  delegateIdentity,
  inspectToken,
  mintIdentity,
  narrowToken,
  type RevokedIds,
  restrictPrefix,
  signOff,
  systemClock,
  type TokenInspection,
  type VerificationOptions,
  type VerifiedAuthorization,
  type VerifiedIdentity,
  verifyAuthorization,
  verifyIdentity,
} from "@countersign/protocol/capability";
import { SdkError, telling } from "./errors.ts";
import type { ServiceChain } from "./service-chain.ts";

/** What tokens are made and judged with, offline. */
export interface LocalTokensOptions {
  /** The authority's root key, in PEM, as key text or read; or the choice of one by root key id. @default none */
  readonly publicKey?: RootKey | string | undefined;
  /** The private key of this service, in PEM or read: it attests and mints. @default none */
  readonly personalKeypair?: PrivateKey | string | undefined;
  /** Revocation ids that were revoked. @default none is */
  readonly revoked?: RevokedIds | undefined;
  /** Signatures that are known to be valid. @default none */
  readonly cache?: SignatureCache | undefined;
  /** @default the clock of this machine */
  readonly clock?: Pick<Clock, "now">;
}

/** What else an authorization token is judged by. */
export interface LocalCircumstances {
  /** The domain in which the token is used. @default none */
  readonly domain?: string | undefined;
  /** The prefix under which the resource lies. @default none */
  readonly prefix?: string | undefined;
}

const isPem = (text: string): boolean => text.includes("-----BEGIN");

function rootKeyOf(key: RootKey | string | undefined): RootKey | undefined {
  if (typeof key !== "string") return key;
  return isPem(key) ? PublicKey.fromPem(key) : PublicKey.parse(key);
}

const privateKeyOf = (key: PrivateKey | string | undefined): PrivateKey | undefined =>
  typeof key === "string" ? PrivateKey.fromPem(key) : key;

/** Without the members that are undefined. */
function given<Value>(members: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/**
 * Everything that can be done with tokens without the authority, in any runtime: verify, narrow, delegate, attest, inspect,
 * and mint with a key of one's own.
 *
 * @throws {KeyError} from the constructor, for a key that cannot be read.
 * @example
 * ```ts
 * import { LocalTokens } from "@countersign/sdk/offline";
 * export async function mayRead(token: string, publicKey: string): Promise<void> {
 *   await new LocalTokens({ publicKey }).verifyToken(token, "urn:x:alice", "orders", "read");
 * }
 * ```
 */
export class LocalTokens {
  readonly #rootKey: RootKey | undefined;
  readonly #personalKey: PrivateKey | undefined;
  readonly #options: Pick<LocalTokensOptions, "revoked" | "cache">;
  readonly #clock: Pick<Clock, "now">;

  /** Reads the keys. */
  constructor(options: LocalTokensOptions) {
    const { publicKey, personalKeypair, revoked, cache, clock = systemClock } = options;
    this.#rootKey = rootKeyOf(publicKey);
    this.#personalKey = privateKeyOf(personalKeypair);
    this.#options = { revoked, cache };
    this.#clock = clock;
  }

  /** Whether a root key is known, so that tokens can be judged here. */
  get canVerify(): boolean {
    return this.#rootKey !== undefined;
  }

  #open(): VerificationOptions {
    if (this.#rootKey === undefined) throw new SdkError("missing_public_key");
    return { ...this.#options, rootKey: this.#rootKey, clock: this.#clock };
  }

  #key(): PrivateKey {
    if (this.#personalKey === undefined) throw new SdkError("missing_personal_keypair");
    return this.#personalKey;
  }

  /** Verifies an authorization token. @throws {SdkError} `rights_denied`, `token_expired` and the other refusals. */
  verifyToken(
    token: string,
    subject: string,
    resource: string,
    operation: string,
    circumstances: LocalCircumstances = {},
  ): Promise<VerifiedAuthorization> {
    const { domain, prefix } = circumstances;
    const request = { subject, resource, operation, ...given({ domain, prefix }) };
    return telling(async () => verifyAuthorization(token, request, this.#open()));
  }

  /**
   * Verifies an authorization token that has passed the services of a chain, those before `component` or all.
   *
   * @throws {SdkError} `service_chain_failed` and the other refusals.
   */
  verifyServiceChainToken(
    token: string,
    subject: string,
    resource: string,
    operation: string,
    chain: ServiceChain,
    component?: string,
  ): Promise<VerifiedAuthorization> {
    const serviceChain = { nodes: chain.components, component };
    return telling(async () =>
      verifyAuthorization(token, { subject, resource, operation, serviceChain }, this.#open()),
    );
  }

  /** Attests with the personal key pair. @param service The resource of the token, and not the name of this service. */
  attestServiceChainToken(token: string, service: string): Promise<string> {
    return telling(async () => {
      const attestation = { service, key: this.#key() };
      return (await attestService(token, attestation, this.#open())).toBase64();
    });
  }

  /** Signs a multi-party token off with the personal key pair. @param component The name of this party, as the token has it. */
  signOffToken(token: string, component: string): Promise<string> {
    return telling(async () => (await signOff(token, { component, key: this.#key() }, this.#open())).toBase64());
  }

  /** Completes a stub with the personal key pair. @param prefix What all names that it is good for begin with. */
  restrictPrefix(token: string, prefix: string): Promise<string> {
    return telling(async () => (await restrictPrefix(token, { prefix, key: this.#key() }, this.#open())).toBase64());
  }

  /** Verifies an identity token that somebody shows: the actor is the last delegate that it names, or else its subject. */
  authenticateIdentityToken(token: string, domain?: string): Promise<VerifiedIdentity> {
    return telling(async () => authenticateIdentity(token, given({ domain }), this.#open()));
  }

  /** Verifies an identity token for whoever acts. @throws {SdkError} `identity_mismatch` and the other refusals. */
  verifyIdentityToken(token: string, identity: string, domain?: string): Promise<VerifiedIdentity> {
    return telling(async () => verifyIdentity(token, { identity, ...given({ domain }) }, this.#open()));
  }

  /** Hands an identity token to a sub-identity. @param seconds How long the new token holds. */
  attenuateIdentityToken(token: string, delegatedIdentity: string, seconds: number, domain?: string): Promise<string> {
    return telling(async () => {
      const options = { ...this.#open(), lifetimeMs: seconds * 1000 };
      const delegation = { identity: delegatedIdentity, ...given({ domain }) };
      return (await delegateIdentity(token, delegation, options)).toBase64();
    });
  }

  /** Shortens a token, as just before it is sent. @param seconds How long it still holds. */
  narrowToken(token: string, seconds = 5): Promise<string> {
    return telling(async () => {
      return (await narrowToken(token, { ...this.#open(), lifetimeMs: seconds * 1000 })).toBase64();
    });
  }

  /** Mints a delegatable identity token that the personal key pair signs. @param seconds How long it holds. */
  createIdentityToken(subject: string, seconds: number): Promise<string> {
    return telling(async () => {
      const options = { clock: this.#clock, lifetimeMs: seconds * 1000 };
      return (await mintIdentity(this.#key(), { subject, delegatable: true }, options)).toBase64();
    });
  }

  /** Says what a token whose signatures hold says; an expired one too. @throws {SdkError} `token_signature` and its like. */
  inspectToken(token: string): Promise<TokenInspection> {
    return telling(async () => inspectToken(token, this.#open()));
  }
}

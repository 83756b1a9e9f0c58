import { Biscuit, type CryptoProvider, type SigningKey } from "@countersign/biscuit";
import { type AuthorizationContent, authorizationStatements } from "./authorization-blocks.ts";
import { type CapabilityContent, capabilityStatements, checkDesignations } from "./capability-blocks.ts";
import { contextStatements } from "./context-blocks.ts";
import { type IdentityContent, identityStatements } from "./identity-blocks.ts";
import { checkNames } from "./inputs.ts";
import { addTo, type Statement } from "./statement.ts";
import { expirationOf, type Lifetime } from "./times.ts";

/** How a token is made. */
export interface MintOptions extends Lifetime {
  /** The id by which verifiers find the root key, an unsigned 32-bit integer. @default none */
  readonly rootKeyId?: number | undefined;
  /** @default the runtime's own cryptography */
  readonly crypto?: CryptoProvider | undefined;
}

/** Signs an authority block. */
export function signToken(
  rootKey: SigningKey,
  statements: readonly Statement[],
  { rootKeyId, crypto }: Pick<MintOptions, "rootKeyId" | "crypto">,
): Promise<Biscuit> {
  const builder = addTo(Biscuit.builder(), statements);
  return (rootKeyId === undefined ? builder : builder.rootKeyId(rootKeyId)).build(rootKey, { crypto });
}

/** Names of components, so that a refusal tells which. */
function componentNames(content: AuthorizationContent): Record<string, string> {
  const all = [...(content.serviceChain ?? []), ...(content.parties ?? [])];
  return Object.fromEntries(all.map(({ component }, i) => [`component ${i}`, component]));
}

/**
 * Mints an identity token; `toBase64()` of it is what its holder gets.
 *
 * @throws {CountersignError} `invalid_name`; {@link RangeError} for a lifetime that cannot be used.
 * @example
 * ```ts
 * import { KeyPair } from "@countersign/biscuit";
 * import { mintIdentity, systemClock } from "@countersign/protocol/capability";
 * const rootKey = await KeyPair.generate();
 * const content = { subject: "urn:x:alice", delegatable: true };
 * const token = await mintIdentity(rootKey, content, { clock: systemClock, lifetimeMs: 3_600_000 });
 * console.log(token.toBase64());
 * ```
 */
export async function mintIdentity(
  rootKey: SigningKey,
  content: IdentityContent,
  options: MintOptions,
): Promise<Biscuit> {
  const { subject, domain } = content;
  checkNames({ subject, domain });
  return signToken(rootKey, identityStatements(content, expirationOf(options)), options);
}

/**
 * Mints an authorization token: one right, with what must be added to it or stated before it is good.
 *
 * @throws {CountersignError} `invalid_name` or `invalid_public_key`; {@link RangeError} for a lifetime.
 */
export async function mintAuthorization(
  rootKey: SigningKey,
  content: AuthorizationContent,
  options: MintOptions,
): Promise<Biscuit> {
  const { subject, resource, operation, domain } = content;
  checkNames({ subject, resource, operation, domain, ...componentNames(content) });
  return signToken(rootKey, authorizationStatements(content, expirationOf(options)), options);
}

/**
 * Mints a capability token of the successor line.
 *
 * @throws {CountersignError} `invalid_name` or `invalid_public_key`; {@link RangeError} for a lifetime.
 */
export async function mintCapability(
  rootKey: SigningKey,
  content: CapabilityContent,
  options: MintOptions,
): Promise<Biscuit> {
  const { subject, resource, operation } = content;
  checkNames({ subject, resource, operation });
  checkDesignations(content);
  return signToken(rootKey, capabilityStatements(content, expirationOf(options)), options);
}

/** Whose session a context token is. */
export interface ContextContent {
  /** Whose context it is. */
  readonly subject: string;
}

/**
 * Mints a context token, which was exposed to nothing yet.
 *
 * @throws {CountersignError} `invalid_name`; {@link RangeError} for a lifetime.
 */
export async function mintContext(
  rootKey: SigningKey,
  { subject }: ContextContent,
  options: MintOptions,
): Promise<Biscuit> {
  checkNames({ subject });
  return signToken(rootKey, contextStatements(subject, expirationOf(options)), options);
}

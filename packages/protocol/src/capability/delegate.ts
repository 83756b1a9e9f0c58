import type { Biscuit } from "@countersign/biscuit";
import { CountersignError } from "../errors.ts";
import { appendExternal, appendExternalSync } from "./append.ts";
import { delegationStatements } from "./identity-blocks.ts";
import { checkNames } from "./inputs.ts";
import { inspectIdentity } from "./inspect-identity.ts";
import { openToken, openTokenSync, type ShownToken, type VerificationOptions } from "./open.ts";
import { refusal } from "./refusals.ts";
import type { Statement } from "./statement.ts";
import { expirationOf, type Lifetime } from "./times.ts";
import { judgeIdentity } from "./verify-identity.ts";

/** Whom an identity token is handed to. */
export interface Delegation {
  /** The identity of the token, to shorten it, or one below: `urn:x:alice:laptop` of `urn:x:alice`. */
  readonly identity: string;
  /** The domain of the token, when it has one. @default none */
  readonly domain?: string;
}

/** Until when a delegated token holds; the ends of the token it is made from still apply. */
export type DelegationOptions = VerificationOptions & Lifetime;

/** A colon too many makes a name that reads like another one. */
function hasEmptyPart(identity: string, above: string): boolean {
  if (!identity.startsWith(`${above}:`)) return false;
  return identity
    .slice(above.length + 1)
    .split(":")
    .includes("");
}

function failed(identity: string, cause: CountersignError): CountersignError {
  return refusal("delegation_failed", { identity, reason: cause.code }, cause);
}

function statementsFor({ identity }: Delegation, options: DelegationOptions): Statement[] {
  checkNames({ identity });
  return delegationStatements(identity, expirationOf(options));
}

/** Refuses what would make no token at all, or one whose name misleads. */
function assertAbove(token: Biscuit, { identity }: Delegation): Biscuit {
  const inspection = inspectIdentity(token);
  if (inspection === undefined) throw failed(identity, refusal("token_kind", { expected: "identity" }));
  if (!hasEmptyPart(identity, inspection.identity)) return token;
  throw refusal("invalid_name", { name: "identity", reason: "a part between its colons is empty" });
}

/** Verifies the new token as its holder will: so sideways delegation, and that of an expired token, fail here. */
function assertUsable(token: Biscuit, delegation: Delegation, options: DelegationOptions): Biscuit {
  try {
    judgeIdentity(token, delegation, options);
    return token;
  } catch (error) {
    throw error instanceof CountersignError ? failed(delegation.identity, error) : error;
  }
}

/**
 * Hands an identity token to a sub-identity, offline: the new token is good for that one and those below it only.
 *
 * @throws {CountersignError} `delegation_failed`, with the reason why the new token would not hold, when the token may
 * not be delegated, has expired, or the identity is not below its own; `invalid_name`; `token_signature` and its like.
 * @example
 * ```ts
 * import { delegateIdentity, systemClock } from "@countersign/protocol/capability";
 * import type { PublicKey } from "@countersign/biscuit";
 * export async function forLaptop(token: string, rootKey: PublicKey): Promise<string> {
 *   const delegation = { identity: "urn:x:alice:laptop" };
 *   const delegated = await delegateIdentity(token, delegation, { rootKey, clock: systemClock });
 *   return delegated.toBase64();
 * }
 * ```
 */
export async function delegateIdentity(
  token: ShownToken,
  delegation: Delegation,
  options: DelegationOptions,
): Promise<Biscuit> {
  const statements = statementsFor(delegation, options);
  const opened = assertAbove(await openToken(token, options), delegation);
  return assertUsable(await appendExternal(opened, statements, options), delegation, options);
}

/** The same as {@link delegateIdentity}, at once. @throws {KeyError} `no_sync_crypto` */
export function delegateIdentitySync(token: ShownToken, delegation: Delegation, options: DelegationOptions): Biscuit {
  const statements = statementsFor(delegation, options);
  const opened = assertAbove(openTokenSync(token, options), delegation);
  return assertUsable(appendExternalSync(opened, statements, options), delegation, options);
}

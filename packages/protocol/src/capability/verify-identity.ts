import { Authorizer, type Biscuit, fact } from "@countersign/biscuit";
import type { CountersignError } from "../errors.ts";
import { type IdentityInspection, inspectIdentity } from "./inspect-identity.ts";
import { judge } from "./judge.ts";
import { openToken, openTokenSync, type ShownToken, type VerificationOptions } from "./open.ts";
import { refusal } from "./refusals.ts";
import { nowInSeconds } from "./times.ts";

/** Whom an identity token is to stand for. */
export interface IdentityRequest {
  /**
   * Who acts: the token must stand for this identity. Without it the token is judged as a bearer token of its subject,
   * which a delegated token is not.
   */
  readonly identity?: string;
  /** The domain in which the token is used. @default none */
  readonly domain?: string;
  /** Whether the token must be restricted to that domain. @default false */
  readonly requireDomain?: boolean;
}

/** An identity token that holds. */
export interface VerifiedIdentity extends IdentityInspection {
  /** Who acts. */
  readonly actor: string;
  /** The verified token. */
  readonly token: Biscuit;
}

// The crates allow whatever their checks let through; a token of another kind has no check on the actor.
const WITHIN = `actor($a), $a == $s || $a.starts_with($s + ":")`;
const BEARER = "actor($a) <- subject($a);";
const ANY_DOMAIN = `allow if subject($s), ${WITHIN};`;
const IN_DOMAIN = `allow if subject($d, $s), domain($d), subject($s), ${WITHIN};`;

const authorizers = {
  named: { any: new Authorizer(ANY_DOMAIN), within: new Authorizer(IN_DOMAIN) },
  bearer: { any: new Authorizer(BEARER + ANY_DOMAIN), within: new Authorizer(BEARER + IN_DOMAIN) },
};

/** The refusal when every check holds and yet the authority named nobody whom the actor could be. */
function unmatched(token: Biscuit, { identity, domain, requireDomain }: IdentityRequest): CountersignError {
  const inspection = inspectIdentity(token);
  return requireDomain === true && inspection?.domain === undefined
    ? refusal("domain_mismatch", { provided: domain })
    : refusal("identity_mismatch", { expected: inspection?.subject, actual: identity });
}

/** Judges an identity token whose signatures hold. */
export function judgeIdentity(token: Biscuit, request: IdentityRequest, options: VerificationOptions): void {
  const { identity, domain, requireDomain = false } = request;
  const now = nowInSeconds(options.clock);
  const facts = [fact("time", now)];
  if (identity !== undefined) facts.push(fact("actor", identity));
  if (domain !== undefined) facts.push(fact("domain", domain));
  judge(token, {
    kind: "identity",
    authorizer: authorizers[identity === undefined ? "bearer" : "named"][requireDomain ? "within" : "any"],
    request: { facts },
    asked: { now, identity, domain },
    unmatched: () => unmatched(token, request),
  });
}

function verified(token: Biscuit, request: IdentityRequest, options: VerificationOptions): VerifiedIdentity {
  judgeIdentity(token, request, options);
  const inspection = inspectIdentity(token);
  if (inspection === undefined) throw refusal("token_kind", { expected: "identity" });
  return { ...inspection, actor: request.identity ?? inspection.subject, token };
}

/**
 * Verifies an identity token for whoever acts, offline.
 *
 * @throws {CountersignError} `identity_mismatch`, `domain_mismatch`, `token_expired`, `token_revoked`, `token_signature`
 * and the others of {@link RefusalData}; the data tells what was expected.
 * @example
 * ```ts
 * import { systemClock, verifyIdentity } from "@countersign/protocol/capability";
 * import type { PublicKey } from "@countersign/biscuit";
 * export async function actorOf(token: string, rootKey: PublicKey): Promise<string> {
 *   const { actor } = await verifyIdentity(token, { identity: "urn:x:alice" }, { rootKey, clock: systemClock });
 *   return actor;
 * }
 * ```
 */
export async function verifyIdentity(
  token: ShownToken,
  request: IdentityRequest,
  options: VerificationOptions,
): Promise<VerifiedIdentity> {
  return verified(await openToken(token, options), request, options);
}

/** The same as {@link verifyIdentity}, at once. @throws {KeyError} `no_sync_crypto` where there is no synchronous one. */
export function verifyIdentitySync(
  token: ShownToken,
  request: IdentityRequest,
  options: VerificationOptions,
): VerifiedIdentity {
  return verified(openTokenSync(token, options), request, options);
}

/** What a server asks of an identity token that is shown as a credential. */
export type AuthenticationRequest = Omit<IdentityRequest, "identity">;

function authenticated(token: Biscuit, request: AuthenticationRequest, options: VerificationOptions): VerifiedIdentity {
  const inspection = inspectIdentity(token);
  if (inspection === undefined) throw refusal("token_kind", { expected: "identity" });
  return verified(token, { ...request, identity: inspection.identity }, options);
}

/**
 * Verifies an identity token shown as a credential: the actor is the last delegate that the token names, or else its
 * subject. Every check of the token still applies, so nobody becomes more by naming somebody.
 *
 * @throws {CountersignError} as {@link verifyIdentity}.
 */
export async function authenticateIdentity(
  token: ShownToken,
  request: AuthenticationRequest,
  options: VerificationOptions,
): Promise<VerifiedIdentity> {
  return authenticated(await openToken(token, options), request, options);
}

/** The same as {@link authenticateIdentity}, at once. */
export function authenticateIdentitySync(
  token: ShownToken,
  request: AuthenticationRequest,
  options: VerificationOptions,
): VerifiedIdentity {
  return authenticated(openTokenSync(token, options), request, options);
}

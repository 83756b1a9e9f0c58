import { judgePending } from "./judge.ts";
import { openToken, type ShownToken, type VerificationOptions } from "./open.ts";
import { chainToPass } from "./service-chain.ts";
import { nowInSeconds } from "./times.ts";
import {
  type AuthorizationRequest,
  assertSubject,
  caseOf,
  type VerifiedAuthorization,
  verifiedOf,
} from "./verify-authorization.ts";

/** An authorization token that holds but for signoffs. */
export interface PendingAuthorization {
  /** What holds, were it signed off. */
  readonly verified: VerifiedAuthorization;
  /** The parties that have not signed off yet, in the order of the token. */
  readonly missing: readonly { readonly component: string; readonly publicKey: string }[];
}

/**
 * Verifies an authorization token as a party does before it signs off: all but the signoffs must hold.
 *
 * @throws {CountersignError} as {@link verifyAuthorization}, `signoff_missing` only for what a holder demanded.
 */
export async function verifyPendingAuthorization(
  token: ShownToken,
  request: AuthorizationRequest,
  options: VerificationOptions,
): Promise<PendingAuthorization> {
  assertSubject(request);
  const passed = chainToPass(request.serviceChain);
  const opened = await openToken(token, options);
  const missing = judgePending(opened, caseOf(opened, request, passed, nowInSeconds(options.clock)));
  return {
    verified: verifiedOf(opened, request),
    missing: missing.map(({ component, key }) => ({ component, publicKey: key })),
  };
}

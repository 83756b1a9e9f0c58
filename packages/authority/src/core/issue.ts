import { CountersignError, defined } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { Given, GrantRequest, Permission } from "../grants/grant.ts";
import { grantFor, type TokenEndpointServices } from "../grants/grant-table.ts";
import type { AuthorizedRequest } from "./authorized-request.ts";
import { sign, signerFor, unsignedToken } from "./mint.ts";
import { narrow } from "./narrow.ts";
import { LostRace, record } from "./record.ts";

/** A token that was issued, as the token endpoint renders it. */
export interface Issued {
  readonly accessToken: string;
  readonly expiresInMs: number;
  readonly scopes: readonly string[];
  readonly refreshToken?: string;
  /** Of a token exchange (RFC 8693 section 2.2.1). */
  readonly issuedTokenType?: string;
  /** Whether it is no access token, whose `token_type` is `N_A`. */
  readonly isOther?: boolean;
}

/** How often a request starts again when a racing one changed what it relies on. */
const MAX_ATTEMPTS = 4;

/**
 * Issues a token to an authenticated client: grant → policy → mint → record. Signing and writing run side by side, and
 * the token leaves only when both are done.
 */
export async function issue(request: GrantRequest, caller: Caller, services: TokenEndpointServices): Promise<Issued> {
  const grant = grantFor(request, caller, services.grants);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const authorization = await grant.authorize(request, caller, services);
    const { policy } = await services.policy.current();
    const permission = narrow(request, caller, authorization, { config: services.config, policy });
    if (authorization.give !== undefined) return other(await authorization.give(permission), permission);
    const issued = await mintAndRecord({ request, caller, authorization, permission }, services);
    if (issued !== undefined) return issued;
  }
  throw new CountersignError("temporarily_unavailable", {
    detail: `other requests changed what the grant consumes, ${MAX_ATTEMPTS} times in a row`,
    retryAfterMs: 1000,
  });
}

function other({ token, lifetimeMs, tokenType }: Given, { scopes }: Permission): Issued {
  return { accessToken: token, expiresInMs: lifetimeMs, scopes, issuedTokenType: tokenType, isOther: true };
}

async function mintAndRecord(
  authorized: AuthorizedRequest,
  services: Pick<TokenEndpointServices, "keys" | "clock" | "random" | "config" | "audit">,
): Promise<Issued | undefined> {
  const signer = await signerFor(authorized.caller, services);
  const unsigned = unsignedToken(authorized, services);
  const [signed, recorded] = await Promise.allSettled([
    sign(unsigned, authorized, signer, services),
    record(authorized, unsigned, services),
  ]);
  if (recorded.status === "rejected") {
    if (recorded.reason instanceof LostRace) return undefined;
    throw recorded.reason;
  }
  if (signed.status === "rejected") throw signed.reason;
  const refreshToken = recorded.value;
  return {
    accessToken: signed.value,
    expiresInMs: unsigned.lifetimeMs,
    scopes: authorized.permission.scopes,
    ...defined({ refreshToken, issuedTokenType: authorized.authorization.issuedTokenType }),
  };
}

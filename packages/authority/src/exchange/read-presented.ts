import { decodeJwt } from "@countersign/protocol";
import { nameable } from "../audit/nameable.ts";
import type { Caller } from "../caller.ts";
import { type ExchangePolicy, issuerIn } from "../policy/exchange.ts";
import type { SentToken } from "./exchange-form.ts";
import { type ForeignTokenServices, readForeignToken } from "./foreign-token.ts";
import { type OwnTokenServices, readOwnToken } from "./own-token.ts";
import { type PresentedToken, refusedAs, refusedToken } from "./presented.ts";

/** What presented tokens are read with. */
export type PresentedServices = OwnTokenServices & ForeignTokenServices;

/**
 * Reads a token of this authority or of a trusted issuer: who issued it is what it says itself, and then has to be true.
 *
 * @throws {CountersignError} as {@link refusedToken} says.
 */
export async function readPresented(
  sent: SentToken,
  { caller, policy }: { readonly caller: Caller; readonly policy: ExchangePolicy },
  services: PresentedServices,
): Promise<PresentedToken> {
  const decoded = decoding(sent);
  if (decoded.claims.iss === services.config.issuer) return readOwnToken(sent, caller, services);
  const entry = issuerIn(decoded.claims, policy);
  if (entry === undefined) throw unknownIssuer(sent, decoded.claims.iss);
  return readForeignToken(sent, { entry, policy, caller, grant: "token-exchange" }, services);
}

/** Taken apart to see whose keys it is to be verified with; what it may have in its header is judged there. */
export function decoding({ role, text }: SentToken) {
  try {
    return decodeJwt(text, { keyHeaders: "ignore" });
  } catch (error) {
    throw refusedAs(role, error);
  }
}

/** Its issuer is none of those that the policy trusts. */
export function unknownIssuer({ role }: SentToken, iss: unknown) {
  const named = typeof iss === "string" ? nameable(iss) : undefined;
  return refusedToken(role, `no issuer of exchange.issuers: ${named ?? "what it names"}`);
}

import { CountersignError, tokenTypes } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import { actingFor } from "../exchange/acting.ts";
import { readExchangeForm, type SentToken } from "../exchange/exchange-form.ts";
import { type OwnTokenServices, reachOfOwnToken, readOwnToken } from "../exchange/own-token.ts";
import { type PresentedToken, refusedToken } from "../exchange/presented.ts";
import type { Grant } from "./grant.ts";

/** What can be asked for: a JWT access token by either of its names. */
const givenTypes: readonly string[] = [tokenTypes.accessToken, tokenTypes.jwt];

/**
 * RFC 8693: a token goes in, another comes out, which never permits more nor lives longer. Whose it is stays as it was; who
 * acts with it is named by the actor token.
 */
export const tokenExchange: Grant = {
  type: "urn:ietf:params:oauth:grant-type:token-exchange",
  confidentialOnly: false,
  parameters: {
    subject_token: "The token whose rights are exchanged",
    subject_token_type: "Its type (RFC 8693 section 3)",
    actor_token: "A token of who acts for its subject",
    actor_token_type: "Its type",
    requested_token_type: "The type of the token that is asked for; an access token when absent",
  },
  async authorize(request, caller, services: OwnTokenServices) {
    const { subject: sent, actor: sentActor, requestedType } = readExchangeForm(request);
    if (!givenTypes.includes(requestedType)) {
      throw new CountersignError("invalid_request", { hint: `requested_token_type may be ${givenTypes.join(" or ")}` });
    }
    const subject = await presented(sent, caller, services);
    const actor = sentActor === undefined ? undefined : await presented(sentActor, caller, services);
    const reach = reachOfOwnToken(subject, caller, services);
    if (reach === undefined) throw refusedToken("subject", notMeant(subject, caller));
    if (actor !== undefined && reachOfOwnToken(actor, caller, services) === undefined) {
      throw refusedToken("actor", notMeant(actor, caller));
    }
    const { issuer, exchange } = services.config;
    const acting = actingFor(subject, actor, caller, { issuer, maxActors: exchange.max_actors });
    return {
      ...whoseIs(subject, caller),
      ...reach,
      ...acting,
      expiresAt: Math.min(subject.expiresAt, actor?.expiresAt ?? Number.POSITIVE_INFINITY),
      issuedTokenType: requestedType,
      consume: () => ({
        changes: [...subject.guards, ...(actor?.guards ?? [])],
        fields: { presented: presentedIds(subject, actor) },
      }),
    };
  },
};

function presented(sent: SentToken, caller: Caller, services: OwnTokenServices): Promise<PresentedToken> {
  return readOwnToken(sent, caller, services);
}

function notMeant({ issuedTo, audience }: PresentedToken, { client }: Caller): string {
  return `it was given to ${issuedTo} for ${audience.join(" ") || "nobody"}, and ${client.clientId} is neither`;
}

function whoseIs({ user, client }: PresentedToken, caller: Caller) {
  if (user !== undefined) return { user };
  return client === undefined || client.clientId === caller.client.clientId
    ? {}
    : { subject: { id: client.clientId, client } };
}

/** For the trail: which tokens this one was made from. */
function presentedIds(...tokens: readonly (PresentedToken | undefined)[]): string {
  return tokens.flatMap((token) => (typeof token?.claims.jti === "string" ? [token.claims.jti] : [])).join(" ");
}

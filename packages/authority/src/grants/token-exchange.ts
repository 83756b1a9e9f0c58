import { CountersignError, tokenTypes } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import { actingFor } from "../exchange/acting.ts";
import { type ByRule, byRule, meets, ownSubject } from "../exchange/by-rule.ts";
import { readExchangeForm } from "../exchange/exchange-form.ts";
import { capabilityTypes, giveCapability } from "../exchange/give-capability.ts";
import { reachOfOwnToken } from "../exchange/own-token.ts";
import { type PresentedToken, refusedToken } from "../exchange/presented.ts";
import { type BridgeServices, fromCapability } from "../exchange/read-capability.ts";
import { type PresentedServices, readPresented } from "../exchange/read-presented.ts";
import { tokenIds } from "../exchange/token-ids.ts";
import { type ExchangePolicy, noExchange } from "../policy/exchange.ts";
import type { Grant } from "./grant.ts";

/** A JWT access token by either of its names. */
const jwtTypes: readonly string[] = [tokenTypes.accessToken, tokenTypes.jwt];

/**
 * RFC 8693: a token goes in, another comes out, which never permits more nor lives longer. A token of ours stays whose it is; one
 * of a trusted issuer becomes what the rules of the policy say. Who acts is named by the actor token.
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
  async authorize(request, caller, services: PresentedServices & BridgeServices) {
    const { subject: sent, actor: sentActor, requestedType } = readExchangeForm(request);
    const offered = services.config.capability.enabled ? [...jwtTypes, ...capabilityTypes] : jwtTypes;
    if (!offered.includes(requestedType)) {
      throw new CountersignError("invalid_request", { hint: `requested_token_type may be ${offered.join(" or ")}` });
    }
    if (services.config.capability.enabled && capabilityTypes.includes(sent.type)) {
      if (sentActor !== undefined || capabilityTypes.includes(requestedType)) {
        const hint = "A capability token is exchanged for a JWT, without an actor_token; narrow it offline";
        throw new CountersignError("invalid_request", { hint });
      }
      return { ...(await fromCapability(sent, { request, caller }, services)), issuedTokenType: requestedType };
    }
    const { exchange: policy } = (await services.policy.current()).policy ?? { exchange: noExchange };
    const subject = await readPresented(sent, { caller, policy }, services);
    const actor = sentActor === undefined ? undefined : await readPresented(sentActor, { caller, policy }, services);
    const { rule, ...reach } = await reachOf(subject, { caller, policy, targets: request.targets }, services);
    if (actor !== undefined) checkActor(actor, { caller, policy, targets: [] }, services);
    const { issuer, exchange } = services.config;
    const expiresAt = Math.min(subject.expiresAt, actor?.expiresAt ?? Number.POSITIVE_INFINITY);
    if (capabilityTypes.includes(requestedType)) {
      if (subject.issuer !== issuer || actor !== undefined) {
        const hint = "A capability token is made of a token of this authority, without an actor_token";
        throw new CountersignError("invalid_request", { hint });
      }
      const { address } = request;
      return { ...reach, ...giveCapability({ subject, caller, requestedType, expiresAt, address }, services) };
    }
    return {
      ...reach,
      ...actingFor(subject, actor, caller, { issuer, maxActors: exchange.max_actors }),
      expiresAt,
      issuedTokenType: requestedType,
      consume: () => ({
        changes: [...subject.guards, ...(actor?.guards ?? [])],
        fields: { ...tokenIds(subject, actor), ...(rule === undefined ? {} : { rule }) },
      }),
    };
  },
};

interface Asked {
  readonly caller: Caller;
  readonly policy: ExchangePolicy;
  readonly targets: readonly string[];
}

type Reach = Omit<ByRule, "rule"> & { readonly rule?: string };

/** How far a token goes in the hands of a client: as it is with our own, or else by a rule. */
function reachOf(token: PresentedToken, asked: Asked, services: PresentedServices): Promise<Reach> | Reach {
  const own = token.issuer === services.config.issuer ? reachOfOwnToken(token, asked.caller, services) : undefined;
  return own === undefined ? byRule(token, asked, services) : { ...ownSubject(token, asked.caller), ...own };
}

/** Who may not exchange a token may not show it as a proof of who acts, either: it was given to others. */
function checkActor(actor: PresentedToken, asked: Asked, services: PresentedServices): void {
  const isOurs = actor.issuer === services.config.issuer;
  if (isOurs && reachOfOwnToken(actor, asked.caller, services) !== undefined) return;
  if (meets(actor, asked, services) !== undefined) return;
  throw refusedToken(
    "actor_token",
    `it is not meant for ${asked.caller.client.clientId}, and no rule of exchange fits it`,
  );
}

import { CountersignError, tokenTypes } from "@countersign/protocol";
import { byRule } from "../exchange/by-rule.ts";
import { readForeignToken } from "../exchange/foreign-token.ts";
import { type PresentedToken, refusedToken } from "../exchange/presented.ts";
import { decoding, type PresentedServices, unknownIssuer } from "../exchange/read-presented.ts";
import { tokenIds } from "../exchange/token-ids.ts";
import { issuerIn, noExchange } from "../policy/exchange.ts";
import { parseScope } from "../values/scope.ts";
import type { Authorization, Grant } from "./grant.ts";

/**
 * RFC 7523 section 2.1: an assertion of a trusted issuer is an authorization grant, once. What it permits is for the rules of
 * the policy to say; an identity assertion (draft-ietf-oauth-identity-assertion-authz-grant) names its client and may say less.
 */
export const jwtBearer: Grant = {
  type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  confidentialOnly: false,
  parameters: { assertion: "A JWT that a trusted issuer signed (RFC 7523 section 2.1)" },
  async authorize(request, caller, services: PresentedServices) {
    const text = request.parameters.get("assertion");
    if (text === undefined)
      throw new CountersignError("invalid_request", { hint: "The jwt-bearer grant needs assertion" });
    const sent = { role: "assertion", text, type: tokenTypes.jwt } as const;
    const { exchange: policy } = (await services.policy.current()).policy ?? { exchange: noExchange };
    const decoded = decoding(sent);
    const entry = issuerIn(decoded.claims, policy);
    if (entry === undefined) throw unknownIssuer(sent, decoded.claims.iss);
    const assertion = await readForeignToken(sent, { entry, policy, caller, grant: "jwt-bearer" }, services);
    if (entry.profile === "id-jag") {
      // Sections 4.3 and 8.1 of the draft: the client that it names, and that client has proved itself.
      if (!caller.confidential)
        throw refusedToken("assertion", "an identity assertion wants a client that authenticates");
      if (assertion.claims.client_id !== caller.client.clientId)
        throw refusedToken("assertion", "it is for another client");
    }
    const { rule, ...reach } = await byRule(assertion, { caller, policy, targets: request.targets }, services);
    return {
      ...narrowedBy(assertion, reach),
      consume: () => ({ changes: assertion.guards, fields: { ...tokenIds(assertion), rule } }),
    };
  },
};

/** What an assertion itself asks for is the most that it is good for. */
function narrowedBy<Reach extends Authorization>({ claims }: PresentedToken, reach: Reach): Reach {
  const { scope, resource } = claims;
  const scopes = typeof scope === "string" ? parseScope(scope) : undefined;
  const resources = resource === undefined ? undefined : [resource].flat();
  const { targets } = reach;
  const allowed = resources && targets?.allowed.filter((audience) => resources.includes(audience));
  if (allowed?.length === 0) throw refusedToken("assertion", "its resource is none that the rule gives");
  return {
    ...reach,
    ...(scopes === undefined ? {} : { scopeLimits: [...reach.scopeLimits, scopes] }),
    ...(allowed === undefined ? {} : { targets: { allowed, byDefault: allowed.slice(0, 1) } }),
  };
}

import { CountersignError } from "@countersign/protocol";
import type { Caller } from "../../caller.ts";
import { type AccessToken, inForce, readIfAccessToken } from "../../core/access-token.ts";
import { introspectRefreshToken } from "../../grants/family.ts";
import { isRefreshText } from "../../grants/refresh-text.ts";

import { INTROSPECT, SUPERUSER, scopeOf } from "../../values/scope.ts";
import type { HttpResponse } from "../message.ts";
import { json } from "../response.ts";
import type { Call, EndpointServices } from "../route.ts";
import { callerOf, readForm } from "./client-request.ts";

/** All that is said of a token that is unknown, dead or not the caller's business (RFC 7662 section 2.2). */
const inactive = { active: false };

/** `POST /oauth/introspect` (RFC 7662): for clients that authenticate. The hint is not needed: the texts differ. */
export async function introspectionEndpoint({ request, peer, services }: Call): Promise<HttpResponse> {
  const form = await readForm(request, services);
  const caller = await callerOf(request, form, peer, services);
  if (!caller.confidential)
    throw new CountersignError("invalid_client", { detail: "public clients may not introspect" });
  const token = form.single.get("token");
  if (token === undefined) throw new CountersignError("invalid_request", { hint: "token is missing" });
  return json(
    isRefreshText(token) ? await ofRefreshToken(token, caller, services) : await ofAccessToken(token, caller, services),
  );
}

async function ofRefreshToken(token: string, caller: Caller, services: EndpointServices) {
  const live = await introspectRefreshToken(token, caller, services);
  if (live === undefined) return inactive;
  const { family, scopes } = live;
  return {
    active: true,
    client_id: family.clientId,
    sub: family.userId,
    ...scopeOf(scopes),
    iss: services.config.issuer,
    iat: Math.floor(family.createdAt / 1000),
    exp: Math.floor(family.idleExpiresAt / 1000),
  };
}

async function ofAccessToken(text: string, caller: Caller, services: EndpointServices) {
  const token = await readIfAccessToken(text, services);
  if (token === undefined) return inactive;
  if (!mayLearn(token, caller)) {
    services.audit.notice("introspection.withheld", { clientId: caller.client.clientId, jti: token.jti });
    return inactive;
  }
  const standing = await inForce(token, services);
  if (standing === undefined) return inactive;
  const { scope: _, ...claims } = token.claims;
  return { active: true, ...claims, ...scopeOf(standing.scopes), token_type: "Bearer" };
}

/** RFC 7662 section 4: only who the token was issued to, who it is meant for, and who was allowed by name. */
function mayLearn(token: AccessToken, { client }: Caller): boolean {
  return (
    token.clientId === client.clientId ||
    token.audience.includes(client.clientId) ||
    client.scopes.some((scope) => scope === INTROSPECT || scope === SUPERUSER)
  );
}

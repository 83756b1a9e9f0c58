import { CountersignError } from "@countersign/protocol";
import type { Caller } from "../../caller.ts";
import { readIfAccessToken, revokeAccessToken } from "../../core/access-token.ts";
import { revokeByToken } from "../../grants/family.ts";
import { isRefreshText } from "../../grants/refresh-text.ts";

import type { HttpResponse } from "../message.ts";
import { empty } from "../response.ts";
import type { Call, EndpointServices } from "../route.ts";
import { callerOf, readForm } from "./client-request.ts";

/**
 * `POST /oauth/revoke` (RFC 7009). An unknown token and a foreign one are answered like a revoked one (section 2.2),
 * and nothing happens to them.
 */
export async function revocationEndpoint({ request, peer, services }: Call): Promise<HttpResponse> {
  const form = await readForm(request, services);
  const caller = await callerOf(request, form, peer, services);
  const token = form.single.get("token");
  if (token === undefined) throw new CountersignError("invalid_request", { hint: "token is missing" });
  if (isRefreshText(token)) await revokeByToken(token, caller, services);
  else await revokeAccess(token, caller, services);
  return empty(200);
}

async function revokeAccess(text: string, { client }: Caller, services: EndpointServices): Promise<void> {
  const token = await readIfAccessToken(text, services);
  if (token === undefined || token.clientId !== client.clientId) return;
  await revokeAccessToken(token, services);
}

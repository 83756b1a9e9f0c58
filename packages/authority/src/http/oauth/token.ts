import { CountersignError, defined } from "@countersign/protocol";
import type { Caller, Peer } from "../../caller.ts";
import { type Issued, issue } from "../../core/issue.ts";
import { policyRefusalOf } from "../../core/scope-policy.ts";
import type { GrantRequest } from "../../grants/grant.ts";
import { scopeOf } from "../../values/scope.ts";
import { refusalOf } from "../error-response.ts";
import type { Form } from "../form.ts";
import type { HttpRequest, HttpResponse } from "../message.ts";
import { json } from "../response.ts";
import type { Call, EndpointServices } from "../route.ts";
import { callerOf, readForm } from "./client-request.ts";

/** `POST /oauth/token` and `POST /api/v1/token` (RFC 6749 sections 3.2 and 5.1). */
export async function tokenEndpoint({ request, peer, services, labels }: Call): Promise<HttpResponse> {
  const form = await readForm(request, services);
  const grantRequest = grantRequestOf(request, form, peer);
  labels.grant = grantLabel(grantRequest, services);
  let caller: Caller | undefined;
  try {
    caller = await callerOf(request, form, peer, services);
    return json(render(await issue(grantRequest, caller, services)));
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    await tellRefusal(error, { request: grantRequest, caller }, services);
    return refusalOf(error, request);
  }
}

function grantRequestOf(request: HttpRequest, { single, targets }: Form, peer: Peer): GrantRequest {
  const userAgent = request.headers.get("user-agent");
  return {
    grantType: single.get("grant_type") ?? "",
    parameters: single,
    targets,
    ...(userAgent === null ? {} : { userAgent }),
    ...defined({ address: peer.address }),
  };
}

function render(issued: Issued) {
  return {
    access_token: issued.accessToken,
    token_type: issued.isOther === true ? "N_A" : "Bearer",
    expires_in: Math.floor(issued.expiresInMs / 1000),
    ...scopeOf(issued.scopes),
    ...defined({ refresh_token: issued.refreshToken, issued_token_type: issued.issuedTokenType }),
  };
}

/** Only what is known to be a name of ours may be logged: a mistyped secret could stand in any parameter. */
function grantLabel({ grantType }: GrantRequest, { grants }: Pick<EndpointServices, "grants">): string {
  return grants.get(grantType)?.type ?? "other";
}

interface Refused {
  readonly request: GrantRequest;
  /** Known once it has proved who it is. */
  readonly caller: Caller | undefined;
}

/** What the policy refuses to a caller that has proved who it is stands in the audit trail, other refusals in the log. */
async function tellRefusal(
  error: CountersignError,
  { request, caller }: Refused,
  services: Pick<EndpointServices, "audit" | "grants">,
): Promise<void> {
  const byPolicy = policyRefusalOf(error);
  const fields = {
    grant: grantLabel(request, services),
    code: error.code,
    ...defined({ clientId: caller?.client.clientId, rule: byPolicy?.rule }),
    detail: error.detail ?? error.message,
    ...defined({ address: request.address }),
  };
  if (byPolicy === undefined) services.audit.notice("token.refused", fields);
  else await services.audit.record("token.refused", fields);
}

import { CountersignError, defined, tokenTypes } from "@countersign/protocol";
import { z } from "zod";
import type { Caller, Peer } from "../caller.ts";
import { inForce, readAccessToken } from "../core/access-token.ts";
import { issue } from "../core/issue.ts";
import { tokenExchange } from "../grants/token-exchange.ts";
import { readJson } from "./body.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { text } from "./response.ts";
import type { Call, EndpointServices } from "./route.ts";

/**
 * The compatibility endpoints of confidential-token-broker: an id token goes in, an access token by the rules of exchange comes
 * out. Off until `--compat sts` names them. Refusals have the original's texts, and a status that says so; the original
 * responds to everything with 200.
 */
const TEXT = "text/plain; charset=utf-8";

/** Unknown members are ignored, as the original does. */
export const stsInput = z.object({ id_token: z.string().min(1) });

/** `GET` and `POST /stsToken` with `{"id_token": …}`: 200 with `{"Access Token": …}`, a space in the name as it always was. */
export async function stsTokenEndpoint({ request, peer, services }: Call): Promise<HttpResponse> {
  try {
    const { id_token } = await readIdToken(request, services);
    const issued = await exchange(id_token, await brokerClient(services), peer, services);
    return text(`{"Access Token": ${JSON.stringify(issued)}}\n`, TEXT, "no-store");
  } catch (error) {
    if (!(error instanceof CountersignError) || error.status >= 500) throw error;
    services.audit.notice("token.refused", {
      grant: "sts",
      code: error.code,
      detail: error.detail ?? error.message,
      ...defined({ address: peer.address }),
    });
    return { ...text('{"msg": "Get access token failed"}\n', TEXT, "no-store"), status: error.status };
  }
}

async function exchange(idToken: string, caller: Caller, peer: Peer, services: EndpointServices): Promise<string> {
  const parameters = new Map([
    ["subject_token", idToken],
    ["subject_token_type", tokenTypes.idToken],
  ]);
  const request = { grantType: tokenExchange.type, parameters, targets: [], ...defined({ address: peer.address }) };
  return (await issue(request, caller, services)).accessToken;
}

/** The original asks for no client: here one has to exist, in whose name its tokens are given. */
async function brokerClient({ clients, config }: EndpointServices): Promise<Caller> {
  const { sts_client: clientId } = config.compat;
  const client = await clients.byId(clientId);
  if (client === undefined || client.disabled || client.authMethod !== "none") {
    const detail = `the client ${clientId} of compat.sts_client is to be public and enabled, with the grant token-exchange`;
    throw new CountersignError("invalid_client", { detail });
  }
  return { client, confidential: false };
}

async function readIdToken(request: HttpRequest, { config }: EndpointServices): Promise<z.output<typeof stsInput>> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new CountersignError("invalid_request", { hint: "Content-Type must be application/json" });
  const parsed = stsInput.safeParse(await readJson(request, config.limits.body_bytes));
  if (!parsed.success)
    throw new CountersignError("invalid_request", { hint: "The body must be a JSON object with an id_token" });
  return parsed.data;
}

/** `GET /api`, as its resource server responds: whether a token of this authority is good, backslash and n as they always were. */
export async function stsResourceEndpoint({ request, services }: Call): Promise<HttpResponse> {
  const token = /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token !== undefined && (await isGood(token, services)))
    return text("Access Token parsed successfully\\n", TEXT, "no-store");
  const refused = text('{"msg": "Access token parsing failure"}\\n', TEXT, "no-store");
  return {
    ...refused,
    status: 401,
    headers: { ...refused.headers, "www-authenticate": 'Bearer error="invalid_token"' },
  };
}

async function isGood(token: string, services: EndpointServices): Promise<boolean> {
  try {
    return (await inForce(await readAccessToken(token, services), services)) !== undefined;
  } catch (error) {
    if (error instanceof CountersignError && error.code === "invalid_token") return false;
    throw error;
  }
}

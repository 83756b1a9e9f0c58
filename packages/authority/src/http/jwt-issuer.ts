import { CountersignError, defined, randomSecret, toBase64url } from "@countersign/protocol";
import { z } from "zod";
import type { Peer } from "../caller.ts";
import { authenticateCaller } from "../core/client-authentication.ts";
import type { Services } from "../services.ts";
import { readJson } from "./body.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { parseBasicCredentials } from "./oauth/client-request.ts";
import { text } from "./response.ts";
import type { Call, EndpointServices } from "./route.ts";

/** The compatibility endpoints of jwt-issuer: a name goes in, a token for Vault comes out. Off until `--compat jwt-issuer` names it. */
const header = toBase64url(Buffer.from(JSON.stringify({ typ: "JWT", alg: "ES256" })));

const LIFE_SECONDS = 3600;

/** Unknown members are ignored, as the original does. */
export const issuerTokenInput = z.object({ name: z.string().min(1).max(256) });

/** `POST /auth/token`: 200 with the bare compact JWT `{exp, iat, sub}` as text. */
export async function issuerTokenEndpoint({ request, peer, services }: Call): Promise<HttpResponse> {
  const clientId = await admit(request, peer, services);
  const { name } = await readName(request, services);
  const iat = Math.floor(services.clock.now() / 1000);
  const { policy } = await services.policy.current();
  const life = Math.min(LIFE_SECONDS, policy?.lifetimes.access_token ?? LIFE_SECONDS);
  const claims = toBase64url(Buffer.from(JSON.stringify({ exp: iat + life, iat, sub: name })));
  const signer = await services.keys.signer("ES256");
  const signature = await signer.sign(`${header}.${claims}`);
  await services.audit.record("token.issued", {
    grant: "jwt-issuer",
    clientId,
    userId: name,
    jti: randomSecret(services.random, 16),
    scope: "",
    ...defined({ address: peer.address }),
  });
  return text(`${header}.${claims}.${signature}`, "text/plain; charset=utf-8", "no-store");
}

/** `GET /auth/jwks`: the ES256 keys with `kty`, `crv`, `x` and `y`, and nothing else. */
export function issuerJwksEndpoint({ services: { keys, config } }: Call): HttpResponse {
  const es256 = keys.published("jwks").keys.filter((key) => key.crv === "P-256");
  const body = JSON.stringify({ keys: es256.map(({ kty, crv, x, y }) => ({ kty, crv, x, y })) });
  return text(body, "application/json", `public, max-age=${config.keys.jwks_max_age}`);
}

/** Anybody who reaches the original gets a token for any name. Here: a configured client, or else only this machine. */
async function admit(request: HttpRequest, peer: Peer, services: EndpointServices): Promise<string> {
  const required = services.config.compat.jwt_issuer_client;
  if (required === undefined) {
    if (!peer.loopback)
      throw new CountersignError("access_denied", {
        hint: "This endpoint is open to loopback only; configure compat.jwt_issuer_client to open it",
      });
    return "jwt-issuer";
  }
  const authorization = request.headers.get("authorization");
  if (authorization === null) throw new CountersignError("invalid_client", { detail: "no credential" });
  const basic = parseBasicCredentials(authorization);
  if (basic.clientId !== required) throw new CountersignError("invalid_client", { detail: "another client" });
  const caller = await authenticateCaller({ basic }, peer, services);
  return caller.client.clientId;
}

async function readName(
  request: HttpRequest,
  { config }: Pick<Services, "config">,
): Promise<z.output<typeof issuerTokenInput>> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new CountersignError("invalid_request", { hint: "Content-Type must be application/json" });
  const parsed = issuerTokenInput.safeParse(await readJson(request, config.limits.body_bytes));
  if (!parsed.success)
    throw new CountersignError("invalid_request", { hint: "The body must be a JSON object with a name" });
  return parsed.data;
}

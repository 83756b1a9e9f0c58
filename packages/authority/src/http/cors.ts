import type { Config } from "../config.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import type { Route } from "./route.ts";

/** Fetch Standard, CORS protocol: what a preflight may be told, beside the methods. Tokens and credentials are no cookies. */
const preflightHeaders = {
  "access-control-allow-headers": "accept, authorization, content-type, if-none-match",
  "access-control-max-age": "600",
};

/** What a page may read of a response beside the headers that it always may: when to come back, and whether it changed. */
const EXPOSED_HEADERS = "etag, retry-after, www-authenticate";

/**
 * Lets browsers read a response, a refusal too, where one of the routes at its place allows it: those of any origin what
 * is public, those of configured origins the token endpoint. Never with credentials (Fetch Standard, CORS protocol and
 * credentials): no page gets more than it could send from elsewhere.
 */
export function withCors(
  response: HttpResponse,
  { headers }: HttpRequest,
  routes: readonly Route[],
  { server }: Pick<Config, "server">,
): HttpResponse {
  if (routes.some(({ cors }) => cors === "any")) return withHeaders(response, { "access-control-allow-origin": "*" });
  if (!routes.some(({ cors }) => cors === "configured")) return response;
  const origin = headers.get("origin");
  const isAllowed = origin !== null && server.cors_origins.includes(origin);
  // A cache must not give one origin's response to another.
  if (!isAllowed) return server.cors_origins.length === 0 ? response : withVary(response);
  return withVary(withHeaders(response, { "access-control-allow-origin": origin }));
}

/** The response to a browser's question before the request, for `withCors` to allow. */
export function preflight(routes: readonly Route[], allow: string): HttpResponse | undefined {
  if (!routes.some(({ cors }) => cors !== undefined)) return undefined;
  return { status: 204, headers: { allow, ...preflightHeaders, "access-control-allow-methods": allow }, body: null };
}

function withHeaders(response: HttpResponse, more: Readonly<Record<string, string>>): HttpResponse {
  const exposed = { ...more, "access-control-expose-headers": EXPOSED_HEADERS };
  return { ...response, headers: { ...response.headers, ...exposed } };
}

function withVary(response: HttpResponse): HttpResponse {
  return { ...response, headers: { ...response.headers, vary: "Origin" } };
}

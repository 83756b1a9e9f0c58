import { CountersignError } from "@countersign/protocol";
import { Hono } from "hono";
import type { Connection } from "../caller.ts";
import type { Services } from "../services.ts";
import { errorResponse } from "./error-response.ts";
import { peerOf, refuseRebinding } from "./peer.ts";
import type { Call, Route } from "./route.ts";
import { routesOf } from "./routes.ts";

type Env = { Bindings: { connection: Connection } };

/** The authority as one function from request to response. */
export type FetchFace = (request: Request, connection?: Connection) => Promise<Response>;

/** Joins the table of routes to one function. Every answer passes through here once: errors, counting, CORS. */
export function createApp(services: Services): FetchFace {
  const app = new Hono<Env>();
  const routes = routesOf(services.config);
  for (const route of routes) {
    app.on(route.method, route.path, async ({ req, env }) =>
      answer(route, req.raw, req.param(), env.connection, services),
    );
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const allowed = routes.filter((route) => route.path === path);
    app.all(path, ({ req }) => otherMethod(req.raw, path, allowed, services));
  }
  app.notFound(({ req }) => errorResponse(new CountersignError("not_found"), req.raw, "none", services));
  const literal = new Map(
    routes.filter(({ path }) => !path.includes(":")).map((route) => [`${route.method} ${route.path}`, route]),
  );
  return async (request, connection = {}) => {
    const route = literal.get(`${request.method} ${pathOf(request.url)}`);
    return route === undefined ? app.fetch(request, { connection }) : answer(route, request, {}, connection, services);
  };
}

/** The path of an absolute URL as it is written. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query < 0 ? url.slice(start) : url.slice(start, query);
}

async function answer(
  route: Route,
  request: Request,
  params: Readonly<Record<string, string>>,
  connection: Connection,
  services: Services,
): Promise<Response> {
  const startedAt = services.clock.monotonic();
  const labels: Call["labels"] = {};
  const response = await handled(route, { request, params, services, labels }, connection);
  if (route.cors) allowOrigin(request, response, services);
  services.audit.observer.exchange({
    route: route.path,
    method: route.method,
    status: response.status,
    durationMs: services.clock.monotonic() - startedAt,
    ...labels,
  });
  return response;
}

async function handled(route: Route, call: Omit<Call, "peer">, connection: Connection): Promise<Response> {
  const { request, services } = call;
  try {
    const peer = peerOf(request.headers, connection, services.config);
    refuseRebinding(request.headers, peer);
    return await route.handle({ ...call, peer });
  } catch (error) {
    return errorResponse(error, request, route.path, services);
  }
}

/** RFC 9110 section 15.5.6: a 405 names the methods. A browser's preflight is answered where CORS is allowed. */
function otherMethod(request: Request, path: string, allowed: readonly Route[], services: Services): Response {
  const methods = allowed.map((route) => route.method).join(", ");
  if (request.method === "OPTIONS" && allowed.some((route) => route.cors)) {
    const preflight = new Response(null, { status: 204, headers: { allow: methods } });
    if (allowOrigin(request, preflight, services)) {
      preflight.headers.set("access-control-allow-methods", methods);
      preflight.headers.set("access-control-allow-headers", "content-type");
      preflight.headers.set("access-control-max-age", "600");
    }
    return preflight;
  }
  const response = errorResponse(new CountersignError("method_not_allowed"), request, path, services);
  response.headers.set("allow", methods);
  return response;
}

/** Only origins that are configured, never credentials: the token endpoint takes none from a browser's jar. */
function allowOrigin(request: Request, response: Response, { config }: Services): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || !config.server.cors_origins.includes(origin)) return false;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("vary", "Origin");
  return true;
}

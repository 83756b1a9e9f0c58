import { CountersignError } from "@countersign/protocol";
import type { Connection, Peer } from "../caller.ts";
import { preflight, withCors } from "./cors.ts";
import { errorResponse } from "./error-response.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./message.ts";
import { peerOf, refuseRebinding } from "./peer.ts";
import type { Call, EndpointServices, Route } from "./route.ts";
import { createRouter, type Place } from "./router.ts";
import { routesOf } from "./routes.ts";

/** The labels under which the metrics count a request without a route. */
const NO_ROUTE = "(none)";
const OTHER_METHODS = "other";

/** The metadata name every endpoint, so the caller can find what is wrong with the path. */
const NO_PLACE = "There is nothing at this address; the endpoints are in /.well-known/oauth-authorization-server";

/** Joins the table of routes to one function. Every response passes through here once: errors, counting, CORS. */
export function createApp(services: EndpointServices): HttpHandler {
  const find = below(services.config.issuer, createRouter(routesOf(services.config, services)));
  return async (request, connection = {}) => {
    const place = find(pathOf(request.url));
    if (place === undefined) {
      const error = new CountersignError("not_found", { hint: NO_PLACE });
      return counted(errorResponse(error, { request, route: NO_ROUTE, quiet: true }, services), NO_ROUTE, services);
    }
    const response = await respondAt(place, request, connection, services);
    return withCors(response, request, place.routes, services.config);
  };
}

/**
 * RFC 8414 section 2: an issuer may have a path, and then its endpoints stand below it. They are found with and without
 * it, as some proxies take it away.
 */
function below(issuer: string, find: (path: string) => Place | undefined): (path: string) => Place | undefined {
  const prefix = pathOf(`${issuer}/`).replace(/\/+$/, "");
  if (prefix === "") return find;
  return (path) => find(path) ?? (path.startsWith(`${prefix}/`) ? find(path.slice(prefix.length)) : undefined);
}

async function respondAt(
  { routes, params }: Place,
  request: HttpRequest,
  connection: Connection,
  services: EndpointServices,
): Promise<HttpResponse> {
  // RFC 9110 section 9.3.2: HEAD is answered like GET, without the content.
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = routes.find((one) => one.method === method);
  if (route === undefined) return otherMethod(request, routes, services);
  const response = await respond(route, request, params, connection, services);
  return request.method === "HEAD" ? { ...response, body: null } : response;
}

/** Counts a response that no route gave. Its method and path are whatever somebody sent, so they are no labels. */
function counted(response: HttpResponse, route: string, { audit }: Pick<EndpointServices, "audit">): HttpResponse {
  audit.observer.request({ route, method: OTHER_METHODS, status: response.status, durationMs: 0 });
  return response;
}

/** The path of an absolute URL as it is written. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

async function respond(
  route: Route,
  request: HttpRequest,
  params: Readonly<Record<string, string>>,
  connection: Connection,
  services: EndpointServices,
): Promise<HttpResponse> {
  const startedAt = services.clock.monotonic();
  const labels: Call["labels"] = {};
  const response = await handled(route, { request, params, services, labels }, connection);
  services.audit.observer.request({
    route: route.path,
    method: route.method,
    status: response.status,
    durationMs: services.clock.monotonic() - startedAt,
    ...labels,
  });
  return response;
}

async function handled(route: Route, call: Omit<Call, "peer">, connection: Connection): Promise<HttpResponse> {
  const { request, services } = call;
  let peer: Peer | undefined;
  try {
    peer = peerOf(request.headers, connection, services.config);
    refuseRebinding(request.headers, peer);
    if (request.refused !== undefined) throw new CountersignError(request.refused);
    return await route.handle({ ...call, peer });
  } catch (error) {
    const { path, quiet, dialect } = route;
    return errorResponse(error, { request, route: path, peer, quiet, dialect }, services);
  }
}

/** RFC 9110 section 15.5.6: a 405 names the methods. A browser's preflight is answered where CORS is allowed. */
function otherMethod(request: HttpRequest, routes: readonly Route[], services: EndpointServices): HttpResponse {
  const allow = routes.map((route) => route.method).join(", ");
  const path = routes[0]?.path ?? NO_ROUTE;
  const permitted = request.method === "OPTIONS" ? preflight(routes, allow) : undefined;
  if (permitted !== undefined) return counted(permitted, path, services);
  const dialect = routes[0]?.dialect;
  const refused = errorResponse(
    new CountersignError("method_not_allowed"),
    { request, route: path, dialect },
    services,
  );
  return counted({ ...refused, headers: { ...refused.headers, allow } }, path, services);
}

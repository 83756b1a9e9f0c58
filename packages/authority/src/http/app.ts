import { CountersignError } from "@countersign/protocol";
import type { Connection } from "../caller.ts";
import type { Services } from "../services.ts";
import { errorAnswer } from "./error-answer.ts";
import type { AnswerFace, HttpAnswer, HttpRequest } from "./message.ts";
import { peerOf, refuseRebinding } from "./peer.ts";
import type { Call, Route } from "./route.ts";
import { createRouter } from "./router.ts";
import { routesOf } from "./routes.ts";

/** Under which route and method the metrics count what has none of the table. */
const noRoute = "(none)";
const otherMethods = "other";

/** Joins the table of routes to one function. Every answer passes through here once: errors, counting, CORS. */
export function createApp(services: Services): AnswerFace {
  const find = createRouter(routesOf(services.config));
  return async (request, connection = {}) => {
    const place = find(pathOf(request.url));
    if (place === undefined) {
      const refused = errorAnswer(new CountersignError("not_found"), request, noRoute, services);
      return counted(refused, noRoute, services);
    }
    // RFC 9110 section 9.3.2: HEAD is answered like GET, without the content.
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = place.routes.find((one) => one.method === method);
    if (route === undefined) return otherMethod(request, place.routes, services);
    const answered = await answer(route, request, place.params, connection, services);
    return request.method === "HEAD" ? { ...answered, body: null } : answered;
  };
}

/** Counts an answer that no route gave. Its method and path are whatever somebody sent, so they are no labels. */
function counted(answered: HttpAnswer, route: string, { audit }: Services): HttpAnswer {
  audit.observer.exchange({ route, method: otherMethods, status: answered.status, durationMs: 0 });
  return answered;
}

/** The path of an absolute URL as it is written. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

async function answer(
  route: Route,
  request: HttpRequest,
  params: Readonly<Record<string, string>>,
  connection: Connection,
  services: Services,
): Promise<HttpAnswer> {
  const startedAt = services.clock.monotonic();
  const labels: Call["labels"] = {};
  const answered = await handled(route, { request, params, services, labels }, connection);
  services.audit.observer.exchange({
    route: route.path,
    method: route.method,
    status: answered.status,
    durationMs: services.clock.monotonic() - startedAt,
    ...labels,
  });
  return route.cors ? withOrigin(answered, request, services) : answered;
}

async function handled(route: Route, call: Omit<Call, "peer">, connection: Connection): Promise<HttpAnswer> {
  const { request, services } = call;
  try {
    const peer = peerOf(request.headers, connection, services.config);
    refuseRebinding(request.headers, peer);
    return await route.handle({ ...call, peer });
  } catch (error) {
    return errorAnswer(error, request, route.path, services);
  }
}

const preflightHeaders = {
  "access-control-allow-headers": "content-type",
  "access-control-max-age": "600",
};

/** RFC 9110 section 15.5.6: a 405 names the methods. A browser's preflight is answered where CORS is allowed. */
function otherMethod(request: HttpRequest, allowed: readonly Route[], services: Services): HttpAnswer {
  const allow = allowed.map((route) => route.method).join(", ");
  const path = allowed[0]?.path ?? noRoute;
  if (request.method === "OPTIONS" && allowed.some((route) => route.cors)) {
    const preflight = { ...preflightHeaders, "access-control-allow-methods": allow };
    const permitted = withOrigin({ status: 204, headers: { allow }, body: null }, request, services, preflight);
    return counted(permitted, path, services);
  }
  const refused = errorAnswer(new CountersignError("method_not_allowed"), request, path, services);
  return counted({ ...refused, headers: { ...refused.headers, allow } }, path, services);
}

/** Only origins that are configured, never credentials: the token endpoint takes none from a browser's jar. */
function withOrigin(
  answered: HttpAnswer,
  request: HttpRequest,
  { config }: Services,
  more: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const origin = request.headers.get("origin");
  if (origin === null || !config.server.cors_origins.includes(origin)) return answered;
  const allowed = { "access-control-allow-origin": origin, vary: "Origin", ...more };
  return { ...answered, headers: { ...answered.headers, ...allowed } };
}

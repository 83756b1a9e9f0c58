import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, CountersignError, type ErrorCode, randomSecret, systemRandom } from "@countersign/protocol";
import type { Observer } from "../audit/observer.ts";
import type { Connection } from "../caller.ts";
import { refusal } from "../http/error-response.ts";
import type { HttpHandler, HttpResponse, RefusalHandler } from "../http/message.ts";
import { type ConnectionState, endAfter, type PendingRequest } from "./connection-state.ts";
import { scanHeaders } from "./header-scan.ts";
import { incomingRequest } from "./incoming-request.ts";
import { expectsContinue, judge, methods, type Refusal } from "./judge.ts";
import type { ServerLimits } from "./limits.ts";
import { readBody } from "./read-body.ts";
import { closeGently, sendResponse } from "./send.ts";
import { Turnstile } from "./turnstile.ts";

/** What a handler of HTTP messages works with. */
export interface HandlerParts {
  readonly respond: HttpHandler;
  /** Words a refusal of what was found wrong with a body here; without it the catalogue does. */
  readonly refuse?: RefusalHandler | undefined;
  readonly scheme: "http" | "https";
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly stateOf: (socket: IncomingMessage["socket"]) => ConnectionState;
  /** Whether every response is to be the last on its connection. */
  readonly draining: () => boolean;
}

/** Under which route the metrics count what never reached one. */
const REFUSED_ROUTE = "(refused)";

/** The listener of `request` events: one HTTP message in, one call of `respond`, one response out. */
export function createHandler(parts: HandlerParts): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  const turnstile: Turnstile = new Turnstile(parts.clock, (state) => beginNext(state, parts, turnstile));
  return (incoming, outgoing) => {
    const state = parts.stateOf(incoming.socket);
    // What comes behind the last request and what was parsed with it.
    if (state.closing) return void incoming.resume();
    state.requests += 1;
    const scan = scanHeaders(incoming.rawHeaders);
    const verdict = judge(incoming, scan, parts);
    state.waiting.push({ incoming, outgoing, state, number: state.requests, hasBody: scan.hasBody, verdict });
    if (isFull(state, parts.limits) || "unframed" in verdict) endAfter(incoming.socket, state);
    if (state.begun === 0) beginNext(state, parts, turnstile);
    else turnstile.enter(state);
  };
}

function isFull({ requests, begun, waiting }: ConnectionState, limits: ServerLimits): boolean {
  return requests >= limits.requestsPerConnection || begun + waiting.length >= limits.requestsUnanswered;
}

/**
 * Begins the next request of a connection, of which so many may be worked on at once; whether there was one to begin. One
 * that waits for that is begun when a response has left, and in its turn, so neither a connection that pipelines nor one that
 * reads nothing takes the time and memory of the others.
 */
function beginNext(state: ConnectionState, parts: HandlerParts, turnstile: Turnstile): boolean {
  const { requestsAtOnce } = parts.limits;
  while (state.begun < requestsAtOnce) {
    const pending = state.waiting.shift();
    if (pending === undefined) return false;
    if (pending.incoming.socket.destroyed) continue;
    state.begun += 1;
    pending.outgoing.once("close", () => {
      state.begun -= 1;
      if (state.waiting.length > 0) turnstile.enter(state);
    });
    void handle(pending, parts);
    return true;
  }
  return false;
}

async function handle(pending: PendingRequest, parts: HandlerParts): Promise<void> {
  try {
    await respondTo(pending, parts);
  } catch (error) {
    fail(pending, error, parts);
  }
}

async function respondTo(pending: PendingRequest, parts: HandlerParts): Promise<void> {
  const { incoming, outgoing, state, hasBody, verdict } = pending;
  const { method = "" } = incoming;
  if ("refused" in verdict) return refuse(verdict, pending, parts);
  if (hasBody && expectsContinue(incoming)) outgoing.writeContinue();
  const read = hasBody ? await readBody(incoming, parts.limits.bodyBytes) : { bytes: undefined };
  if (read === "sender_gone") return;
  if (read === "too_large") return refuse({ refused: "payload_too_large", url: verdict.url }, pending, parts);
  const request = incomingRequest({ method, url: verdict.url, rawHeaders: incoming.rawHeaders, body: read.bytes });
  state.responding += 1;
  try {
    send(pending, await parts.respond(request, connectionOf(incoming, state)), parts);
  } finally {
    state.responding -= 1;
  }
}

/**
 * Sends a response. The last of a connection says so and ends it, and no other one does: the responses to what was accepted
 * behind it would be lost.
 */
function send(
  { incoming, outgoing, state, number }: PendingRequest,
  response: HttpResponse,
  { limits, draining }: HandlerParts,
): void {
  if (response.headers.connection === "close") endAfter(incoming.socket, state);
  const isLast = number === state.requests && (state.closing || draining());
  if (isLast) {
    endAfter(incoming.socket, state);
    state.ended = true;
    closeGently(incoming.socket, limits.lingerMs);
  }
  sendResponse(outgoing, response, isLast);
}

/** RFC 9110 section 2.5: a proxy sends its own version, and those that say nothing else of themselves speak HTTP/1.0. */
function connectionOf({ httpVersion }: IncomingMessage, { connection }: ConnectionState): Connection {
  return httpVersion === "1.0" ? { ...connection, relayed: true } : connection;
}

/** Refuses a request. A body that nobody reads ends the connection. */
async function refuse({ refused, url }: Refusal, pending: PendingRequest, parts: HandlerParts): Promise<void> {
  const { incoming, state, hasBody } = pending;
  if (hasBody) {
    endAfter(incoming.socket, state);
    incoming.resume();
  }
  const { method = "", rawHeaders } = incoming;
  if (url === undefined || parts.refuse === undefined)
    return send(pending, ownRefusal(refused, incoming, parts), parts);
  const request = incomingRequest({ method, url, rawHeaders, body: undefined });
  send(pending, await parts.refuse(refused, request, connectionOf(incoming, state)), parts);
}

/** A response without asking the authority. */
function ownRefusal(code: ErrorCode, incoming: IncomingMessage, { observer }: HandlerParts): HttpResponse {
  const refused = refusal(new CountersignError(code));
  observer.request({ route: REFUSED_ROUTE, method: methodOf(incoming), status: refused.status, durationMs: 0 });
  const allow = code === "method_not_allowed" ? { allow: [...methods].join(", ") } : {};
  return { ...refused, headers: { ...refused.headers, ...allow } };
}

/** A failure of this server: an endpoint answers its own. */
function fail(pending: PendingRequest, error: unknown, parts: HandlerParts): void {
  const { incoming, outgoing, state } = pending;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : "a value that is not an error was thrown";
  parts.observer.event({
    name: "request.failed",
    at: parts.clock.now(),
    fields: { requestId: randomSecret(systemRandom, 12), method: methodOf(incoming), route: REFUSED_ROUTE, detail },
  });
  if (outgoing.headersSent) return void outgoing.destroy();
  endAfter(incoming.socket, state);
  send(pending, refusal(new CountersignError("server_error")), parts);
}

/** A method as the metrics and the log may name it. */
function methodOf({ method = "" }: IncomingMessage): string {
  return methods.has(method) ? method : "other";
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, CountersignError, type ErrorCode, randomSecret, systemRandom } from "@countersign/protocol";
import type { Observer } from "../audit/observer.ts";
import type { Connection } from "../caller.ts";
import { refusal } from "../http/error-answer.ts";
import type { AnswerFace } from "../http/message.ts";
import { closeGently } from "./close-gently.ts";
import { type HeaderScan, scanHeaders } from "./header-scan.ts";
import { incomingRequest } from "./incoming-request.ts";
import type { ServerLimits } from "./limits.ts";
import { readBody } from "./read-body.ts";
import { resolveTarget } from "./request-target.ts";
import { sendAnswer } from "./send.ts";
import type { Wire } from "./wire.ts";

/** What a handler of HTTP messages works with. */
export interface HandlerParts {
  readonly answer: AnswerFace;
  readonly scheme: "http" | "https";
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly wireOf: (socket: IncomingMessage["socket"]) => Wire;
  /** Whether every answer is to be the last on its connection. */
  readonly draining: () => boolean;
}

/** The methods that some route may take. TRACE would echo headers back (RFC 9110 section 9.3.8). */
export const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Under which route the metrics count what never reached one. */
const refusedRoute = "(refused)";

/** The listener of `request` events: one HTTP message in, one call of `answer`, one answer out. */
export function createHandler(parts: HandlerParts): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    const wire = parts.wireOf(incoming.socket);
    if (wire.closing) return;
    void handle(incoming, outgoing, wire, parts);
  };
}

async function handle(incoming: IncomingMessage, outgoing: ServerResponse, wire: Wire, parts: HandlerParts) {
  try {
    await answer(incoming, outgoing, wire, parts);
  } catch (error) {
    fail(incoming, outgoing, error, parts);
  }
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, wire: Wire, parts: HandlerParts) {
  const { method = "" } = incoming;
  const scan = scanHeaders(incoming.rawHeaders);
  const verdict = judge(incoming, scan, parts);
  if ("refused" in verdict) return refuse(verdict.refused, incoming, outgoing, wire, parts);
  const read = scan.hasBody ? await readBody(incoming, parts.limits.bodyBytes) : { bytes: undefined };
  if (read === "sender_gone") return;
  if (read === "too_large") return refuse("payload_too_large", incoming, outgoing, wire, parts);
  const request = incomingRequest({ method, url: verdict.url, rawHeaders: incoming.rawHeaders, body: read.bytes });
  wire.answering += 1;
  try {
    sendAnswer(outgoing, await parts.answer(request, connectionOf(incoming, wire)), parts.draining());
  } finally {
    wire.answering -= 1;
  }
}

/** RFC 9110 section 2.5: a proxy sends its own version, and those that say nothing else of themselves speak HTTP/1.0. */
function connectionOf({ httpVersion }: IncomingMessage, { connection }: Wire): Connection {
  return httpVersion === "1.0" ? { ...connection, relayed: true } : connection;
}

/** Judges what can be judged before the body is read. */
function judge(
  incoming: IncomingMessage,
  scan: HeaderScan,
  { scheme, limits }: HandlerParts,
): { readonly url: string } | { readonly refused: ErrorCode } {
  if (!methods.has(incoming.method ?? "")) return { refused: "method_not_allowed" };
  if (scan.repeated) return { refused: "invalid_request" };
  const target = resolveTarget(scheme, incoming.url ?? "", scan.host);
  if ("refused" in target) return target;
  if (scan.hasBody && scan.encoded) return { refused: "unsupported_media_type" };
  if ((scan.announcedBytes ?? 0) > limits.bodyBytes) return { refused: "payload_too_large" };
  return target;
}

/** Answers without asking the authority. A body that nobody will read ends the connection. */
function refuse(
  code: ErrorCode,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  wire: Wire,
  { limits, observer, draining }: HandlerParts,
): void {
  const method = methods.has(incoming.method ?? "") ? (incoming.method ?? "") : "other";
  const refused = refusal(new CountersignError(code));
  const allow = code === "method_not_allowed" ? { allow: [...methods].join(", ") } : {};
  observer.exchange({ route: refusedRoute, method, status: refused.status, durationMs: 0 });
  const unread = !incoming.complete;
  if (unread) {
    wire.closing = true;
    closeGently(incoming.socket, limits.lingerMs);
    incoming.resume();
  }
  sendAnswer(outgoing, { ...refused, headers: { ...refused.headers, ...allow } }, unread || draining());
}

/** A failure of this server: a face answers its own. */
function fail(incoming: IncomingMessage, outgoing: ServerResponse, error: unknown, parts: HandlerParts): void {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : "a value that is not an error was thrown";
  parts.observer.event({
    name: "request.failed",
    at: parts.clock.now(),
    fields: {
      requestId: randomSecret(systemRandom, 12),
      method: methods.has(incoming.method ?? "") ? (incoming.method ?? "") : "other",
      route: refusedRoute,
      detail,
    },
  });
  if (outgoing.headersSent) outgoing.destroy();
  else sendAnswer(outgoing, refusal(new CountersignError("server_error")), true);
}

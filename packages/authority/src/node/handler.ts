import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, CountersignError, type ErrorCode, randomSecret, systemRandom } from "@countersign/protocol";
import type { Observer } from "../audit/observer.ts";
import type { Connection } from "../caller.ts";
import { refusal } from "../http/error-answer.ts";
import type { AnswerFace, HttpAnswer } from "../http/message.ts";
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

/** Each request behind the last one takes memory until the connection ends. */
const mostIgnored = 1000;

/** Under which route the metrics count what never reached one. */
const refusedRoute = "(refused)";

/** One request, the how-manieth on its connection it is, and where its answer goes. */
interface Turn {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly wire: Wire;
  readonly number: number;
}

/** The listener of `request` events: one HTTP message in, one call of `answer`, one answer out. */
export function createHandler(parts: HandlerParts): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    const wire = parts.wireOf(incoming.socket);
    if (wire.closing) return ignore(incoming, wire);
    wire.requests += 1;
    wire.closing = wire.requests >= parts.limits.requestsPerConnection;
    void handle({ incoming, outgoing, wire, number: wire.requests }, parts);
  };
}

/** Reads on, so that what is still owed reaches a client that pipelined. */
function ignore(incoming: IncomingMessage, wire: Wire): void {
  wire.ignored += 1;
  if (wire.ignored > mostIgnored) incoming.socket.destroy();
  else incoming.resume();
}

async function handle(turn: Turn, parts: HandlerParts): Promise<void> {
  try {
    await answer(turn, parts);
  } catch (error) {
    fail(turn, error, parts);
  }
}

async function answer(turn: Turn, parts: HandlerParts): Promise<void> {
  const { incoming, wire } = turn;
  const { method = "" } = incoming;
  const scan = scanHeaders(incoming.rawHeaders);
  const verdict = judge(incoming, scan, parts);
  if ("refused" in verdict) return refuse(verdict.refused, turn, parts);
  const read = scan.hasBody ? await readBody(incoming, parts.limits.bodyBytes) : { bytes: undefined };
  if (read === "sender_gone") return;
  if (read === "too_large") return refuse("payload_too_large", turn, parts);
  const request = incomingRequest({ method, url: verdict.url, rawHeaders: incoming.rawHeaders, body: read.bytes });
  wire.answering += 1;
  try {
    send(turn, await parts.answer(request, connectionOf(incoming, wire)), parts);
  } finally {
    wire.answering -= 1;
  }
}

/**
 * Sends an answer. The last of a connection says so and ends it, and no other one does: the answers to what was accepted
 * behind it would be lost.
 */
function send(
  { incoming, outgoing, wire, number }: Turn,
  answer: HttpAnswer,
  { limits, draining }: HandlerParts,
): void {
  wire.closing ||= answer.headers.connection === "close";
  const isLast = number === wire.requests && (wire.closing || draining());
  if (isLast) {
    wire.closing = true;
    closeGently(incoming.socket, limits.lingerMs);
  }
  sendAnswer(outgoing, answer, isLast);
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
function refuse(code: ErrorCode, turn: Turn, parts: HandlerParts): void {
  const { incoming, wire } = turn;
  const refused = refusal(new CountersignError(code));
  const allow = code === "method_not_allowed" ? { allow: [...methods].join(", ") } : {};
  parts.observer.exchange({ route: refusedRoute, method: methodOf(incoming), status: refused.status, durationMs: 0 });
  if (!incoming.complete) {
    wire.closing = true;
    incoming.resume();
  }
  send(turn, { ...refused, headers: { ...refused.headers, ...allow } }, parts);
}

/** A failure of this server: a face answers its own. */
function fail(turn: Turn, error: unknown, parts: HandlerParts): void {
  const { incoming, outgoing, wire } = turn;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : "a value that is not an error was thrown";
  parts.observer.event({
    name: "request.failed",
    at: parts.clock.now(),
    fields: { requestId: randomSecret(systemRandom, 12), method: methodOf(incoming), route: refusedRoute, detail },
  });
  if (outgoing.headersSent) return void outgoing.destroy();
  wire.closing = true;
  send(turn, refusal(new CountersignError("server_error")), parts);
}

/** A method as the metrics and the log may name it. */
function methodOf({ method = "" }: IncomingMessage): string {
  return methods.has(method) ? method : "other";
}

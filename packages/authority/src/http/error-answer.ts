import { CountersignError, randomSecret } from "@countersign/protocol";
import type { Services } from "../services.ts";
import { json } from "./answer.ts";
import type { HttpAnswer, HttpRequest } from "./message.ts";

/** Which challenge a 401 carries: Basic where clients authenticate, Bearer where tokens are shown (RFC 9110 section 11.6.1). */
const challenges: Readonly<Record<string, string>> = {
  invalid_client: 'Basic realm="countersign", charset="UTF-8"',
  invalid_token: 'Bearer error="invalid_token"',
  insufficient_scope: 'Bearer error="insufficient_scope"',
};

/** RFC 6750 section 3.1: who showed nothing is told the scheme, and of no error. */
const unasked = 'Bearer realm="countersign"';

const defaultRetryMs = 1000;

/**
 * The answer to a refusal: `error` and `error_description` of RFC 6749 section 5.2, never cached. Whatever is not a
 * refusal of ours is `server_error` with a request id, whose detail goes to the log only.
 */
export function errorAnswer(thrown: unknown, request: HttpRequest, route: string, services: Services): HttpAnswer {
  if (thrown instanceof CountersignError) return ofRequest(refusal(thrown), thrown, request);
  const requestId = randomSecret(services.random, 12);
  const detail =
    thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : "a value that is not an error was thrown";
  services.audit.notice("request.failed", { requestId, method: request.method, route, detail });
  return refusal(new CountersignError("server_error"), { request_id: requestId });
}

function ofRequest(refused: HttpAnswer, { code }: CountersignError, { headers }: HttpRequest): HttpAnswer {
  if (code !== "invalid_token" || headers.has("authorization")) return refused;
  return { ...refused, headers: { ...refused.headers, "www-authenticate": unasked } };
}

/** A refusal as an answer. `message` repeats the description for clients of the older service. */
export function refusal(error: CountersignError, more: Readonly<Record<string, string>> = {}): HttpAnswer {
  const body = { error: error.error, error_description: error.message, message: error.message, ...more };
  return json(body, error.status, headersFor(error));
}

function headersFor(error: CountersignError): Record<string, string> {
  const challenge = challenges[error.code];
  const waits = error.status === 429 || error.status === 503;
  return {
    ...(challenge === undefined ? {} : { "www-authenticate": challenge }),
    ...(waits ? { "retry-after": String(Math.max(1, Math.ceil((error.retryAfterMs ?? defaultRetryMs) / 1000))) } : {}),
    ...(error.code === "payload_too_large" ? { connection: "close" } : {}),
  };
}

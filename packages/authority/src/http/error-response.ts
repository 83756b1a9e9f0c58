import { CountersignError, defined, randomSecret } from "@countersign/protocol";
import type { Peer } from "../caller.ts";
import type { Services } from "../services.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { json } from "./response.ts";
import type { Route } from "./route.ts";

/** Which challenge a 401 carries: Basic where clients authenticate, Bearer where tokens are shown (RFC 9110 section 11.6.1). */
const challenges: Readonly<Record<string, string>> = {
  invalid_client: 'Basic realm="countersign", charset="UTF-8"',
  invalid_token: 'Bearer error="invalid_token"',
  insufficient_scope: 'Bearer error="insufficient_scope"',
};

/** RFC 6750 section 3.1: without credentials the challenge names the scheme and no error. */
const UNASKED = 'Bearer realm="countersign"';

const DEFAULT_RETRY_MS = 1000;

/** What was refused, as far as it is known. */
export interface Refused {
  readonly request: HttpRequest;
  /** The pattern of the route. */
  readonly route: string;
  readonly peer?: Peer | undefined;
  readonly dialect?: Route["dialect"] | undefined;
  /** Whether the log is not told. @default false */
  readonly quiet?: boolean | undefined;
}

/**
 * The response to a refusal: `error` and `error_description` of RFC 6749 section 5.2, never cached. The log says which
 * request it was and why. Whatever is not a refusal of ours is `server_error` with a request id, whose detail goes to the
 * log only.
 */
export function errorResponse(
  thrown: unknown,
  refused: Refused,
  services: Pick<Services, "audit" | "random">,
): HttpResponse {
  if (thrown instanceof CountersignError) {
    if (refused.quiet !== true) noticeRefusal(thrown, refused, services);
    return refusalOf(thrown, refused.request, dialectOf(thrown, refused));
  }
  const requestId = randomSecret(services.random, 12);
  const detail =
    thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : "a value that is not an error was thrown";
  const { request, route } = refused;
  services.audit.notice("request.failed", { requestId, method: request.method, route, detail });
  const error = new CountersignError("server_error");
  return refusal(error, { request_id: requestId, ...dialectOf(error, refused) });
}

function dialectOf({ message }: CountersignError, { dialect }: Refused): Readonly<Record<string, string>> {
  return dialect === "capability" ? { response_msg: message } : {};
}

function noticeRefusal(
  error: CountersignError,
  { request, route, peer }: Refused,
  { audit }: Pick<Services, "audit">,
): void {
  audit.notice("request.refused", {
    method: methods.has(request.method) ? request.method : "other",
    route,
    status: String(error.status),
    code: error.code,
    detail: error.detail ?? error.message,
    ...defined({ address: peer?.address }),
  });
}

const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** A refusal as the response to a request. */
export function refusalOf(
  error: CountersignError,
  { headers }: HttpRequest,
  more: Readonly<Record<string, string>> = {},
): HttpResponse {
  const refused = refusal(error, more);
  if (error.code !== "invalid_token" || headers.has("authorization")) return refused;
  return { ...refused, headers: { ...refused.headers, "www-authenticate": UNASKED } };
}

/** A refusal as a response. `message` repeats the description for clients of the older service. */
export function refusal(error: CountersignError, more: Readonly<Record<string, string>> = {}): HttpResponse {
  const { message, problems } = error;
  const body = { error: error.error, error_description: message, message, ...defined({ problems }), ...more };
  return json(body, error.status, headersFor(error));
}

function headersFor(error: CountersignError): Record<string, string> {
  const challenge = challenges[error.code];
  const waits = error.status === 429 || error.status === 503 || error.retryAfterMs !== undefined;
  return {
    ...defined({ "www-authenticate": challenge }),
    ...(waits
      ? { "retry-after": String(Math.max(1, Math.ceil((error.retryAfterMs ?? DEFAULT_RETRY_MS) / 1000))) }
      : {}),
    ...(error.code === "payload_too_large" ? { connection: "close" } : {}),
  };
}

import { withDeadline } from "./deadline.ts";
import { TokenError } from "./errors.ts";
import type { Clock } from "./ports.ts";

/** The part of `fetch` that is used here. */
export type FetchLike = (input: string, init: RequestInit) => Promise<Response>;

/** One request to a token endpoint or a metadata document. */
export interface HttpRequest {
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** For the whole request and response, bodies included. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly fetch: FetchLike | undefined;
  readonly clock: Clock;
}

/** A response, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly sentAt: number;
  readonly receivedAt: number;
}

/**
 * Sends one request with credentials: never follows a redirect, reads no more than `maxBytes`, ends by `timeoutMs`.
 * @throws TokenError `network_failed`, `timed_out`, `redirect_refused`, `invalid_response` (too large), `insecure_tls`.
 */
export async function sendRequest(request: HttpRequest): Promise<HttpResponse> {
  refuseUnverifiedTls(request);
  const { url, clock, signal, timeoutMs } = request;
  return withDeadline(
    { clock, signal, timeoutMs, timeoutMessage: `No response within ${timeoutMs} ms: ${redactUrl(url)}` },
    async (ended) => {
      try {
        return await send(request, ended);
      } catch (error) {
        if (error instanceof TokenError) throw error;
        throw new TokenError("network_failed", `Cannot reach: ${redactUrl(url)}`, { cause: error });
      }
    },
  );
}

async function send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  const { url, method, headers, body, clock } = request;
  const sentAt = clock.now();
  const init: RequestInit = { method, headers, redirect: "manual", signal, ...(body === undefined ? {} : { body }) };
  const response = await (request.fetch ?? fetch)(url, init);
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
    await ignoreFailure(response.body?.cancel());
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.now());
    const message = `Refused to follow a redirect of: ${redactUrl(url)}`;
    throw new TokenError("redirect_refused", message, { status: response.status, retryAfterMs });
  }
  const text = await readText(response, request.maxBytes);
  return { status: response.status, headers: response.headers, text, sentAt, receivedAt: clock.now() };
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > maxBytes) {
      await ignoreFailure(reader.cancel());
      throw new TokenError("invalid_response", `The response is larger than ${maxBytes} bytes`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

/** With this variable Node's own fetch accepts any certificate; a fetch that was handed in answers for itself. */
function refuseUnverifiedTls({ url, fetch: own }: HttpRequest): void {
  if (own !== undefined || !url.startsWith("https:")) return;
  if (globalThis.process?.env?.NODE_TLS_REJECT_UNAUTHORIZED !== "0") return;
  globalThis.process.emitWarning("Refused to send credentials: NODE_TLS_REJECT_UNAUTHORIZED=0 turns off TLS checks", {
    code: "COUNTERSIGN_INSECURE_TLS",
  });
  throw new TokenError(
    "insecure_tls",
    `Refused to send credentials while NODE_TLS_REJECT_UNAUTHORIZED=0 turns off TLS checks: ${redactUrl(url)}`,
  );
}

/** A URL as errors show it: without credentials, and without its query, where some servers want a key. */
export function redactUrl(url: string): string {
  return url.replace(/[?#].*$/s, "").replace(/\/\/[^/]*@/, "//");
}

/** Whether a URL points to this very machine. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Takes https, and http to the loopback interface.
 * @throws TypeError for any other URL, one with credentials, or one with a fragment.
 */
export function requireSecureUrl(text: string, what: string, allowInsecureHttp = false): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined)
    throw new TypeError(`Cannot use a ${what} that is no URL: ${redactUrl(text)}; give an absolute https URL`);
  if (url.username !== "" || url.password !== "" || url.hash !== "")
    throw new TypeError(`Cannot use a ${what} with credentials or a fragment: ${url.origin}; leave both out`);
  const allowed = url.protocol === "https:" || (url.protocol === "http:" && (allowInsecureHttp || isLoopback(url)));
  if (!allowed)
    throw new TypeError(
      `Cannot use a ${what} without https: ${redactUrl(text)}; use https, or set allowInsecureHttp in a closed network`,
    );
  return url;
}

/** Waits for a body to be cancelled; a failure changes nothing. */
async function ignoreFailure(cancelling: Promise<void> | undefined): Promise<void> {
  await cancelling?.catch(() => undefined);
}

/** A `Retry-After` counts for no more than this: a server that asks for 30 years is misconfigured. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * `Retry-After` as seconds or as a date (RFC 9110 section 10.2.3), in milliseconds, at most one hour; undefined when absent or
 * unreadable. `now` is the instant of the response by the server's clock where known.
 */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  // Whole seconds by the RFC; fractions are sent all the same.
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms));
}

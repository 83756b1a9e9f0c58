import { X509Certificate } from "node:crypto";
import { CountersignError, defined } from "@countersign/protocol";
import type { Authority } from "./authority.ts";
import type { Connection } from "./caller.ts";
import { refusal } from "./http/error-response.ts";
import type { HttpRequest, HttpResponse } from "./http/message.ts";

/** The event of a function URL or an HTTP API: payload format 2.0 of AWS Lambda, as far as it is read. */
export interface LambdaEvent {
  /** `2.0`. */
  readonly version: string;
  /** The path, without the query. */
  readonly rawPath: string;
  /** The query, without its question mark; empty where there is none. */
  readonly rawQueryString: string;
  /** By names in lower case; several lines of one name are one value. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** What the gateway knows of the request. */
  readonly requestContext: {
    readonly domainName: string;
    readonly http: { readonly method: string; readonly sourceIp: string };
    /** The client's certificate, which the gateway has verified. */
    readonly authentication?: { readonly clientCert?: { readonly clientCertPem: string } } | null;
  };
  /** Absent for a request without one. */
  readonly body?: string;
  /** Whether `body` is base64. */
  readonly isBase64Encoded: boolean;
}

/** What the gateway makes a response of. */
export interface LambdaResponse {
  /** The status code. */
  readonly statusCode: number;
  /** The header lines. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or base64. */
  readonly body: string;
  /** Whether `body` is base64. */
  readonly isBase64Encoded: boolean;
}

/** What a function answers events with. */
export type LambdaHandler = (event: LambdaEvent) => Promise<LambdaResponse>;

/** What a function works with. */
export interface LambdaOptions {
  /** Opens the authority: at the first event, and again at the next one where it failed. */
  readonly open: () => Promise<Pick<Authority, "respond">>;
  /** Hears why it could not be opened; the caller is only told to come again. */
  readonly onFailure: (error: unknown) => void;
}

/** Where the authority cannot be opened, its store most likely cannot be reached. */
const RETRY_AFTER_MS = 2000;

/**
 * The authority as an AWS Lambda function, behind a function URL or an HTTP API. The gateway ends TLS, so nobody is on
 * loopback; the address of a client is what the gateway saw. Sign `inline`, and use a store that is shared: many functions
 * run at once, and each is frozen between two events.
 *
 * @example
 * ```ts
 * import { createLambdaHandler } from "@countersign/authority/lambda";
 * import { testAuthority } from "@countersign/authority/testing";
 * const handler = createLambdaHandler({
 *   open: () => testAuthority(),
 *   onFailure: (error) => console.error(error),
 * });
 * const response = await handler({
 *   version: "2.0",
 *   rawPath: "/health/live",
 *   rawQueryString: "",
 *   headers: {},
 *   requestContext: { domainName: "id.example.com", http: { method: "GET", sourceIp: "192.0.2.1" } },
 *   isBase64Encoded: false,
 * });
 * response.statusCode; // 200
 * ```
 */
export function createLambdaHandler({ open, onFailure }: LambdaOptions): LambdaHandler {
  let opening: ReturnType<LambdaOptions["open"]> | undefined;
  return async (event) => {
    opening ??= open();
    const opened = await opening.catch((error: unknown) => {
      opening = undefined;
      onFailure(error);
    });
    if (opened === undefined) return render(refusal(notOpen()));
    return render(await opened.respond(requestOf(event), connectionOf(event)));
  };
}

function notOpen(): CountersignError {
  return new CountersignError("temporarily_unavailable", { retryAfterMs: RETRY_AFTER_MS });
}

function requestOf({ rawPath, rawQueryString, headers, requestContext, ...content }: LambdaEvent): HttpRequest {
  const { domainName, http } = requestContext;
  const query = rawQueryString === "" ? "" : `?${rawQueryString}`;
  const body = Buffer.from(content.body ?? "", content.isBase64Encoded ? "base64" : "utf8");
  return {
    method: http.method,
    url: `https://${headers.host ?? domainName}${rawPath}${query}`,
    headers: {
      get: (name) => headers[name] ?? null,
      has: (name) => headers[name] !== undefined,
    },
    async read(limit) {
      if (body.length > limit) throw new CountersignError("payload_too_large");
      return body;
    },
  };
}

/** Whoever asks comes through the gateway, whatever its address. */
function connectionOf({ requestContext: { http, authentication } }: LambdaEvent): Connection {
  const pem = authentication?.clientCert?.clientCertPem;
  const certificate = pem === undefined ? undefined : { der: new X509Certificate(pem).raw, trusted: true };
  return { address: http.sourceIp, relayed: true, ...defined({ certificate }) };
}

function render({ status, headers, body }: HttpResponse): LambdaResponse {
  const isText = body === null || typeof body === "string";
  return {
    statusCode: status,
    headers,
    body: isText ? (body ?? "") : Buffer.from(body).toString("base64"),
    isBase64Encoded: !isText,
  };
}

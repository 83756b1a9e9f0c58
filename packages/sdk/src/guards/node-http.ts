import { X509Certificate } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";
import { sha256 } from "@countersign/protocol";
import type { Credential } from "../verifier.ts";
import type { RefusalResponse } from "./challenge.ts";
import { checkOptions, type GuardOptions, judgeRequest, rememberCredentials } from "./guard.ts";

const credentials = rememberCredentials<IncomingMessage>();

/** A request of HTTP/1.1, or of HTTP/2, which has no `headersDistinct`. */
type Fields = Pick<IncomingMessage, "headers"> & Partial<Pick<IncomingMessage, "headersDistinct">>;

/** The Authorization fields of a request, each by itself: of several, `headers` of HTTP/1.1 would keep the first. */
export function authorizationOf({ headers, headersDistinct = {} }: Fields): readonly string[] {
  const { authorization } = headers;
  return headersDistinct.authorization ?? (authorization === undefined ? [] : [authorization]);
}

/** What a guard of `node:http` asks of each request. */
export interface NodeGuardOptions extends GuardOptions<IncomingMessage> {
  /** Told of a fault of the server, of which the caller gets to know nothing but the status 500. @default nobody is */
  readonly onError?: ((error: unknown, request: IncomingMessage) => void) | undefined;
}

/** Answers a request that is refused. */
export function sendRefusal(response: ServerResponse, { status, headers, body }: RefusalResponse): void {
  response.writeHead(status, headers);
  response.end(body);
}

/**
 * SHA-256 of the client's certificate (RFC 8705 section 3.1), for tokens that are bound to one.
 *
 * @returns `undefined` where the connection has none.
 */
export function certificateThumbprintOf({ socket }: IncomingMessage): string | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return certificate instanceof X509Certificate ? sha256(certificate.raw) : undefined;
}

/**
 * A listener for `http.createServer` that hands on requests with a good token, and refuses the others.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { createVerifier } from "@countersign/sdk";
 * import { credentialOf, guard } from "@countersign/sdk/node-http";
 * const rootKey = `ed25519/${"1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284"}`;
 * const verifier = createVerifier({ rootKey });
 * createServer(guard({ verifier, require: { identity: true } }, (request, response) => {
 *   response.end(credentialOf(request).subject);
 * }));
 * ```
 */
export function guard(options: NodeGuardOptions, listener: RequestListener): RequestListener {
  checkOptions(options);
  return async function guardRequest(request, response) {
    try {
      const verdict = await judgeRequest({ request, authorization: authorizationOf(request) }, options);
      if ("refusal" in verdict) return sendRefusal(response, verdict.refusal);
      credentials.set(request, verdict.credential);
    } catch (error) {
      // Nobody listens to what a listener's promise says: the process would end.
      options.onError?.(error, request);
      return sendRefusal(response, { status: 500, headers: {}, body: "" });
    }
    listener(request, response);
  };
}

/** Who sent a request that has passed the guard. @throws {TypeError} when it has passed none */
export function credentialOf(request: IncomingMessage): Credential {
  return credentials.get(request);
}

export type { GuardOptions } from "./guard.ts";

import type { Request, RequestHandler } from "express";
import type { Credential } from "../verifier.ts";
import { checkOptions, type GuardOptions, judgeRequest, rememberCredentials } from "./guard.ts";
import { authorizationOf, sendRefusal } from "./node-http.ts";

const credentials = rememberCredentials<Request>();

/**
 * Middleware for Express 4 and 5 that hands on requests with a good token, and refuses the others.
 *
 * @example
 * ```ts
 * import express from "express";
 * import { createVerifier } from "@countersign/sdk";
 * import { credentialOf, guard } from "@countersign/sdk/express";
 * const rootKey = `ed25519/${"1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284"}`;
 * const verifier = createVerifier({ rootKey });
 * const app = express();
 * app.get("/orders", guard({ verifier, require: { authorization: { resource: "orders", operation: "read" } } }));
 * app.get("/orders", (request, response) => {
 *   response.send(credentialOf(request).subject);
 * });
 * ```
 */
export function guard(options: GuardOptions<Request>): RequestHandler {
  checkOptions(options);
  return function guardRequest(request, response, next) {
    const judged = judgeRequest({ request, authorization: authorizationOf(request) }, options);
    judged.then((verdict) => {
      if ("refusal" in verdict) return sendRefusal(response, verdict.refusal);
      credentials.set(request, verdict.credential);
      next();
    }, next);
  };
}

/** Who sent a request that has passed the guard. @throws {TypeError} when it has passed none */
export function credentialOf(request: Request): Credential {
  return credentials.get(request);
}

export type { GuardOptions } from "./guard.ts";
export { certificateThumbprintOf } from "./node-http.ts";

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Credential } from "../verifier.ts";
import { checkOptions, type GuardOptions, judgeRequest, rememberCredentials } from "./guard.ts";
import { authorizationOf } from "./node-http.ts";

const credentials = rememberCredentials<FastifyRequest>();

/**
 * An `onRequest` hook for Fastify 4 and 5 that hands on requests with a good token, and refuses the others.
 *
 * @example
 * ```ts
 * import { fastify } from "fastify";
 * import { createVerifier } from "@countersign/sdk";
 * import { credentialOf, guard } from "@countersign/sdk/fastify";
 * const rootKey = `ed25519/${"1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284"}`;
 * const verifier = createVerifier({ rootKey });
 * const app = fastify();
 * app.addHook("onRequest", guard({ verifier, require: { identity: { within: "urn:example:staff" } } }));
 * app.get("/", async (request) => credentialOf(request).subject);
 * ```
 */
export function guard(
  options: GuardOptions<FastifyRequest>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined> {
  checkOptions(options);
  return async function guardRequest(request, reply) {
    const verdict = await judgeRequest({ request, authorization: authorizationOf(request.raw) }, options);
    if ("refusal" in verdict) {
      const { status, headers, body } = verdict.refusal;
      return reply.code(status).headers(headers).send(body);
    }
    credentials.set(request, verdict.credential);
    return undefined;
  };
}

/** Who sent a request that has passed the guard. @throws {TypeError} when it has passed none */
export function credentialOf(request: FastifyRequest): Credential {
  return credentials.get(request);
}

export type { GuardOptions } from "./guard.ts";

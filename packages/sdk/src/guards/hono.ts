import type { Context, MiddlewareHandler } from "hono";
import type { Credential } from "../verifier.ts";
import { checkOptions, type GuardOptions, judgeRequest, rememberCredentials } from "./guard.ts";

const credentials = rememberCredentials<Context>();

/**
 * Middleware for Hono 4 that hands on requests with a good token, and refuses the others.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { createVerifier } from "@countersign/sdk";
 * import { credentialOf, guard } from "@countersign/sdk/hono";
 * const rootKey = `ed25519/${"1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284"}`;
 * const verifier = createVerifier({ rootKey });
 * const app = new Hono();
 * app.use("/orders", guard({ verifier, require: { authorization: { resource: "orders", operation: "read" } } }));
 * app.get("/orders", (context) => context.text(credentialOf(context).subject ?? ""));
 * ```
 */
export function guard(options: GuardOptions<Context>): MiddlewareHandler {
  checkOptions(options);
  return async function guardRequest(context, next) {
    const { headers } = context.req.raw;
    // Several fields come joined by commas, which no token holds.
    const field = headers.get("authorization");
    const verdict = await judgeRequest({ request: context, authorization: field === null ? [] : [field] }, options);
    if ("refusal" in verdict) {
      const { refusal } = verdict;
      return new Response(refusal.body, { status: refusal.status, headers: refusal.headers });
    }
    credentials.set(context, verdict.credential);
    await next();
  };
}

/** Who sent a request that has passed the guard. @throws {TypeError} when it has passed none */
export function credentialOf(context: Context): Credential {
  return credentials.get(context);
}

export type { GuardOptions } from "./guard.ts";

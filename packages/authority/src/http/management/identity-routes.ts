import { z } from "zod";
import { issueByOperator } from "../../core/capability/identity.ts";
import { identitySchema } from "../../policy/document.ts";
import { identityTokenResponse } from "../capability/shapes.ts";
import type { Route } from "../route.ts";
import { operation } from "./operation.ts";

/** Identity tokens that operators issue: the first one of a service that has no certificate. */
export const identityRoutes: readonly Route[] = [
  operation({
    method: "POST",
    path: "/api/v1/identity-tokens",
    summary: "Issue an identity token for a subject of the policy",
    tag: "Capability tokens",
    access: "superuser",
    body: z.strictObject({
      subject: identitySchema.max(1024).describe("An identity that the policy knows"),
      expires_in: z
        .number()
        .int()
        .min(1)
        .max(86_400)
        .optional()
        .describe("Seconds; what the policy says when absent. It may be more than that"),
    }),
    result: identityTokenResponse.omit({ response_msg: true }),
    async run({ body, actor, services }) {
      const request = { subject: body.subject, seconds: body.expires_in };
      const { token, lifetimeMs, identity } = await issueByOperator(request, actor.name, services);
      return { token, expires_in: lifetimeMs / 1000, identity };
    },
  }),
];

import { CountersignError, defined } from "@countersign/protocol";
import { z } from "zod";
import type { Route } from "../route.ts";
import { operation } from "./operation.ts";

const instant = z.coerce.number().int().min(0).max(1e11);

/** The audit trail, for administrators. */
export const auditRoutes: readonly Route[] = [
  operation({
    method: "GET",
    path: "/api/v1/audit",
    summary: "Read the audit trail, newest first; after a cursor, in the order in which it happened",
    tag: "Audit",
    access: "superuser",
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      name: z.string().max(64).optional().describe("An event's name, or its first part"),
      about: z.string().max(256).optional().describe("A client, user or family id"),
      since: instant.optional().describe("Seconds since the epoch"),
      after: z
        .string()
        .max(8192)
        .optional()
        .describe("The cursor of an answer before; without since, until and before"),
      before: z.string().max(256).optional().describe("The next of the page before"),
      until: instant.optional().describe("Seconds since the epoch"),
    }),
    result: z.object({
      records: z.array(
        z.object({
          id: z.string(),
          name: z.string(),
          at: z.number().describe("Milliseconds since the epoch"),
          fields: z.looseObject({}),
        }),
      ),
      next: z.string().optional().describe("Go on with this as before; absent where the trail ends"),
      cursor: z
        .string()
        .optional()
        .describe("Read on with this as after: everything recorded later follows it, whatever clocks do"),
      latest: z
        .number()
        .optional()
        .describe("Read on with this as since; the newest record looked at was in this second"),
    }),
    async run({ query: { limit, name, about, after, before, since, until }, services }) {
      if (after !== undefined && (before ?? since ?? until) !== undefined) {
        throw new CountersignError("invalid_request", { hint: "after goes without since, until and before" });
      }
      const { records, next, cursor, latestAt } = await services.audit.page({
        limit,
        ...defined({ name, about, after, before }),
        ...(since === undefined ? {} : { since: since * 1000 }),
        ...(until === undefined ? {} : { until: until * 1000 }),
      });
      return {
        records: records.map(({ id, name: event, at, fields }) => ({ id, name: event, at, fields: { ...fields } })),
        ...defined({ next, cursor }),
        ...(latestAt === undefined ? {} : { latest: Math.floor(latestAt / 1000) }),
      };
    },
  }),
];

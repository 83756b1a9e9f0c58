import { z } from "zod";
import type { Route } from "../route.ts";
import { operation } from "./operation.ts";

const instant = z.coerce.number().int().min(0).max(1e11);

/** The audit trail, for administrators. */
export const auditRoutes: readonly Route[] = [
  operation({
    method: "GET",
    path: "/api/v1/audit",
    summary: "Read the audit trail, newest first",
    tag: "Audit",
    access: "superuser",
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      name: z.string().max(64).optional().describe("An event's name, or its first part"),
      about: z.string().max(256).optional().describe("A client, user or family id"),
      since: instant.optional().describe("Seconds since the epoch"),
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
      latest: z
        .number()
        .optional()
        .describe("Read on with this as since; the newest record looked at was in this second"),
    }),
    async run({ query: { limit, name, about, before, since, until }, services }) {
      const { records, next, latestAt } = await services.audit.page({
        limit,
        ...(name === undefined ? {} : { name }),
        ...(about === undefined ? {} : { about }),
        ...(before === undefined ? {} : { before }),
        ...(since === undefined ? {} : { since: since * 1000 }),
        ...(until === undefined ? {} : { until: until * 1000 }),
      });
      return {
        records: records.map(({ id, name: event, at, fields }) => ({ id, name: event, at, fields: { ...fields } })),
        ...(next === undefined ? {} : { next }),
        ...(latestAt === undefined ? {} : { latest: Math.floor(latestAt / 1000) }),
      };
    },
  }),
];

import { CountersignError, defined } from "@countersign/protocol";
import { z } from "zod";
import type { RevocationRecord, RevokedKind } from "../../revocations/revocation-record.ts";
import type { Route } from "../route.ts";
import { operation } from "./operation.ts";

const TAG = "Revocation";

/** The longest life that a policy gives a token. */
const LONGEST_LIFE = 366 * 86_400;

const blockId = z
  .string()
  .regex(/^[0-9a-f]{64,256}$/, "must be a normalized revocation id in lower-case hexadecimal")
  .describe("Of a block: ends every token that holds it, and all that was made of them");
const tokenId = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, "must be a jti");

const revocationView = z.object({
  position: z.number().int(),
  kind: z.enum(["jti", "block"]),
  id: z.string(),
  revoked_at: z.number().int().describe("Seconds since the epoch"),
  expires_at: z.number().int(),
});

const MAX_AT_ONCE = 100;

/** What is revoked, for administrators. */
export const revocationRoutes: readonly Route[] = [
  operation({
    method: "POST",
    path: "/api/v1/revocations",
    summary: "Revoke capability tokens by revocation ids, and access tokens by jti, before they expire",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({
      ids: z.array(blockId).max(MAX_AT_ONCE).default([]),
      jtis: z.array(tokenId).max(MAX_AT_ONCE).default([]),
      expires_at: z
        .number()
        .int()
        .min(0)
        .max(1e11)
        .optional()
        .describe("When the last of these tokens expires, in seconds since the epoch; a year from now when absent"),
      reason: z.string().max(256).optional().describe("For the audit trail"),
    }),
    result: z.object({ revoked: z.number().int().describe("How many were not revoked before") }),
    async run({ body, actor, services: { revocations, clock } }) {
      const { ids, jtis, expires_at: end, reason } = body;
      if (ids.length + jtis.length === 0) throw new CountersignError("invalid_request", { hint: "Name ids or jtis" });
      const expiresAt = end === undefined ? clock.now() + LONGEST_LIFE * 1000 : end * 1000;
      const wanted = [...ids.map((id) => ["block", id] as const), ...jtis.map((id) => ["jti", id] as const)];
      let revoked = 0;
      for (const [kind, id] of wanted) {
        const fields = { kind, id, actor: actor.name, ...defined({ reason }) };
        const event = { name: "revocation.added", fields } as const;
        const isNew = await revocations.revoke({ kind, id, expiresAt }, { event });
        revoked += isNew ? 1 : 0;
      }
      return { revoked };
    },
  }),
  operation({
    method: "GET",
    path: "/api/v1/revocations",
    summary: "List what is revoked and would be valid otherwise, in the order in which it was revoked",
    tag: TAG,
    access: "superuser",
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(1000).default(100),
      after: z.coerce.number().int().min(0).default(0).describe("Only what was revoked after this position"),
    }),
    result: z.object({
      revocations: z.array(revocationView),
      next: z.number().int().optional().describe("Go on with this as after; absent on the last page"),
    }),
    async run({ query: { limit, after }, services: { revocations } }) {
      const here = await revocations.since(undefined, 0, 1);
      const page = await revocations.since(here.list, after, limit);
      return { revocations: page.entries.map(revocationJson), ...(page.more ? { next: page.position } : {}) };
    },
  }),
];

function revocationJson({ position, kind, id, revokedAt, expiresAt }: RevocationRecord) {
  const times = { revoked_at: Math.floor(revokedAt / 1000), expires_at: Math.ceil(expiresAt / 1000) };
  return { position, kind: kind satisfies RevokedKind, id, ...times };
}

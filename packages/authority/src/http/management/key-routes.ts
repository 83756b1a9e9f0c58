import { z } from "zod";
import { readSigningKey } from "../../keys/convert.ts";
import type { KeyDescription } from "../../keys/stored-ring.ts";
import type { Route } from "../route.ts";
import { operation } from "./operation.ts";
import { ringAlgorithm } from "./shapes.ts";

const TAG = "Keys";

const keyView = z.object({
  kid: z.string(),
  algorithm: ringAlgorithm,
  state: z.enum(["next", "active", "retired", "erased"]),
  origin: z.enum(["made", "imported"]),
  published_at: z.number().int().describe("Seconds since the epoch"),
  active_at: z.number().int(),
  retires_at: z.number().int(),
  erases_at: z.number().int(),
});

/** The key ring, for administrators. Private keys go in and never come out. */
export const keyRoutes: readonly Route[] = [
  operation({
    method: "GET",
    path: "/api/v1/keys",
    summary: "List the signing keys and their timetable",
    tag: TAG,
    access: "superuser",
    result: z.object({ keys: z.array(keyView) }),
    run: async ({ services }) => ({ keys: services.keys.list().map(keyJson) }),
  }),
  operation({
    method: "POST",
    path: "/api/v1/keys/rotate",
    summary: "Bring the next key forward; at once only in an emergency, as verifiers may not know it yet",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({ algorithm: ringAlgorithm.default("ES256"), now: z.boolean().default(false) }),
    result: keyView,
    run: async ({ body, actor, services }) =>
      keyJson(await services.keys.rotate(body.algorithm, actor.name, { now: body.now })),
  }),
  operation({
    method: "POST",
    path: "/api/v1/keys/import",
    summary: "Import a private key as the next one of its algorithm",
    tag: TAG,
    access: "superuser",
    body: z.strictObject({
      key: z.union([z.string().max(20_000), z.looseObject({ kty: z.string() })]).describe("PEM text or a private JWK"),
      algorithm: ringAlgorithm
        .optional()
        .describe("Needed for RSA keys: RS256 or PS256; and for keys of capability tokens"),
      now: z.boolean().default(false),
    }),
    result: keyView,
    async run({ body, actor, services }) {
      const key = readSigningKey(typeof body.key === "string" ? body.key : JSON.stringify(body.key), body.algorithm);
      return keyJson(await services.keys.import(key, actor.name, { now: body.now }));
    },
  }),
  operation({
    method: "DELETE",
    path: "/api/v1/keys/:kid",
    summary: "Withdraw a key in an emergency: it neither signs nor verifies from now on",
    tag: TAG,
    access: "superuser",
    run: ({ params, actor, services }) => services.keys.revoke(params.kid ?? "", actor.name),
  }),
];

function keyJson(key: KeyDescription) {
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    origin: key.origin,
    published_at: Math.floor(key.publishedAt / 1000),
    active_at: Math.floor(key.activeAt / 1000),
    retires_at: Math.floor(key.retiresAt / 1000),
    erases_at: Math.floor(key.erasesAt / 1000),
  };
}

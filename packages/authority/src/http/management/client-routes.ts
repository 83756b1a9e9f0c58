import { CountersignError, defined } from "@countersign/protocol";
import { z } from "zod";
import type { GrantTable } from "../../grants/grant-table.ts";
import type { Services } from "../../services.ts";
import type { ClientRecord } from "../../store/records.ts";
import { lifetimeSchema } from "../../values/lifetime.ts";
import type { Route } from "../route.ts";
import { changesOf, clientJson, settingsOf } from "./client-json.ts";
import { operation } from "./operation.ts";
import { nextPage, pageQuery, readPage } from "./paging.ts";
import { clientShapes } from "./shapes.ts";

const TAG = "Clients";
const COLLECTION = "/api/v1/client";
const ONE = "/api/v1/client/:id";

const signingFromView = z
  .number()
  .int()
  .optional()
  .describe("While the first key of its algorithm does not sign yet: when it does, in seconds since the epoch");

/** Applications, for administrators. */
export function clientRoutes(grants: GrantTable): readonly Route[] {
  const { clientInput, clientChange, clientView } = clientShapes([...grants.keys()]);
  return [
    operation({
      method: "POST",
      path: COLLECTION,
      summary: "Create a client; its secret is shown only in this answer",
      tag: TAG,
      access: "superuser",
      body: clientInput,
      result: z.object({
        client_id: z.string(),
        client_secret: z.string().optional(),
        client_credential: z.string().optional().describe("The secret again, as the older service names it"),
        access_token_signing_from: signingFromView,
      }),
      async run({ body, actor, services }) {
        const { client, secret } = await services.clients.create(settingsOf(body), actor.name);
        return {
          client_id: client.clientId,
          ...defined({ client_secret: secret }),
          ...(secret === undefined || !body.credential ? {} : { client_credential: secret }),
          ...signingFrom(client, services),
        };
      },
    }),
    operation({
      method: "GET",
      path: COLLECTION,
      summary: "List clients, or search them by name and id",
      tag: TAG,
      access: "superuser",
      query: pageQuery,
      result: z.object({ clients: z.array(clientView), next: nextPage }),
      async run({ query, services: { clients } }) {
        const { rows, more } = await readPage(query, clients.list, ({ clientId }) => clientId);
        return { clients: rows.map(clientJson), ...more };
      },
    }),
    operation({
      method: "GET",
      path: ONE,
      summary: "Show a client",
      tag: TAG,
      access: "superuser",
      result: clientView.extend({ access_token_signing_from: signingFromView }),
      async run({ params, services }) {
        const client = await services.clients.byId(params.id ?? "");
        if (client === undefined) throw new CountersignError("not_found");
        return { ...clientJson(client), ...signingFrom(client, services) };
      },
    }),
    operation({
      method: "PATCH",
      path: ONE,
      summary: "Change a client; members that are absent stay as they are",
      tag: TAG,
      access: "superuser",
      body: clientChange,
      async run({ params, body, actor, services }) {
        await services.clients.update(params.id ?? "", changesOf(body), actor.name);
      },
    }),
    operation({
      method: "DELETE",
      path: ONE,
      summary: "Delete a client; its refresh tokens die with it",
      tag: TAG,
      access: "superuser",
      run: ({ params, actor, services }) => services.clients.delete(params.id ?? "", actor.name),
    }),
    operation({
      method: "POST",
      path: `${ONE}/secret`,
      summary: "Give a client a new secret; the old one goes on working for the overlap",
      tag: TAG,
      access: "superuser",
      body: z.strictObject({ overlap_seconds: lifetimeSchema("replacedSecret").default(0) }),
      result: z.object({ client_id: z.string(), client_secret: z.string() }),
      async run({ params, body, actor, services }) {
        const overlapMs = body.overlap_seconds * 1000;
        const { client, secret } = await services.clients.rotateSecret(params.id ?? "", overlapMs, actor.name);
        return { client_id: client.clientId, client_secret: secret };
      },
    }),
  ];
}

/** From when on a client gets tokens, while the first key of its algorithm is only published. */
function signingFrom({ token }: ClientRecord, { keys, config }: Pick<Services, "keys" | "config">) {
  const from = keys.signsFrom(token.algorithm ?? config.tokens.algorithm);
  return from === undefined ? {} : { access_token_signing_from: Math.ceil(from / 1000) };
}

import { errorCatalogue } from "@countersign/protocol";
import { z } from "zod";
import type { Config } from "../config.ts";
import type { Route, RouteDoc } from "./route.ts";
import { documentOf, type PublicDocument, publicDocument } from "./well-known.ts";

const MAX_AGE_SECONDS = 3600;

const securityOf: Record<RouteDoc["security"], readonly Readonly<Record<string, readonly string[]>>[]> = {
  none: [],
  client: [{ clientSecretBasic: [] }, {}],
  bearer: [{ bearer: [] }],
  identity: [{ identityToken: [] }, { clientCertificate: [] }],
};

const errorSchema = z.object({
  error: z.enum([...new Set(Object.values(errorCatalogue).map((row) => row.error))]),
  error_description: z.string(),
  message: z.string(),
  request_id: z.string().optional(),
  problems: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** `/openapi.json`: the table of routes as an OpenAPI 3.1 document. */
export function openApiRoute(routes: readonly Route[], config: Config): Route {
  let document: PublicDocument | undefined;
  const route: Route = {
    method: "GET",
    path: "/openapi.json",
    cors: "any",
    handle({ request }) {
      document ??= documentOf(openApiDocument([...routes, route], config));
      return publicDocument(request, document, MAX_AGE_SECONDS);
    },
    doc: { summary: "This document", tag: "Operation", security: "none", success: { status: 200 } },
  };
  return route;
}

/** The OpenAPI 3.1 document of some routes. Request bodies come from the schemas that check them. */
function openApiDocument(routes: readonly Route[], config: Pick<Config, "issuer">) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Countersign",
      version: "1",
      description: "A token authority: OAuth 2 grants, users, clients, keys and their audit trail",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: config.issuer }],
    paths,
    components: {
      schemas: { Error: jsonSchema(errorSchema) },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        identityToken: { type: "http", scheme: "bearer", bearerFormat: "Biscuit" },
        clientCertificate: { type: "mutualTLS", description: "The identity is the URI of the certificate" },
        clientSecretBasic: { type: "http", scheme: "basic", description: "client_id and client_secret" },
      },
    },
  };
}

function operationOf({ method, path, doc }: Route) {
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(\w?)/g, (_all, next: string) => next.toUpperCase())}`,
    summary: doc.summary,
    tags: [doc.tag],
    security: securityOf[doc.security],
    parameters: [...pathParameters(path), ...queryParameters(doc.query), ...headerParameters(doc.headers)],
    ...(doc.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [doc.body.type]: { schema: jsonSchema(doc.body.schema) } } } }),
    responses: {
      [doc.success.status]: success(doc),
      default: {
        description: "A refusal",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

function success({ success: { status, schema, type = "application/json" } }: RouteDoc) {
  if (status === 204 || type === "none") return { description: "Done" };
  return {
    description: "Success",
    content: { [type]: schema === undefined ? {} : { schema: jsonSchema(schema, "output") } },
  };
}

function pathParameters(path: string) {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodObject | undefined) {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: jsonSchema(schema),
  }));
}

function headerParameters(headers: RouteDoc["headers"] = {}) {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: "header",
    required: false,
    description,
    schema: { type: "string" },
  }));
}

function jsonSchema(schema: z.core.$ZodType, io: "input" | "output" = "input") {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

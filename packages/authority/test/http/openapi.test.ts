import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { z } from "zod";
import { parseConfig } from "../../src/config.ts";
import { routesOf } from "../../src/http/routes.ts";
import { TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";

const config = { compat: { faces: ["jwt-issuer" as const] } };

interface Operation {
  readonly operationId: string;
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const bounds = z.looseObject({ minimum: z.number().default(0), maximum: z.number().default(0) });
const clientBody = z.object({
  content: z.object({
    "application/json": z.object({ schema: z.object({ properties: z.record(z.string(), bounds) }) }),
  }),
});

/** Creates a client over HTTP, as an administrator. */
async function create(authority: TestAuthority, body: object): Promise<Response> {
  const { client, secret } = await authority.client({ scopes: ["superuser"] });
  const fields = { client_id: client.clientId, client_secret: secret, scope: "superuser" };
  const issued = await authority.form("/oauth/token", { grant_type: "client_credentials", ...fields });
  const headers = { authorization: `Bearer ${issued.body.access_token}`, "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  return authority.fetch(new Request(`${TEST_ISSUER}/api/v1/client`, init));
}

async function fetchDocument(): Promise<Document> {
  const authority = await testAuthority({ config });
  const response = await authority.fetch(new Request(`${TEST_ISSUER}/openapi.json`), { address: "127.0.0.1" });
  assert.equal(response.status, 200);
  await authority.close();
  return (await response.json()) as Document;
}

describe("/openapi.json", () => {
  it("is valid OpenAPI 3.1", async () => {
    const document = await fetchDocument();
    const result = await new Validator().validate({ ...document });
    assert.deepEqual(result.errors ?? [], []);
    assert.match(document.openapi, /^3\.1\./);
  });

  it("has an operation with an id of its own for every route", async () => {
    const { paths } = await fetchDocument();
    const routes = routesOf(parseConfig({ issuer: TEST_ISSUER, ...config }));
    const ids = new Set<string>();
    for (const { method, path } of routes) {
      const operation = paths[path.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
      assert.ok(operation, `${method} ${path}`);
      ids.add(operation.operationId);
    }
    assert.equal(ids.size, routes.length);
  });

  it("allows clients the lifetimes that are taken, and no others", async () => {
    const { paths } = await fetchDocument();
    const { properties } = clientBody.parse(paths["/api/v1/client"]?.post?.requestBody).content["application/json"]
      .schema;
    const authority = await testAuthority();
    const lifetimes = Object.entries(properties).filter(([name]) => /_ttl$/.test(name));
    assert.equal(lifetimes.length, 3);
    for (const [name, { minimum, maximum }] of lifetimes) {
      for (const [value, status] of [
        [minimum - 1, 400],
        [minimum, 200],
        [maximum, 200],
        [maximum + 1, 400],
      ] as const) {
        const body = { client_name: "c", scopes: [], grants: [], [name]: value };
        assert.equal((await create(authority, body)).status, status, `${name}: ${value}`);
      }
    }
    await authority.close();
  });

  it("promises no content where none comes", async () => {
    const { paths } = await fetchDocument();
    assert.deepEqual(paths["/oauth/revoke"]?.post?.responses["200"], { description: "Done" });
  });

  it("derives request bodies from the schemas that check them", async () => {
    const { paths } = await fetchDocument();
    const body = JSON.stringify(paths["/api/v1/client"]?.post?.requestBody);
    assert.match(body, /"additionalProperties":false/);
    assert.match(body, /"required":\["client_name","scopes","grants"\]/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { parseConfig } from "../../src/config.ts";
import { routesOf } from "../../src/http/routes.ts";
import { testAuthority, testIssuer } from "../../src/testing.ts";

const config = { compat: { faces: ["jwt-issuer" as const] } };

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly operationId: string; readonly requestBody?: unknown }>>>
  >;
}

async function fetchDocument(): Promise<Document> {
  const authority = await testAuthority({ config });
  const response = await authority.fetch(new Request(`${testIssuer}/openapi.json`), { address: "127.0.0.1" });
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
    const routes = routesOf(parseConfig({ issuer: testIssuer, ...config }));
    const ids = new Set<string>();
    for (const { method, path } of routes) {
      const operation = paths[path.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
      assert.ok(operation, `${method} ${path}`);
      ids.add(operation.operationId);
    }
    assert.equal(ids.size, routes.length);
  });

  it("derives request bodies from the schemas that check them", async () => {
    const { paths } = await fetchDocument();
    const body = JSON.stringify(paths["/api/v1/client"]?.post?.requestBody);
    assert.match(body, /"additionalProperties":false/);
    assert.match(body, /"required":\["client_name","scopes","grants"\]/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLambdaHandler, type LambdaEvent } from "@countersign/authority/lambda";
import { testAuthority } from "../src/testing.ts";
import { certificate } from "./node/certificates.ts";

interface Wishes extends Partial<Omit<LambdaEvent, "requestContext">> {
  readonly method?: string;
  readonly requestContext?: Partial<LambdaEvent["requestContext"]>;
}

/** An event as AWS documents payload format 2.0. */
function event({ method = "GET", requestContext, ...wishes }: Wishes): LambdaEvent {
  return {
    version: "2.0",
    rawPath: "/",
    rawQueryString: "",
    headers: { host: "id.example.com", "x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https" },
    isBase64Encoded: false,
    ...wishes,
    requestContext: {
      domainName: "id.example.com",
      http: { method, sourceIp: "192.0.2.7" },
      ...requestContext,
    },
  };
}

const fails = (error: unknown) => assert.fail(String(error));

async function aFunction(options: Parameters<typeof testAuthority>[0] = {}) {
  const authority = await testAuthority({
    ...options,
    config: { issuer: "https://id.example.com", ...options.config },
  });
  return { ...authority, handler: createLambdaHandler({ open: async () => authority, onFailure: fails }) };
}

const form = { "content-type": "application/x-www-form-urlencoded" };

describe("createLambdaHandler", () => {
  it("answers a grant, its form as text or as base64", async () => {
    const { handler, client } = await aFunction();
    const { client: made, secret } = await client({ scopes: ["read"] });
    const text = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: made.clientId,
      client_secret: secret,
    }).toString();
    const asked = { method: "POST", rawPath: "/oauth/token", headers: { host: "id.example.com", ...form } };
    for (const content of [
      { body: text, isBase64Encoded: false },
      { body: btoa(text), isBase64Encoded: true },
    ]) {
      const response = await handler(event({ ...asked, ...content }));
      assert.equal(response.statusCode, 200, response.body);
      assert.equal(JSON.parse(response.body).token_type, "Bearer");
      assert.equal(response.headers["cache-control"], "no-store");
    }
  });

  it("reads the query, and answers bytes as base64", async () => {
    const { handler } = await aFunction();
    const refused = await handler(event({ rawPath: "/api/v1/client", rawQueryString: "limit=1" }));
    assert.equal(refused.statusCode, 401);
    const keys = await handler(event({ rawPath: "/.well-known/jwks.json" }));
    const text = keys.isBase64Encoded ? Buffer.from(keys.body, "base64").toString() : keys.body;
    assert.ok(JSON.parse(text).keys.length > 0);
  });

  it("takes nobody for this machine, wherever the gateway says that it is", async () => {
    const { handler } = await aFunction();
    const response = await handler(
      event({
        method: "POST",
        rawPath: "/oauth/token",
        headers: { host: "localhost", ...form },
        body: "grant_type=password&client_id=loopback&username=admin&password=x",
        requestContext: { http: { method: "POST", sourceIp: "127.0.0.1" } },
      }),
    );
    assert.equal(response.statusCode, 401, response.body);
  });

  it("counts attempts by the address that the gateway saw, not by what a header says", async () => {
    const { handler, events } = await aFunction();
    await handler(event({ rawPath: "/api/v1/client", headers: { "x-forwarded-for": "198.51.100.1" } }));
    const addresses = events.flatMap(({ name, fields }) => (name === "request.refused" ? [fields.address] : []));
    assert.deepEqual(addresses, ["192.0.2.7"]);
  });

  it("knows the client by the certificate that the gateway verified", async () => {
    const { handler, client } = await aFunction({ clientCertificates: "self-signed or trusted" });
    const { cert } = certificate({ name: "service", dnsName: "service.example.com" });
    const { clientId } = (
      await client({ authMethod: "tls_client_auth", certificate: { sanDns: "service.example.com" } })
    ).client;
    const ask = (clientCertPem?: string) =>
      handler(
        event({
          method: "POST",
          rawPath: "/oauth/token",
          headers: { host: "id.example.com", ...form },
          body: new URLSearchParams({ grant_type: "client_credentials", client_id: clientId }).toString(),
          requestContext: {
            http: { method: "POST", sourceIp: "192.0.2.7" },
            ...(clientCertPem === undefined ? {} : { authentication: { clientCert: { clientCertPem } } }),
          },
        }),
      );
    assert.equal((await ask(cert)).statusCode, 200);
    assert.equal((await ask()).statusCode, 401);
  });

  it("refuses a body that is too large", async () => {
    const { handler } = await aFunction({ config: { limits: { body_bytes: 1024 } } });
    const asked = { method: "POST", rawPath: "/oauth/token", headers: { host: "id.example.com", ...form } };
    assert.equal((await handler(event({ ...asked, body: "a".repeat(1025) }))).statusCode, 413);
  });

  it("opens once, and again after a failure, of which the caller hears no more than when to come again", async () => {
    const failures: unknown[] = [];
    const authority = await testAuthority();
    const opened = [Promise.reject(new Error("no database at db.internal")), Promise.resolve(authority)];
    let times = 0;
    const handler = createLambdaHandler({
      open: () => opened[times++] ?? assert.fail("opened again"),
      onFailure: (error) => failures.push(error),
    });
    const first = await handler(event({ rawPath: "/health/live" }));
    assert.deepEqual([first.statusCode, first.headers["retry-after"]], [503, "2"]);
    assert.ok(!first.body.includes("db.internal"));
    assert.match(String(failures[0]), /db\.internal/);
    const later = await Promise.all(Array.from({ length: 3 }, () => handler(event({ rawPath: "/health/live" }))));
    assert.deepEqual(
      later.map(({ statusCode }) => statusCode),
      [200, 200, 200],
    );
    assert.equal(times, 2);
  });
});

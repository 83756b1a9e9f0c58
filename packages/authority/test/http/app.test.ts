import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { incomingRequest } from "../../src/node/incoming-request.ts";
import { TEST_ISSUER, testAuthority } from "../../src/testing.ts";

const rows: readonly {
  readonly id: string;
  readonly method?: string;
  readonly target: string;
  readonly status: number;
  readonly route: string;
}[] = [
  { id: "a literal path", target: "/health/live", status: 200, route: "/health/live" },
  { id: "with a query", target: "/health/live?x=/status", status: 200, route: "/health/live" },
  { id: "with a fragment", target: "/health/live#x", status: 200, route: "/health/live" },
  { id: "HEAD for GET", method: "HEAD", target: "/health/live", status: 200, route: "/health/live" },
  { id: "a path with a parameter", target: "/api/v1/user/nobody", status: 401, route: "/api/v1/user/:id" },
  { id: "the pattern itself as a path", target: "/api/v1/user/:id", status: 401, route: "/api/v1/user/:id" },
];

describe("createApp", () => {
  for (const { id, method = "GET", target, status, route } of rows) {
    it(`finds the route of ${id}`, async () => {
      const authority = await testAuthority();
      const response = await authority.fetch(new Request(`${TEST_ISSUER}${target}`, { method }));
      assert.equal(response.status, status);
      assert.equal(authority.requests.at(-1)?.route, route);
      await authority.close();
    });
  }

  for (const [method, path, status, route] of [
    ["GET", "/nothing", 404, "(none)"],
    ["GET", "/oauth/token", 405, "/oauth/token"],
    ["BREW", "/status", 405, "/status"],
    ["OPTIONS", "/oauth/token", 204, "/oauth/token"],
  ] as const) {
    it(`counts ${method} ${path}, which no route answers: ${status}`, async () => {
      const authority = await testAuthority();
      assert.equal((await authority.fetch(new Request(`${TEST_ISSUER}${path}`, { method }))).status, status);
      assert.deepEqual(authority.requests, [{ route, method: "other", status, durationMs: 0 }]);
      await authority.close();
    });
  }

  it("answers a method that the path does not have with those it has (RFC 9110 section 15.5.6)", async () => {
    const authority = await testAuthority();
    const response = await authority.fetch(new Request(`${TEST_ISSUER}/oauth/token`, { method: "GET" }));
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "POST");
    await authority.close();
  });

  for (const [announced, length, status] of [
    ["nothing", 65_537, 413],
    ["less than it sends", 65_537, 413],
    ["as much as is allowed", 65_536, 401],
  ] as const) {
    it(`counts what a body of ${length} bytes holds that announces ${announced}: ${status}`, async () => {
      const authority = await testAuthority();
      const headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded" };
      if (announced !== "nothing") headers["content-length"] = announced.startsWith("less") ? "1" : String(length);
      const request = new Request(`${TEST_ISSUER}/oauth/token`, { method: "POST", headers, body: "a".repeat(length) });
      assert.equal((await authority.fetch(request)).status, status);
      await authority.close();
    });
  }

  for (const host of ["localhost:99999", "1.2.3.4.5", "[1.2.3]", "localhost:8080"]) {
    it(`reads the query of a request whose Host is ${host}`, async () => {
      const authority = await testAuthority();
      const { client, secret } = await authority.client({ scopes: ["superuser"] });
      await authority.client();
      const fields = { client_id: client.clientId, client_secret: secret, scope: "superuser" };
      const { body } = await authority.form("/oauth/token", { grant_type: "client_credentials", ...fields });
      const answer = await authority.respond(
        incomingRequest({
          method: "GET",
          url: `http://${host}/api/v1/client?limit=1&search=%74est`,
          rawHeaders: ["Authorization", `Bearer ${body.access_token}`],
          body: undefined,
        }),
      );
      assert.equal(answer.status, 200);
      assert.match(String(answer.body), /"next":/);
      await authority.close();
    });
  }

  for (const path of ["/openapi.json", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"]) {
    it(`prepares ${path} once: all its answers share the bytes`, async () => {
      const authority = await testAuthority();
      const request = incomingRequest({ method: "GET", url: `${TEST_ISSUER}${path}`, rawHeaders: [], body: undefined });
      const [one, other] = [await authority.respond(request), await authority.respond(request)];
      assert.ok(one.body instanceof Uint8Array && one.body.length > 0);
      assert.equal(one.body, other.body);
      await authority.close();
    });
  }

  it("knows nothing else", async () => {
    const authority = await testAuthority();
    for (const path of ["/index.html", "/oauth", "/oauth/token/", "//oauth/token", "/OAUTH/TOKEN"]) {
      assert.equal((await authority.fetch(new Request(`${TEST_ISSUER}${path}`, { method: "POST" }))).status, 404, path);
    }
    await authority.close();
  });
});

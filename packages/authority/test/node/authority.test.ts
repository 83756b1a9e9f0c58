import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { after, before, describe, it } from "node:test";
import { systemClock } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { createLog } from "../../src/audit/log.ts";
import { type Authority, createAuthority } from "../../src/authority.ts";
import { parseConfig } from "../../src/config.ts";
import { createKeyEncryptionKey } from "../../src/keys/key-encryption-key.ts";
import { type Served, serveAuthority } from "../../src/node.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { prepareFirstStart } from "../../src/users/first-start.ts";
import { exchangeRaw, statusesOf } from "./raw-socket.ts";

/** Looks like a secret of ours: ids and scopes that do not are named. */
const canary = "canary-7f3a".padEnd(43, "x");
let authority: Authority;
let served: Served;
let password: string;
let logged = "";

const parts = {
  store: createMemoryStore({ clock: systemClock }),
  keyEncryptionKey: createKeyEncryptionKey(seededRandom(1).bytes(32)),
};

before(async () => {
  const log = createLog({
    level: "debug",
    write: (lines) => {
      logged += lines;
    },
  });
  authority = await createAuthority({
    ...parts,
    config: parseConfig({ issuer: "http://localhost" }),
    observer: log,
  });
  const first = await prepareFirstStart(authority.services);
  password = first.adminPassword ?? "";
  // Dual stack, so that IPv4 peers show as IPv4-mapped addresses.
  const host = hasIpv6() ? "::" : "0.0.0.0";
  served = await serveAuthority(authority, { host, port: 0, insecureHttp: true, observer: log });
});
after(async () => {
  await served.close();
  await authority.close();
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
}

function message(method: string, path: string, headers: readonly string[], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [`${method} ${path} HTTP/1.1`, "Connection: close", ...length, ...headers, "", body].join("\r\n");
}

const formType = "Content-Type: application/x-www-form-urlencoded";

function adminLogin(...headers: readonly string[]): string {
  const form = { grant_type: "password", client_id: "loopback", username: "admin", password, scope: "superuser" };
  return message("POST", "/oauth/token", [formType, ...headers], new URLSearchParams(form).toString());
}

describe("loopback over real sockets", () => {
  const host = "Host: localhost";
  const rows: readonly { readonly id: string; readonly headers: readonly string[]; readonly status: number }[] = [
    { id: "D11 control: an IPv4 peer on a dual-stack socket", headers: [host], status: 200 },
    { id: "D11 Host: 127.0.0.1", headers: ["Host: 127.0.0.1"], status: 200 },
    { id: "D11 Host: [::1]", headers: ["Host: [::1]"], status: 200 },
    ...[
      "X-Forwarded-For: 127.0.0.1",
      "Forwarded: for=127.0.0.1",
      "X-Real-IP: 127.0.0.1",
      "True-Client-IP: 127.0.0.1",
      "Via: 1.1 proxy",
      "X-Forwarded-Host: localhost",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Port: 443",
      "X-Forwarded-Server: proxy",
      "X-Forwarded-Prefix: /id",
      "X-Forwarded-Ssl: on",
      "X-Forwarded-Scheme: https",
      "X-Forwarded-Client-Cert: By=proxy",
      "Client-Cert: :AA==:",
      "X-Client-IP: 127.0.0.1",
      "X-Cluster-Client-IP: 127.0.0.1",
      "CF-Connecting-IP: 127.0.0.1",
      "Fastly-Client-IP: 127.0.0.1",
      "X-Envoy-External-Address: 127.0.0.1",
      "X-Envoy-Internal: true",
    ].map((header) => ({ id: `D12 behind a proxy that says ${header}`, headers: [host, header], status: 401 })),
    { id: "D13 DNS rebinding: Host: evil.test", headers: ["Host: evil.test"], status: 421 },
    { id: "D13 another site's page: Origin", headers: [host, "Origin: https://evil.test"], status: 403 },
  ];
  for (const { id, headers, status } of rows) {
    it(`${id}: ${status}`, async () => {
      assert.deepEqual(statusesOf(await exchangeRaw(served.port, adminLogin(...headers))), [status]);
    });
  }

  it("D12 behind a proxy that speaks HTTP/1.0 and says nothing: 401", async () => {
    const relayed = adminLogin(host).replace("HTTP/1.1", "HTTP/1.0");
    assert.deepEqual(statusesOf(await exchangeRaw(served.port, relayed)), [401]);
  });

  it("D12 behind a proxy that says nothing at all, with loopback_privileges off: nobody is on loopback", async (context) => {
    const closed = await createAuthority({
      ...parts,
      config: parseConfig({
        issuer: "http://localhost",
        server: { loopback_privileges: false },
        compat: { faces: ["jwt-issuer"] },
      }),
    });
    const closedServed = await serveAuthority(closed, { port: 0 });
    context.after(async () => {
      await closedServed.close();
      await closed.services.keys.close();
    });
    const status = async (request: string) => statusesOf(await exchangeRaw(closedServed.port, request));
    assert.deepEqual(await status(adminLogin(host)), [401]);
    assert.deepEqual(await status(message("GET", "/metrics", [host])), [404]);
    const named = message("POST", "/auth/token", [host, "Content-Type: application/json"], '{"name":"x"}');
    assert.deepEqual(await status(named), [403]);
    const login = await exchangeRaw(served.port, adminLogin(host));
    const token = /"access_token":"([^"]+)/.exec(login)?.[1];
    assert.ok(token, login);
    const list = message("GET", "/api/v1/client", [host, `Authorization: Bearer ${token}`]);
    assert.deepEqual(statusesOf(await exchangeRaw(served.port, list)), [200]);
    assert.deepEqual(await status(list), [401]);
  });

  it("D10 no header makes a peer from elsewhere loopback", async () => {
    const elsewhere = { address: "192.0.2.7" };
    for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "host"]) {
      const request = new Request("http://localhost/oauth/token", {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", [name]: "127.0.0.1" },
        body: new URLSearchParams({ grant_type: "password", client_id: "loopback", username: "admin", password }),
      });
      assert.equal((await authority.fetch(request, elsewhere)).status, 401);
    }
  });
});

describe("administration over real sockets (B31)", () => {
  const paths = [
    "//api/v1/client",
    "/api//v1/client",
    "/api/v1/client/",
    "/api/v1/%63lient",
    "/api/v1/client;x",
    "/./api/v1/client",
    "/API/v1/client",
    "/oauth/../api/v1/client",
    "/api/v1/client%00",
  ];
  it("control: the canonical path is guarded", async () => {
    assert.deepEqual(
      statusesOf(await exchangeRaw(served.port, message("GET", "/api/v1/client", ["Host: localhost"]))),
      [401],
    );
  });
  for (const path of paths) {
    it(`${path}: 404`, async () => {
      assert.deepEqual(statusesOf(await exchangeRaw(served.port, message("GET", path, ["Host: localhost"]))), [404]);
    });
  }
});

describe("the log", () => {
  const host = "Host: localhost";
  const json = "Content-Type: application/json";
  const basic = `Authorization: Basic ${Buffer.from(`nobody:${canary}`).toString("base64")}`;
  const form = (fields: Readonly<Record<string, string>>) => new URLSearchParams(fields).toString();
  const user = { grant_type: "password", client_id: "loopback", username: "admin" };
  const rows: readonly { readonly where: string; readonly build: () => string }[] = [
    {
      where: "password",
      build: () => message("POST", "/oauth/token", [host, formType], form({ ...user, password: canary })),
    },
    {
      where: "a password in place of the username",
      build: () =>
        message("POST", "/oauth/token", [host, formType], form({ ...user, username: canary, password: "x" })),
    },
    {
      where: "client_secret",
      build: () =>
        message("POST", "/oauth/token", [host, formType], form({ ...user, client_secret: canary, password: "x" })),
    },
    {
      where: "grant_type",
      build: () =>
        message("POST", "/oauth/token", [host, formType], form({ grant_type: canary, client_id: "loopback" })),
    },
    {
      where: "refresh_token",
      build: () =>
        message(
          "POST",
          "/oauth/token",
          [host, formType],
          form({ ...user, grant_type: "refresh_token", refresh_token: canary }),
        ),
    },
    {
      where: "scope",
      build: () => message("POST", "/oauth/token", [host, formType], form({ ...user, password, scope: canary })),
    },
    {
      where: "Basic",
      build: () => message("POST", "/oauth/token", [host, formType, basic], form({ grant_type: "client_credentials" })),
    },
    {
      where: "the query",
      build: () => message("POST", `/oauth/token?client_secret=${canary}`, [host, formType], form(user)),
    },
    { where: "the path", build: () => message("GET", `/api/v1/client/${canary}`, [host]) },
    { where: "an unknown path", build: () => message("GET", `/${canary}`, [host]) },
    { where: "a path that is refused", build: () => message("GET", `//${canary}`, [host]) },
    { where: "an invented method", build: () => message(canary.toUpperCase(), "/", [host]) },
    {
      where: "Bearer",
      build: () => message("GET", "/api/v1/client", [host, `Authorization: Bearer ${canary}.${canary}.${canary}`]),
    },
    {
      where: "User-Agent and Cookie",
      build: () => message("GET", "/status", [host, `User-Agent: ${canary}`, `Cookie: s=${canary}`]),
    },
    {
      where: "JSON",
      build: () =>
        message("POST", "/api/v1/register", [host, json], JSON.stringify({ username: canary, password: canary })),
    },
    {
      where: "a password change",
      build: () =>
        message(
          "PATCH",
          `/api/v1/username/${canary}/password`,
          [host, json],
          JSON.stringify({ current_password: canary, new_password: canary }),
        ),
    },
    {
      where: "the token to be revoked",
      build: () => message("POST", "/oauth/revoke", [host, formType], form({ client_id: "loopback", token: canary })),
    },
    { where: "a malformed body", build: () => message("POST", "/oauth/token", [host, formType], `%zz${canary}`) },
  ];
  for (const { where, build } of rows) {
    it(`never holds what stood in ${where}`, async () => {
      const before = logged.length;
      const answer = await exchangeRaw(served.port, build());
      assert.equal(statusesOf(answer).length, 1, answer);
      await new Promise((resolve) => setImmediate(resolve));
      assert.doesNotMatch(logged.slice(before), new RegExp(canary, "i"));
      assert.doesNotMatch(answer, new RegExp(canary, "i"));
    });
  }

  it("never holds the password, the token or the secret of what succeeds", async () => {
    const answer = await exchangeRaw(served.port, adminLogin("Host: localhost"));
    const token = /"access_token":"([^"]+)"/.exec(answer)?.[1] ?? "";
    const created = await exchangeRaw(
      served.port,
      message(
        "POST",
        "/api/v1/client",
        ["Host: localhost", "Content-Type: application/json", `Authorization: Bearer ${token}`],
        JSON.stringify({ client_name: "c", scopes: [], grants: ["client_credentials"], credential: true }),
      ),
    );
    const secret = /"client_secret":"([^"]+)"/.exec(created)?.[1] ?? "";
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(logged, /"event":"token.issued".*"clientId":"loopback"/);
    for (const value of [password, token, secret]) {
      assert.ok(value.length > 30);
      assert.ok(!logged.includes(value));
    }
  });
});

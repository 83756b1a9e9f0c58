import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  createAuthority,
  createKeyEncryptionKey,
  createMemoryStore,
  type HttpHandler,
  parseConfig,
  prepareFirstStart,
} from "@countersign/authority";
import { type Served, serveAuthority } from "@countersign/authority/node";
import { systemClock, systemRandom } from "@countersign/protocol";
import { type Commands, makeCommands } from "./commands.ts";
import { serveVaultRules, urlOf } from "./vault.ts";

const audience = "https://notes.example";

type Environment = Readonly<Record<string, string>>;

/** The examples as a reader runs them: processes of their own, against an authority on a socket. */
describe("the examples", () => {
  let served: Served;
  let close: () => Promise<void>;
  let clients: { readonly backend: Environment; readonly tool: Environment };
  let commands: Commands;
  let adminPassword = "";
  const running: ChildProcess[] = [];

  before(async () => {
    const relay: { respond?: HttpHandler } = {};
    served = await serveAuthority(
      { respond: async (...args) => (await relay.respond?.(...args)) ?? { status: 503, headers: {}, body: null } },
      { port: 0 },
    );
    const authority = await startAuthority(served.url);
    relay.respond = authority.respond;
    clients = await makeClients(authority);
    commands = await makeCommands();
    adminPassword = (await prepareFirstStart(authority.services)).adminPassword ?? "";
    close = async () => {
      await served.close();
      await authority.close();
      await commands.remove();
    };
  });

  after(async () => {
    for (const child of running) child.kill();
    await close();
  });

  it("01 and 02: a backend reads with one permission level and writes with the other", async () => {
    const resource = spawnExample("01-resource-server.ts", { ISSUER: served.url, AUDIENCE: audience, PORT: "0" });
    running.push(resource);
    const [line] = await once(resource.stdout ?? resource, "data");
    const url = /http:\S+/.exec(String(line))?.[0] ?? "";
    const output = await run("02-confidential-client.ts", { ISSUER: served.url, RESOURCE: url, ...clients.backend });
    assert.deepEqual(output.trim().split("\n"), [
      'GET 200 {"notes":["The first note"]}',
      'POST 403 {"error":"insufficient_scope"}',
      'POST 200 {"notes":["The first note","Note 2"]}',
    ]);
    const stranger = await fetch(url, { headers: { authorization: "Bearer a.b.c" } });
    assert.equal(stranger.status, 401);
  });

  it("01: says for whom a token is, when it is for somebody else, and that the authority cannot be reached", async () => {
    const { CLIENT_ID = "", CLIENT_SECRET = "" } = clients.backend;
    const granted = await fetch(`${served.url}/oauth/token`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}` },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    const { access_token } = (await granted.json()) as { access_token: string };
    const rows = [
      { ISSUER: served.url, AUDIENCE: "https://other.example", status: 401, says: /notes\.example.*other\.example/ },
      {
        ISSUER: `${served.url}/`,
        AUDIENCE: audience,
        status: 401,
        says: /"iss".*the token has "http.*expected is http.*\/\n/,
      },
      {
        ISSUER: "http://127.0.0.1:9",
        AUDIENCE: audience,
        status: 503,
        says: /cannot get the keys of http:\/\/127\.0\.0\.1:9/,
      },
    ];
    for (const { status, says, ...environment } of rows) {
      const resource = spawnExample("01-resource-server.ts", { ...environment, PORT: "0" }, "pipe");
      running.push(resource);
      let log = "";
      resource.stderr?.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
      const [line] = await once(resource.stdout ?? resource, "data");
      const url = /http:\S+/.exec(String(line))?.[0] ?? "";
      const answer = await fetch(url, { headers: { authorization: `Bearer ${access_token}` } });
      assert.equal(answer.status, status, log);
      while (!says.test(log)) await once(resource.stderr ?? resource, "data");
    }
  });

  it("03: a tool logs in, refreshes, retries and logs out", async () => {
    const output = await run("03-public-client.ts", { ISSUER: served.url, ...clients.tool });
    assert.deepEqual(output.trim().split("\n"), [
      "logged in; the access token lives 900 s",
      "refreshed; the refresh token changed: true",
      "a retry got the same successor: true",
      "logged out; a refresh now answers invalid_grant",
    ]);
  });

  it("04: Vault accepts the client's tokens, and no other's", async () => {
    await using vault = await serveVaultRules();
    const environment = {
      PATH: `${commands.path}:${process.env.PATH}`,
      COUNTERSIGN_URL: served.url,
      COUNTERSIGN_PASSWORD: adminPassword,
      VAULT_ADDR: urlOf(vault),
    };
    const answerOf = (output: string) => JSON.parse(output.trim().split("\n").at(-1) ?? "");
    const first = await run("04-vault.sh", environment);
    assert.deepEqual(answerOf(first), { auth: { alias: "vault-example" } });
    // Another client on the same mount, beside the first.
    const second = await run("04-vault.sh", { ...environment, CLIENT_ID: "second" });
    assert.deepEqual(answerOf(second), { auth: { alias: "second" } });
    const { CLIENT_ID = "", CLIENT_SECRET = "" } = clients.backend;
    const token = await fetch(`${served.url}/oauth/token`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}` },
      body: new URLSearchParams({ grant_type: "client_credentials" }),
    });
    const { access_token: jwt } = (await token.json()) as { access_token: string };
    const login = { method: "POST", body: JSON.stringify({ role: "vault-example", jwt }) };
    const refused = await fetch(`${urlOf(vault)}/v1/auth/jwt/login`, login);
    assert.deepEqual(await refused.json(), { errors: ["Error: invalid subject"] });
  });

  it("05: the curl lines of confidential-token-broker's README run as they are", async () => {
    const environment = { PATH: `${commands.path}:${process.env.PATH}`, PORT: "0", RESOURCE_PORT: "0" };
    const broker = spawnExample("05-token-broker.ts", environment);
    running.push(broker);
    const lines: string[] = [];
    for await (const line of createInterface({ input: broker.stdout ?? process.stdin })) {
      lines.push(line);
      if (lines.length === 3) break;
    }
    const [exchange = "", jwks = "", api = ""] = lines;
    const { "Access Token": token } = JSON.parse(await shell(exchange));
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.deepEqual(
      JSON.parse(await shell(jwks))
        .keys.map(({ use, e }: { use: string; e?: string }) => [use, e])
        .filter(([, e]: unknown[]) => e),
      [["sig", "AQAB"]],
    );
    assert.match(await shell(api.replace("ACCESS_TOKEN", token)), /^Access Token parsed successfully/);
    assert.match(await shell(api), /parsing failure/);
  });
});

/** Runs one line as a reader would. */
async function shell(line: string): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-c", line]);
  return stdout;
}

async function startAuthority(issuer: string) {
  return createAuthority({
    config: parseConfig({ issuer }),
    store: createMemoryStore({ clock: systemClock }),
    keyEncryptionKey: createKeyEncryptionKey(systemRandom.bytes(32)),
  });
}

async function makeClients({ services }: Awaited<ReturnType<typeof startAuthority>>) {
  const common = { loopback: false, disabled: false, token: { audience: [audience] } };
  const backend = await services.clients.create(
    {
      ...common,
      clientName: "backend",
      scopes: ["notes:read", "notes:write"],
      grants: ["client_credentials"],
      authMethod: "client_secret_basic",
    },
    "test",
  );
  const tool = await services.clients.create(
    {
      ...common,
      clientName: "tool",
      scopes: ["notes:read", "offline_access"],
      grants: ["password", "refresh_token"],
      authMethod: "none",
    },
    "test",
  );
  const password = "correct horse battery";
  await services.users.register({ username: "alice", password, fullName: "Alice", scopes: ["notes:read"] }, "test");
  return {
    backend: { CLIENT_ID: backend.client.clientId, CLIENT_SECRET: backend.secret ?? "" },
    tool: { CLIENT_ID: tool.client.clientId, LOGIN_NAME: "alice", PASSWORD: password },
  };
}

function spawnExample(file: string, environment: Environment, stderr: "inherit" | "pipe" = "inherit"): ChildProcess {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const [program, ...args] = path.endsWith(".sh")
    ? (["sh", path] as const)
    : ([process.execPath, "-C", "@countersign/source", path] as const);
  return spawn(program, args, {
    env: { ...process.env, NODE_NO_WARNINGS: "1", ...environment },
    stdio: ["ignore", "pipe", stderr],
  });
}

async function run(file: string, environment: Environment): Promise<string> {
  const child = spawnExample(file, environment);
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0, output);
  return output;
}

/**
 * Countersign as its users run it: the command, built, on SQLite with synchronous=FULL, hashed secrets and a durable
 * audit record for each grant. Clients and users are made over its own API.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Fields = Readonly<Record<string, string>>;

/** A server that runs, and what the load sends to it. */
export interface Countersign {
  readonly name: string;
  readonly child: ChildProcess;
  readonly url: string;
  readonly origin: string;
  /** An access token with the scope superuser. */
  readonly admin: string;
  readonly grant: Fields;
  readonly app: string;
  readonly refreshTokens: readonly string[];
}

/** A started command, before anything is set up in it. */
export interface Started {
  readonly child: ChildProcess;
  readonly origin: string;
  readonly adminPassword: string;
}

const command = "packages/cli/bin/countersign.js";

/**
 * Starts the command of a checkout on a new data directory; resolves when it has printed its address and the first password.
 *
 * @param checkout this one by default
 */
export async function startCommand(data: string, checkout = "."): Promise<Started> {
  mkdirSync(data, { recursive: true });
  const config = join(data, "countersign.toml");
  writeFileSync(config, "[limits]\naddress_attempts_per_minute = 10000\n");
  const args = [join(checkout, command), "serve", "--listen", "127.0.0.1:0", "--data", data, "--config", config];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  for await (const chunk of child.stdout) {
    text += chunk;
    const origin = /listening at (\S+)/.exec(text)?.[1];
    const adminPassword = /admin password: (\S{32})/.exec(text)?.[1];
    if (origin !== undefined && adminPassword !== undefined) {
      child.stdout.resume();
      return { child, origin, adminPassword };
    }
  }
  throw new Error(`Cannot read the address and the password from what the server printed: ${text}`);
}

/** A server with a confidential client, and with as many logins of one user as there will be devices. */
export async function startCountersign(data: string, devices: number, checkout?: string): Promise<Countersign> {
  const { child, origin, adminPassword } = await startCommand(data, checkout);
  const url = `${origin}/oauth/token`;
  const admin = await token(url, {
    grant_type: "password",
    client_id: "loopback",
    username: "admin",
    password: adminPassword,
    scope: "superuser",
  });
  const api = (path: string, body: object) => post(`${origin}${path}`, JSON.stringify(body), "application/json", admin);
  const backend = await api("/api/v1/client", {
    client_name: "backend",
    scopes: ["read"],
    grants: ["client_credentials"],
    credential: true,
  });
  const app = await api("/api/v1/client", {
    client_name: "app",
    scopes: ["read", "offline_access"],
    grants: ["password", "refresh_token"],
  });
  const password = "correct horse battery";
  await api("/api/v1/user", { username: "alice", password, full_name: "Alice", scopes: ["read"] });
  const login = {
    grant_type: "password",
    client_id: app.client_id ?? "",
    username: "alice",
    password,
    scope: "read offline_access",
  };
  const refreshTokens: string[] = [];
  for (let device = 0; device < devices; device++) refreshTokens.push((await form(url, login)).refresh_token ?? "");
  const grant = {
    grant_type: "client_credentials",
    client_id: backend.client_id ?? "",
    client_secret: backend.client_secret ?? "",
    scope: "read",
  };
  return { name: "countersign", child, url, origin, admin, grant, app: app.client_id ?? "", refreshTokens };
}

/** Resident memory of a process, in MB. */
export function residentMb(child: ChildProcess): number {
  return Math.round(Number(execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)])) / 1024);
}

async function token(url: string, fields: Fields): Promise<string> {
  return (await form(url, fields)).access_token ?? "";
}

async function form(url: string, fields: Fields): Promise<Fields> {
  return post(url, new URLSearchParams(fields).toString(), "application/x-www-form-urlencoded");
}

async function post(url: string, body: string, type: string, bearer?: string): Promise<Fields> {
  return send("POST", url, { body, type, ...(bearer === undefined ? {} : { bearer }) });
}

/** Sends a body, JSON unless it says otherwise, and reads the answer; a refusal fails. */
export async function send(
  method: "POST" | "PUT",
  url: string,
  { body, type = "application/json", bearer }: { body: string; type?: string; bearer?: string },
): Promise<Fields> {
  const headers = { "content-type": type, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) };
  const response = await fetch(url, { method, headers, body });
  const answer = (await response.json()) as Fields;
  if (!response.ok) throw new Error(`Cannot set up the server: ${answer.error_description}`);
  return answer;
}

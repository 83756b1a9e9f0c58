import { isLoopbackHost } from "@countersign/authority/node";
import { call, postForm, Refusal, strangerAt } from "./call.ts";
import type { Option, Run } from "./command.ts";
import { CliFailure, usageFailure } from "./failure.ts";
import type { JsonObject } from "./json-members.ts";
import { askSecret } from "./prompt.ts";
import { readSession } from "./session.ts";
import type { World } from "./world.ts";

/** The management API of a running authority. */
export interface Api {
  readonly url: string;
  get(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<JsonObject>;
  send(
    method: "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    body?: object,
    headers?: Headers,
  ): Promise<JsonObject>;
}

type Headers = Readonly<Record<string, string>>;

const DEFAULT_URL = "http://localhost:8080";

/** The options of every command that talks to a running authority. */
export const remoteOptions: Readonly<Record<string, Option>> = {
  url: { kind: "text", value: "URL", summary: `The authority; COUNTERSIGN_URL, or ${DEFAULT_URL}` },
  "insecure-http": { kind: "flag", summary: "Allow plain HTTP beyond loopback" },
};

/**
 * The base URL a command was given, without a slash at its end.
 *
 * @throws {CliFailure} when it is none, or plain HTTP would leave this machine and nobody said that it may.
 */
export function urlOf({ given, world }: Run): string {
  const text = given.text("url") ?? world.env.COUNTERSIGN_URL ?? DEFAULT_URL;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw usageFailure(`not a URL: ${text}`, EXAMPLE);
  if ([url.username, url.password, url.search, url.hash].join("") !== "" || url.pathname.includes("%")) {
    throw usageFailure(`more than the URL of an authority: ${url.origin}`, EXAMPLE);
  }
  const isPrivate = url.protocol === "https:" || isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ""));
  if (!isPrivate && !given.flag("insecure-http")) throw inTheOpen(url);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

const EXAMPLE = "such as https://id.example.com: scheme, host, and a port or path where it has them";

function inTheOpen({ origin }: URL): CliFailure {
  return usageFailure(
    `cannot use plain HTTP beyond loopback, where passwords and tokens can be read on the way: ${origin}`,
    "give an https URL, or --insecure-http where nobody else is on the network",
  );
}

/**
 * Opens the management API with COUNTERSIGN_TOKEN, with the session that `countersign login` keeps, or with the token that
 * name and password get: COUNTERSIGN_USERNAME (admin) and COUNTERSIGN_PASSWORD, or what the terminal answers.
 */
export async function openApi(run: Run): Promise<Api> {
  const url = urlOf(run);
  const given = tokenFrom(run.world.env);
  const kept = given ?? (await sessionToken(run, url));
  let login = kept === undefined ? await logIn(run, url) : undefined;
  let token = kept ?? (await login?.())?.accessToken ?? "";
  const send = (path: string, init: RequestInit = {}) =>
    call(`${url}${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  const sendAgain = async (path: string, init?: RequestInit) => {
    try {
      return await send(path, init);
    } catch (error) {
      if (given !== undefined || !(error instanceof Refusal) || error.code !== "invalid_token") throw error;
      // A command that runs on outlives its token, and a session may have been revoked.
      login ??= await logIn(run, url);
      token = (await login()).accessToken;
      return send(path, init);
    }
  };
  return {
    url,
    get: (path, query = {}) => sendAgain(`${path}${queryText(query)}`),
    send: (method, path, body, headers = {}) =>
      sendAgain(path, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** A path with its variable parts encoded: apiPath`/api/v1/client/${id}`. */
export function apiPath(texts: TemplateStringsArray, ...parts: readonly string[]): string {
  return String.raw({ raw: texts }, ...parts.map(encodeURIComponent));
}

function tokenFrom({ COUNTERSIGN_TOKEN }: World["env"]): string | undefined {
  const token = COUNTERSIGN_TOKEN?.trim() ?? "";
  if (token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CliFailure("COUNTERSIGN_TOKEN is not a token: it holds spaces or characters outside ASCII", {
    hints: ["unset it, or get another with countersign token get"],
  });
}

/** Who gives a password in the environment wants it used. */
async function sessionToken({ world }: Run, url: string): Promise<string | undefined> {
  if (passwordIn(world.env) !== undefined) return undefined;
  return (await readSession(world, url))?.accessToken;
}

/** An empty variable counts as unset. */
export function passwordIn({ COUNTERSIGN_PASSWORD }: World["env"]): string | undefined {
  return COUNTERSIGN_PASSWORD === "" ? undefined : COUNTERSIGN_PASSWORD;
}

/** What a login brought. */
export interface Login {
  readonly username: string;
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
}

/** Asks for the password once; each call of what it resolves to gets a new token with it. */
export async function logIn(run: Run, url: string, named?: string): Promise<() => Promise<Login>> {
  const { env } = run.world;
  const username = named ?? env.COUNTERSIGN_USERNAME ?? "admin";
  const password = passwordIn(env) ?? (await askSecret(run.world, `password of ${username}: `));
  if (password === undefined) {
    throw new CliFailure("no credential for the authority", {
      hints: [
        "log in with countersign login, set COUNTERSIGN_TOKEN or COUNTERSIGN_PASSWORD, or run this on a terminal",
      ],
    });
  }
  const form = { grant_type: "password", client_id: "loopback", username, password, scope: "superuser" };
  return async () => {
    try {
      const response = await postForm(`${url}/oauth/token`, form);
      const expiresIn = typeof response.expires_in === "number" ? response.expires_in : 0;
      return { username, accessToken: accessTokenOf(response, url), expiresIn };
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "invalid_scope") throw error;
      throw new Refusal(error.code, `this user is no administrator: ${username}`, [
        "name one with the scope superuser in COUNTERSIGN_USERNAME",
      ]);
    }
  };
}

/** @throws {CliFailure} when a response to a grant holds no token. */
export function accessTokenOf({ access_token }: JsonObject, url: string): string {
  if (typeof access_token !== "string") throw strangerAt(url);
  return access_token;
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

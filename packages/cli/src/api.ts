import type { Option, Run } from "./command.ts";
import { CliFailure, usageFailure } from "./failure.ts";
import { askSecret } from "./prompt.ts";

/** JSON of an answer, unchecked: it is shown, not trusted. */
export type Answer = Readonly<Record<string, unknown>>;

/** The management API of a running authority. */
export interface Api {
  readonly url: string;
  get(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<Answer>;
  send(method: "POST" | "PATCH" | "PUT" | "DELETE", path: string, body?: object): Promise<Answer>;
}

const defaultUrl = "http://localhost:8080";

/** The options of every command that talks to a running authority. */
export const remoteOptions: Readonly<Record<string, Option>> = {
  url: { kind: "text", value: "URL", summary: `The authority; COUNTERSIGN_URL, or ${defaultUrl}` },
};

/** The base URL a command was given, without a slash at its end. */
export function urlOf({ given, world }: Run): string {
  const text = given.text("url") ?? world.env.COUNTERSIGN_URL ?? defaultUrl;
  if (!URL.canParse(text) || !/^https?:/.test(text)) throw usageFailure(`not a URL: ${text}`);
  return text.replace(/\/+$/, "");
}

/**
 * Opens the management API with COUNTERSIGN_TOKEN, or with the token that name and password get: COUNTERSIGN_USERNAME
 * (admin) and COUNTERSIGN_PASSWORD, or what the terminal answers.
 */
export async function openApi(run: Run): Promise<Api> {
  const url = urlOf(run);
  const token = run.world.env.COUNTERSIGN_TOKEN || (await logIn(run, url));
  const headers = { authorization: `Bearer ${token}` };
  return {
    url,
    get: (path, query = {}) => call(`${url}${path}${queryText(query)}`, { headers }),
    send: (method, path, body) =>
      call(`${url}${path}`, {
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

/** Sends a form to an OAuth endpoint (RFC 6749 appendix B). Members that are undefined are left out. */
export function postForm(url: string, fields: Readonly<Record<string, string | undefined>>): Promise<Answer> {
  const pairs = Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return call(url, { method: "POST", body: new URLSearchParams(pairs) });
}

/**
 * Calls the authority and reads its JSON.
 *
 * @throws {CliFailure} with what the authority said, or why it cannot be reached.
 */
export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await reach(url, init);
  const text = await response.text();
  const answer = parseAnswer(text);
  if (response.ok) return answer;
  if (response.status === 404) throw new CliFailure(`not found: ${decodeURI(new URL(url).pathname)}`);
  const said = String(answer.error_description ?? answer.error ?? `the answer was ${response.status}`);
  const [what = said, ...how] = said.split("; ");
  throw new CliFailure(what, { hints: [...how, ...(credentialHints[String(answer.error)] ?? [])] });
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "error" });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const reason = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new CliFailure(`cannot reach the authority: ${new URL(url).origin}${reason}`, {
      hints: ["start it with countersign serve, or name it with --url"],
    });
  }
}

/** How to mend what is wrong with the token of this program. */
const credentialHints: Readonly<Record<string, readonly string[]>> = {
  invalid_token: ["unset COUNTERSIGN_TOKEN, or get another with countersign token get"],
  insufficient_scope: ["administration needs a token with the scope superuser"],
};

async function logIn(run: Run, url: string): Promise<string> {
  const { env } = run.world;
  const username = env.COUNTERSIGN_USERNAME ?? "admin";
  const password = env.COUNTERSIGN_PASSWORD ?? (await askSecret(run.world, `password of ${username}: `));
  if (password === undefined) {
    throw new CliFailure("no credential for the authority", {
      hints: ["set COUNTERSIGN_TOKEN, or COUNTERSIGN_PASSWORD, or run this on a terminal"],
    });
  }
  const answer = await postForm(`${url}/oauth/token`, {
    grant_type: "password",
    client_id: "loopback",
    username,
    password,
    scope: "superuser",
  });
  return String(answer.access_token);
}

function parseAnswer(text: string): Answer {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

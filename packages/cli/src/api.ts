import { isLoopbackHost } from "@countersign/authority/node";
import type { Option, Run } from "./command.ts";
import { CliFailure, usageFailure } from "./failure.ts";
import { askSecret } from "./prompt.ts";
import type { World } from "./world.ts";

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
  "insecure-http": { kind: "flag", summary: "Allow plain HTTP beyond loopback" },
};

/**
 * The base URL a command was given, without a slash at its end.
 *
 * @throws {CliFailure} when it is none, or plain HTTP would leave this machine and nobody said that it may.
 */
export function urlOf({ given, world }: Run): string {
  const text = given.text("url") ?? world.env.COUNTERSIGN_URL ?? defaultUrl;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw usageFailure(`not a URL: ${text}`);
  const isPrivate = url.protocol === "https:" || isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ""));
  if (!isPrivate && !given.flag("insecure-http")) throw inTheOpen(url);
  return text.replace(/\/+$/, "");
}

function inTheOpen({ origin }: URL): CliFailure {
  return usageFailure(
    `cannot use plain HTTP beyond loopback, where passwords and tokens can be read on the way: ${origin}`,
    "give an https URL, or --insecure-http where nobody else is on the network",
  );
}

/**
 * Opens the management API with COUNTERSIGN_TOKEN, or with the token that name and password get: COUNTERSIGN_USERNAME
 * (admin) and COUNTERSIGN_PASSWORD, or what the terminal answers.
 */
export async function openApi(run: Run): Promise<Api> {
  const url = urlOf(run);
  const given = tokenFrom(run.world.env);
  const logIn = given === undefined ? await logInOf(run, url) : undefined;
  let token = given ?? (await logIn?.()) ?? "";
  const send = (path: string, init: RequestInit = {}) =>
    call(`${url}${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  const sendAgain = async (path: string, init?: RequestInit) => {
    try {
      return await send(path, init);
    } catch (error) {
      if (logIn === undefined || !(error instanceof Refusal) || error.code !== "invalid_token") throw error;
      // A command that runs on outlives its token.
      token = await logIn();
      return send(path, init);
    }
  };
  return {
    url,
    get: (path, query = {}) => sendAgain(`${path}${queryText(query)}`),
    send: (method, path, body) =>
      sendAgain(path, {
        method,
        ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      }),
  };
}

/** The authority refused. */
class Refusal extends CliFailure {
  /** The `error` of its answer. */
  readonly code: string;

  constructor(code: string, message: string, hints: readonly string[]) {
    super(message, { hints });
    this.code = code;
  }
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
  if (response.ok) {
    if (answer === undefined) throw strangerAt(url);
    return answer;
  }
  if (response.status === 404) throw new CliFailure(`not found: ${decodeURI(new URL(url).pathname)}`);
  const said = String(answer?.error_description ?? answer?.error ?? `the answer was ${response.status}`);
  const [what = said, ...how] = said.split("; ");
  const code = String(answer?.error);
  throw new Refusal(code, what, [...how, ...(credentialHints[code] ?? [])]);
}

/** Some other server answers there: a proxy's page is no empty list, and holds no token. */
function strangerAt(url: string): CliFailure {
  return new CliFailure(`the answer is not an authority's: ${url.split("?")[0]}`, {
    hints: ["name the authority with --url, its scheme and port included"],
  });
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "error" });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
    const reason = code === undefined ? "" : ` (${code})`;
    const hint = reachHints[code ?? ""] ?? "start it with countersign serve, or name it with --url";
    throw new CliFailure(`cannot reach the authority: ${new URL(url).origin}${reason}`, { hints: [hint] });
  }
}

const untrusted = "trust its certificate or the authority that issued it: NODE_EXTRA_CA_CERTS=cert.pem countersign …";

/** How to mend a connection that something answered. */
const reachHints: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate names another host: give that in --url",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it speaks no TLS: give --url http://…",
  ERR_SSL_WRONG_VERSION_NUMBER: "it speaks no TLS: give --url http://…",
  UND_ERR_SOCKET: "it closed the connection: if it speaks TLS, give --url https://…",
};

/** How to mend what is wrong with the token of this program. */
const credentialHints: Readonly<Record<string, readonly string[]>> = {
  invalid_token: ["unset COUNTERSIGN_TOKEN, or get another with countersign token get"],
  insufficient_scope: ["administration needs a token with the scope superuser"],
};

function tokenFrom({ COUNTERSIGN_TOKEN }: World["env"]): string | undefined {
  const token = COUNTERSIGN_TOKEN?.trim() ?? "";
  if (token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CliFailure("COUNTERSIGN_TOKEN is not a token: it holds spaces or characters outside ASCII", {
    hints: ["unset it, or get another with countersign token get"],
  });
}

/** Asks for the password once; each call gets a new token with it. */
async function logInOf(run: Run, url: string): Promise<() => Promise<string>> {
  const { env } = run.world;
  const username = env.COUNTERSIGN_USERNAME ?? "admin";
  const password = env.COUNTERSIGN_PASSWORD ?? (await askSecret(run.world, `password of ${username}: `));
  if (password === undefined) {
    throw new CliFailure("no credential for the authority", {
      hints: ["set COUNTERSIGN_TOKEN, or COUNTERSIGN_PASSWORD, or run this on a terminal"],
    });
  }
  const form = { grant_type: "password", client_id: "loopback", username, password, scope: "superuser" };
  return async () => accessTokenOf(await postForm(`${url}/oauth/token`, form), url);
}

/** @throws {CliFailure} when an answer to a grant holds no token. */
export function accessTokenOf({ access_token }: Answer, url: string): string {
  if (typeof access_token !== "string") throw strangerAt(url);
  return access_token;
}

/** `undefined` for what is no JSON object. An answer without a body has no members. */
function parseAnswer(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

import { CliFailure } from "./failure.ts";
import { type JsonObject, objectsIn } from "./json-members.ts";
import { explainRefusal, type Form } from "./refusal-hints.ts";

/** The authority refused. */
export class Refusal extends CliFailure {
  /** The `error` of its response. */
  readonly code: string;

  constructor(code: string, message: string, hints: readonly string[]) {
    super(message, { hints });
    this.code = code;
  }
}

/** Sends a form to an OAuth endpoint (RFC 6749 appendix B). Members that are undefined are left out. */
export async function postForm(url: string, fields: Form): Promise<JsonObject> {
  const pairs = Object.entries(fields).filter((pair): pair is [string, string] => pair[1] !== undefined);
  try {
    return await call(url, { method: "POST", body: new URLSearchParams(pairs) });
  } catch (error) {
    const meant = error instanceof Refusal ? explainRefusal(error.code, fields) : undefined;
    throw meant === undefined ? error : new CliFailure(meant.message, meant);
  }
}

/**
 * Calls the authority and reads its JSON.
 *
 * @throws {CliFailure} with what the authority said, or why it cannot be reached.
 */
export async function call(url: string, init: RequestInit = {}): Promise<JsonObject> {
  const { response, text } = await reach(url, init);
  if (response.status >= 300 && response.status < 400) throw elsewhere(url, response);
  const body = parseBody(text);
  if (body === undefined || (!response.ok && typeof body.error !== "string")) throw strangerAt(url, response);
  if (response.ok) return body;
  throw refusalOf(url, response, body);
}

function refusalOf(url: string, { headers }: Response, body: JsonObject): Refusal {
  const code = String(body.error);
  if (code === "not_found") {
    const { pathname } = new URL(url);
    return new Refusal(code, `not found: ${decodeURI(pathname)}`, [listings[pathname.split("/")[3] ?? ""] ?? NOWHERE]);
  }
  const [what = code, ...how] = String(body.error_description ?? code).split("; ");
  const wait = headers.get("retry-after");
  const hints =
    wait === null ? [...how, ...problemsIn(body), ...(credentialHints[code] ?? [])] : [`try again in ${wait} s`];
  return new Refusal(code, what, typeof body.request_id === "string" ? [...hints, idOf(body.request_id)] : hints);
}

/** Everything that is wrong with what was sent. */
function problemsIn(body: JsonObject): readonly string[] {
  return objectsIn(body, "problems").map(({ path, message }) => `${String(path)} ${String(message)}`.trim());
}

function idOf(requestId: string): string {
  return `the request id, by which its log says why: ${requestId}`;
}

const NOWHERE = "name the authority with --url, its scheme and port included";

/** What lists the things of a kind, by the part of the path that names it. */
const listings: Readonly<Record<string, string>> = {
  client: "countersign client list shows the clients there are",
  user: "countersign user list shows the users there are, countersign user tokens their logins",
  username: "countersign user list shows the users there are",
  policy: "countersign policy history lists the revisions there are",
  keys: "countersign keys list shows the keys there are",
};

/** How to mend what is wrong with the token of this program. */
const credentialHints: Readonly<Record<string, readonly string[]>> = {
  invalid_token: ["unset COUNTERSIGN_TOKEN, or get another with countersign token get"],
  insufficient_scope: ["administration needs a token with the scope superuser"],
};

/** Some other server answers there: a proxy's page is no empty list, and holds no token. */
export function strangerAt(url: string, response?: Response): CliFailure {
  const status = response === undefined || response.ok ? "" : ` (${response.status})`;
  return new CliFailure(`the answer is not an authority's: ${url.split("?")[0]}${status}`, {
    hints: [
      response !== undefined && response.status >= 500 ? "a proxy answered: see whether the authority runs" : NOWHERE,
    ],
  });
}

/** A credential is not sent on to another address. */
function elsewhere(url: string, { headers }: Response): CliFailure {
  const target = URL.parse(headers.get("location") ?? "", url)?.origin;
  return new CliFailure(`the answer is a redirection, which no credential follows: ${new URL(url).origin}`, {
    hints: [target === undefined ? NOWHERE : `if the authority is there, give --url ${target}`],
  });
}

async function reach(url: string, init: RequestInit): Promise<{ readonly response: Response; readonly text: string }> {
  try {
    const response = await fetch(url, { ...init, redirect: "manual" });
    return { response, text: await response.text() };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
    const reason = code ?? (cause instanceof Error ? cause.message : undefined);
    throw new CliFailure(
      `cannot reach the authority: ${new URL(url).origin}${reason === undefined ? "" : ` (${reason})`}`,
      {
        hints: [reachHints[code ?? ""] ?? "start it with countersign serve, or name it with --url"],
      },
    );
  }
}

const UNTRUSTED = "trust its certificate or the authority that issued it: NODE_EXTRA_CA_CERTS=cert.pem countersign …";
const NO_NAME = "no such host is known: check --url";
const NO_RESPONSE = "nothing answers there in time: check --url, and whether the network lets it through";

/** How to mend a connection. */
const reachHints: Readonly<Record<string, string>> = {
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  ETIMEDOUT: NO_RESPONSE,
  EHOSTUNREACH: NO_RESPONSE,
  ENETUNREACH: NO_RESPONSE,
  UND_ERR_CONNECT_TIMEOUT: NO_RESPONSE,
  UND_ERR_HEADERS_TIMEOUT: NO_RESPONSE,
  CERT_HAS_EXPIRED: "its certificate has expired: give it a new one",
  CERT_NOT_YET_VALID: "its certificate is not valid yet: check the clocks",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate names another host: give that in --url",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it speaks no TLS: give --url http://…",
  ERR_SSL_WRONG_VERSION_NUMBER: "it speaks no TLS: give --url http://…",
  ECONNRESET: "it closed the connection: if it speaks TLS, give --url https://…",
  UND_ERR_SOCKET: "it closed the connection: if it speaks TLS, give --url https://…",
};

/** `undefined` for what is no JSON object. A response without a body has no members. */
function parseBody(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text === "" ? "{}" : text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

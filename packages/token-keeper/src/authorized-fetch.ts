import type { GetTokenOptions } from "./acquire.ts";
import { isLoopback } from "./http.ts";
import type { TokenProvider } from "./provider.ts";
import type { Token } from "./token.ts";

/** The standard `fetch`, as far as it is used here. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Options of {@link authorizedFetch}. */
export interface AuthorizedFetchOptions {
  /** Exactly these origins get the token; https, or http on this machine. */
  readonly origins: readonly string[];
  /** @default globalThis.fetch */
  readonly fetch?: Fetch;
  /** How callers wait for a token; the request's own signal counts as well. */
  readonly wait?: GetTokenOptions;
}

/**
 * A `fetch` that adds the token to requests of the allowed origins, and to no other. A request that has an
 * `Authorization` header keeps it. After `401` the token is invalidated if it is still the one held, and the request is
 * sent once more with the next one, when its body can be sent again (no stream).
 *
 * A redirect to another origin loses the token: `fetch` itself takes the header off (Fetch Standard, HTTP-redirect fetch).
 *
 * @throws TypeError when an origin is none, or not https and not on this machine.
 */
export function authorizedFetch(provider: TokenProvider, options: AuthorizedFetchOptions): Fetch {
  const origins = new Set(options.origins.map(requireOrigin));
  const send = options.fetch ?? fetch;
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const headers = new Headers(init?.headers ?? request?.headers);
    if (!origins.has(originOf(input)) || headers.has("authorization")) return send(input, init);
    const wait = { ...options.wait, signal: init?.signal ?? request?.signal };
    const token = await provider.getToken(wait);
    const response = await send(input, withToken(headers, init, token));
    if (!isRefused(response) || !isReplayable(input, init)) return response;
    const next = await replacement(provider, token, wait);
    if (next === undefined) return response;
    // What broke off cannot be cancelled, and is not wanted either.
    await response.body?.cancel().catch(() => undefined);
    return send(input, withToken(headers, init, next));
  };
}

function requireOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.origin === "null" || (url.href !== url.origin && url.href !== `${url.origin}/`))
    throw new TypeError(`Cannot use an origin that is none: ${text}`);
  if (url.protocol !== "https:" && !isLoopback(url))
    throw new TypeError(`Cannot send tokens without https to: ${text}`);
  return url.origin;
}

/** Relative addresses are those of the page, where there is one. */
function originOf(input: string | URL | Request): string {
  const url = input instanceof Request ? input.url : input;
  const page: unknown = Reflect.get(globalThis, "location");
  const base = page === undefined ? undefined : String(page);
  return URL.canParse(url, base) ? new URL(url, base).origin : "";
}

function withToken(headers: Headers, init: RequestInit | undefined, token: Token): RequestInit {
  headers.set("authorization", token.authorization());
  return { ...init, headers };
}

/** 401, unless it names another error than the token's (RFC 6750 §3.1). */
function isRefused(response: Response): boolean {
  if (response.status !== 401) return false;
  const error = /\berror="?([\w-]+)/.exec(response.headers.get("www-authenticate") ?? "")?.[1];
  return error === undefined || error === "invalid_token";
}

function isReplayable(input: string | URL | Request, init: RequestInit | undefined): boolean {
  const body = init?.body ?? (input instanceof Request ? input.body : null);
  return (
    !(body instanceof ReadableStream) && !(typeof body === "object" && body !== null && Symbol.asyncIterator in body)
  );
}

/** The next token, unless there is none or it is the same one again. */
async function replacement(provider: TokenProvider, refused: Token, wait: GetTokenOptions): Promise<Token | undefined> {
  provider.invalidate(refused);
  const next = await provider.getToken(wait).catch(() => undefined);
  return next === undefined || next.accessToken.equals(refused.accessToken) ? undefined : next;
}

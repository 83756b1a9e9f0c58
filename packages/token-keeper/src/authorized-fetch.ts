import type { GetTokenOptions, TokenProvider } from "./acquire.ts";
import { linkedAbort } from "./deadline.ts";
import { isLoopback, redactUrl } from "./http.ts";
import type { Token } from "./token.ts";

/** The standard `fetch`, as far as it is used here. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Options of {@link authorizedFetch}. */
export interface AuthorizedFetchOptions {
  /** Exactly these origins get the token; https, or http on this machine. */
  readonly origins: readonly string[];
  /** Send tokens over plain http to the other hosts among the origins: for closed networks only. @default false */
  readonly allowInsecureHttp?: boolean;
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
 * A `401` from there says nothing of a token it was not shown.
 *
 * @throws TypeError when an origin is none, or neither https nor on this machine.
 *
 * @example
 * ```ts run
 * import { authorizedFetch, constantSource, TokenManager } from "@countersign/token-keeper";
 * await using manager = new TokenManager();
 * const call = authorizedFetch(manager.provider(constantSource({ accessToken: "abc" })), {
 *   origins: ["https://api.example.com"],
 *   fetch: async (_url, init) => new Response(new Headers(init?.headers).get("authorization")),
 * });
 * console.log(await (await call("https://api.example.com/orders")).text()); // Bearer abc
 * ```
 */
export function authorizedFetch(provider: TokenProvider, options: AuthorizedFetchOptions): Fetch {
  const origins = new Set(options.origins.map((text) => requireOrigin(text, options.allowInsecureHttp ?? false)));
  const send = options.fetch ?? fetch;
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const headers = new Headers(init?.headers ?? request?.headers);
    const origin = originOf(input);
    if (!origins.has(origin) || headers.has("authorization")) return send(input, init);
    const signals = [init?.signal ?? request?.signal, options.wait?.signal];
    const getToken = () => waiting(signals, (signal) => provider.getToken({ ...options.wait, signal }));
    const token = await getToken();
    const response = await send(input, withToken(headers, init, token));
    if (!isRefused(response, origin)) return response;
    provider.invalidate(token);
    if (!isReplayable(input, init)) return response;
    const next = await getToken().catch(() => undefined);
    if (next === undefined || next.accessToken.equals(token.accessToken)) return response;
    // What broke off cannot be cancelled, and is not wanted either.
    await response.body?.cancel().catch(() => undefined);
    return send(input, withToken(headers, init, next));
  };
}

/** Waits until one of the signals says no; no more follows them then. */
async function waiting<T>(
  signals: readonly (AbortSignal | null | undefined)[],
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const linked = linkedAbort(...signals.map((signal) => signal ?? undefined));
  try {
    return await wait(linked.signal);
  } finally {
    linked[Symbol.dispose]();
  }
}

function requireOrigin(text: string, allowInsecureHttp: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.origin === "null" || (url.href !== url.origin && url.href !== `${url.origin}/`))
    throw new TypeError(
      `Cannot use what is no origin: ${redactUrl(text)}; give scheme, host and port alone, such as https://api.example.com`,
    );
  const isAllowed = url.protocol === "https:" || (url.protocol === "http:" && (allowInsecureHttp || isLoopback(url)));
  if (!isAllowed)
    throw new TypeError(
      `Cannot send tokens without https: ${redactUrl(text)}; use https, or set allowInsecureHttp in a closed network`,
    );
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

/** 401 of the origin that was shown the token, unless it names another error than the token's (RFC 6750 section 3.1). */
function isRefused(response: Response, origin: string): boolean {
  if (response.status !== 401 || (response.redirected && originOf(response.url) !== origin)) return false;
  const error = /\berror="?([\w-]+)/.exec(response.headers.get("www-authenticate") ?? "")?.[1];
  return error === undefined || error === "invalid_token";
}

function isReplayable(input: string | URL | Request, init: RequestInit | undefined): boolean {
  const body = init?.body ?? (input instanceof Request ? input.body : null);
  return (
    !(body instanceof ReadableStream) && !(typeof body === "object" && body !== null && Symbol.asyncIterator in body)
  );
}

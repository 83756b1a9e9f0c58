import type { ClientAuthentication } from "./client-authentication.ts";
import { withDeadline } from "./deadline.ts";
import { discoverTokenEndpoint } from "./discovery.ts";
import { sha256 } from "./encoding.ts";
import {
  type FetchLike,
  type HttpResponse,
  parseRetryAfter,
  redactUrl,
  requireSecureUrl,
  sendRequest,
} from "./http.ts";
import { parseObject, readJwtTimes, stringMember } from "./json.ts";
import type { LifetimePolicy } from "./lifetime.ts";
import type { SourceContext } from "./source.ts";
import { createToken, type Token } from "./token.ts";
import { parseTokenResponse, type TokenResponse, type TokenResponseRules } from "./token-response.ts";

/** Where and how tokens are asked for. */
export interface TokenEndpointOptions {
  /** Issuer identifier: the token endpoint is found in its metadata, and its name is part of the key. */
  readonly issuer?: string;
  /** The token endpoint itself; with it nothing is discovered. */
  readonly tokenEndpoint?: string;
  /** The client, and how it authenticates. */
  readonly client: ClientAuthentication;
  /** More parameters of the request. They are part of the key, which events and health show: no place for a secret. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The body: a form as RFC 6749 has it, or JSON, which some servers want. @default "form" */
  readonly body?: "form" | "json";
  /** When a token is stale. @default adaptiveLifetime() */
  readonly lifetime?: LifetimePolicy;
  /** How tolerantly responses are read. @default what the fields of TokenResponseRules say */
  readonly response?: TokenResponseRules;
  /** For one request, the client's authentication included. @default 10000 */
  readonly timeoutMs?: number;
  /** Origins a discovered endpoint may have beside the issuer's. @default [] */
  readonly endpointOrigins?: readonly string[];
  /** Send credentials over plain http to other hosts than this one: for closed networks only. @default false */
  readonly allowInsecureHttp?: boolean;
  /** @default globalThis.fetch */
  readonly fetch?: FetchLike;
}

/** Metadata is read again after this long. */
const METADATA_LIFETIME_MS = 86_400_000;
/** Metadata that could not be read again is tried after this long; until then the old document serves. */
const METADATA_RETRY_MS = 300_000;

interface Discovered {
  readonly url: string;
  readonly at: number;
  readonly forMs: number;
}

/** One token endpoint: finds it, asks it, judges its response. */
export class TokenEndpoint {
  /** Part of the key. */
  readonly issuer: string;
  readonly #options: TokenEndpointOptions;
  #discovered: Discovered | undefined;

  /** @throws TypeError when neither issuer nor token endpoint is given, or one is not https, or an issuer has a query. */
  constructor(options: TokenEndpointOptions) {
    const { issuer, tokenEndpoint } = options;
    for (const url of [issuer, tokenEndpoint])
      if (url !== undefined) requireSecureUrl(url, "token endpoint", options.allowInsecureHttp);
    // RFC 8414 section 2.
    if (issuer?.includes("?"))
      throw new TypeError(
        `Cannot use an issuer with a query: ${redactUrl(issuer)}; leave the query out (RFC 8414 section 2)`,
      );
    const named = issuer ?? (tokenEndpoint && keyedUrl(tokenEndpoint));
    if (named === undefined) throw new TypeError("Cannot find a token endpoint: give issuer or tokenEndpoint");
    this.issuer = named;
    this.#options = options;
  }

  /**
   * Sends one grant; once more with the server's time, when that is what it may have refused.
   * @throws TokenError as the server, the network or the metadata had it.
   */
  async grant(
    parameters: URLSearchParams,
    context: SourceContext,
    timeoutMs?: number,
  ): Promise<{ token: Token; response: TokenResponse }> {
    const url = await this.#url(context);
    const skewMs = context.skew.get(this.issuer) ?? 0;
    const raw = await this.#sendAndObserve(url, parameters, context, timeoutMs);
    const learntMs = Math.abs((context.skew.get(this.issuer) ?? 0) - skewMs);
    if (learntMs === 0 || !this.#options.client.timed || !isClientRefused(raw)) return this.#judge(raw, context);
    return this.#judge(await this.#sendAndObserve(url, parameters, context, timeoutMs), context);
  }

  async #sendAndObserve(url: string, parameters: URLSearchParams, context: SourceContext, timeoutMs?: number) {
    const raw = await this.#send(url, parameters, context, timeoutMs);
    // A server that moved answers 404: look again next time.
    if (raw.status === 404 && this.#discovered !== undefined)
      this.#discovered = { ...this.#discovered, forMs: Number.NEGATIVE_INFINITY };
    this.#observe(raw, context);
    return raw;
  }

  #judge(raw: HttpResponse, context: SourceContext): { token: Token; response: TokenResponse } {
    const serverNow = context.skew.serverNow(this.issuer);
    const response = parseTokenResponse(
      {
        status: raw.status,
        contentType: raw.headers.get("content-type") ?? "",
        text: raw.text,
        serverNow,
        dated: dateOf(raw) !== undefined,
        retryAfterMs: parseRetryAfter(raw.headers.get("retry-after"), serverNow),
      },
      this.#options.response,
    );
    if (dateOf(raw) === undefined) this.#observeJwt(raw, response, context);
    const lifetime = { issuedAt: raw.sentAt, lifetimeMs: response.lifetimeMs, refreshInMs: response.refreshInMs };
    return { token: createToken(response, lifetime, this.#options.lifetime), response };
  }

  async #url(context: SourceContext): Promise<string> {
    const { issuer, tokenEndpoint, client, timeoutMs = 10_000, ...rest } = this.#options;
    if (tokenEndpoint !== undefined || issuer === undefined) return tokenEndpoint ?? this.issuer;
    const at = context.clock.now();
    const known = this.#discovered;
    if (known !== undefined && Math.abs(at - known.at) < known.forMs) return known.url;
    const options = { ...rest, issuer, mutualTls: client.mutualTls, timeoutMs };
    try {
      this.#discovered = { url: await discoverTokenEndpoint(options, context), at, forMs: METADATA_LIFETIME_MS };
    } catch (error) {
      if (known === undefined || context.signal.aborted) throw error;
      context.emit({ type: "metadata_failed", issuer, error });
      this.#discovered = { ...known, at, forMs: METADATA_RETRY_MS };
    }
    return this.#discovered.url;
  }

  async #send(
    url: string,
    grant: URLSearchParams,
    context: SourceContext,
    timeoutMs = this.#options.timeoutMs ?? 10_000,
  ): Promise<HttpResponse> {
    const { client, body = "form", fetch } = this.#options;
    const parameters = new URLSearchParams([...Object.entries(this.#options.parameters ?? {}), ...grant]);
    const headers: Record<string, string> = { accept: "application/json", "content-type": CONTENT_TYPES[body] };
    const { random, clock, signal, skew } = context;
    const serverNow = skew.serverNow(this.issuer);
    const target = { parameters, headers, audience: this.#options.issuer ?? url, serverNow, random };
    return withDeadline(
      { clock, signal, timeoutMs, timeoutMessage: `No response within ${timeoutMs} ms: ${redactUrl(url)}` },
      async (ended) => {
        await client.authenticate(target);
        const text = body === "json" ? JSON.stringify(toObject(parameters)) : parameters.toString();
        const request = {
          url,
          method: "POST",
          headers,
          body: text,
          timeoutMs,
          maxBytes: 262_144,
          fetch,
          clock,
        } as const;
        return sendRequest({ ...request, signal: ended });
      },
    );
  }

  /** Learns the server's clock from `Date`. */
  #observe(raw: HttpResponse, { skew }: SourceContext): void {
    const date = dateOf(raw);
    // The header has whole seconds: half a second is what it lacks on average.
    if (date !== undefined) skew.observe(this.issuer, date + 500, raw.sentAt, raw.receivedAt);
  }

  /** Or from a JWT that was made for this response: one that is given again was made some time ago. */
  #observeJwt(raw: HttpResponse, { accessToken, lifetimeMs }: TokenResponse, { skew }: SourceContext): void {
    const { issuedAt, expiresAt } = readJwtTimes(accessToken) ?? {};
    if (issuedAt === undefined || (expiresAt !== undefined && lifetimeMs < expiresAt - issuedAt)) return;
    skew.observe(this.issuer, issuedAt, raw.sentAt, raw.receivedAt);
  }
}

function dateOf({ headers }: HttpResponse): number | undefined {
  const date = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(date) ? undefined : date;
}

/** What a server says to an assertion of another time; a grant that is refused is refused at any time. */
function isClientRefused({ status, text }: HttpResponse): boolean {
  const body = parseObject(text);
  const error = body && stringMember(body, "error");
  return [400, 401, 403].includes(status) && (error === undefined || CLIENT_REFUSALS.has(error));
}

const CLIENT_REFUSALS = new Set(["", "invalid_client", "invalid_request", "unauthorized_client", "access_denied"]);

/** A URL as keys have it, which events and health show: its query, which may hold a secret, as a hash. */
function keyedUrl(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? url : `${redactUrl(url)}?sha256=${sha256(url.slice(query))}`;
}

const CONTENT_TYPES = { form: "application/x-www-form-urlencoded", json: "application/json" } as const;

function toObject(parameters: URLSearchParams): Record<string, string | string[]> {
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      const values = parameters.getAll(name);
      return [name, values.length === 1 ? values.join() : values];
    }),
  );
}

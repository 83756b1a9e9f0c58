import type { ClientAuthentication } from "./client-authentication.ts";
import { discoverTokenEndpoint } from "./discovery.ts";
import { exchange, type FetchLike, type HttpAnswer, requireSecureUrl } from "./http.ts";
import { readJwtTimes } from "./jwt.ts";
import type { LifetimePolicy } from "./lifetime.ts";
import { parseRetryAfter } from "./retry-after.ts";
import type { SourceContext } from "./source.ts";
import { createToken, type Token } from "./token.ts";
import { parseTokenResponse, type TokenResponse, type TokenResponseRules } from "./token-response.ts";
import { within } from "./within.ts";

/** Where and how tokens are asked for. */
export interface TokenEndpointOptions {
  /** Issuer identifier: the token endpoint is found in its metadata, and its name is part of the key. */
  readonly issuer?: string;
  /** The token endpoint itself; with it nothing is discovered. */
  readonly tokenEndpoint?: string;
  readonly client: ClientAuthentication;
  /** More parameters of the request. They are part of the key, which events and health show: no place for a secret. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The body: a form as RFC 6749 has it, or JSON, which some servers want. @default "form" */
  readonly body?: "form" | "json";
  /** When a token is stale. @default adaptiveLifetime() */
  readonly lifetime?: LifetimePolicy;
  readonly response?: TokenResponseRules;
  /** For one exchange, the client's authentication included. @default 10000 */
  readonly timeoutMs?: number;
  /** Origins a discovered endpoint may have beside the issuer's. @default [] */
  readonly endpointOrigins?: readonly string[];
  /** Send credentials over plain http to other hosts than this one: for closed networks only. @default false */
  readonly allowInsecureHttp?: boolean;
  /** @default globalThis.fetch */
  readonly fetch?: FetchLike;
}

/** Metadata is read again after this long. */
const discoveredMs = 86_400_000;

/** One token endpoint: finds it, asks it, judges its answer. */
export class TokenEndpoint {
  readonly issuer: string;
  readonly #options: TokenEndpointOptions;
  #discovered: { readonly url: string; readonly at: number } | undefined;

  /** @throws TypeError when neither issuer nor token endpoint is given, or one is not https. */
  constructor(options: TokenEndpointOptions) {
    const issuer = options.issuer ?? options.tokenEndpoint;
    if (issuer === undefined) throw new TypeError("Cannot find a token endpoint: give issuer or tokenEndpoint");
    for (const url of [options.issuer, options.tokenEndpoint])
      if (url !== undefined) requireSecureUrl(url, "token endpoint", options.allowInsecureHttp);
    this.issuer = issuer;
    this.#options = options;
  }

  /**
   * Sends one grant.
   * @throws TokenError as the server, the network or the metadata had it.
   */
  async grant(parameters: URLSearchParams, context: SourceContext): Promise<{ token: Token; response: TokenResponse }> {
    const url = await this.#url(context);
    const answer = await this.#send(url, parameters, context);
    // A server that moved answers 404: look again next time.
    if (answer.status === 404) this.#discovered = undefined;
    const serverNow = this.#observe(answer, context);
    const response = parseTokenResponse(
      {
        status: answer.status,
        contentType: answer.headers.get("content-type") ?? "",
        text: answer.text,
        serverNow,
        retryAfterMs: parseRetryAfter(answer.headers.get("retry-after"), serverNow),
      },
      this.#options.response,
    );
    const issuedAt = readJwtTimes(response.accessToken)?.issuedAt;
    if (issuedAt !== undefined && !answer.headers.has("date"))
      context.skew.observe(this.issuer, issuedAt, answer.sentAt, answer.receivedAt);
    const lifetime = { issuedAt: answer.sentAt, lifetimeMs: response.lifetimeMs, refreshInMs: response.refreshInMs };
    return { token: createToken(response, lifetime, this.#options.lifetime), response };
  }

  async #url(context: SourceContext): Promise<string> {
    const { issuer, tokenEndpoint, client, timeoutMs = 10_000, ...rest } = this.#options;
    if (tokenEndpoint !== undefined || issuer === undefined) return tokenEndpoint ?? this.issuer;
    const now = context.clock.now();
    if (this.#discovered !== undefined && Math.abs(now - this.#discovered.at) < discoveredMs)
      return this.#discovered.url;
    const options = { ...rest, issuer, mutualTls: client.mutualTls, timeoutMs };
    this.#discovered = { url: await discoverTokenEndpoint(options, context), at: now };
    return this.#discovered.url;
  }

  async #send(url: string, grant: URLSearchParams, context: SourceContext): Promise<HttpAnswer> {
    const { client, body = "form", timeoutMs = 10_000, fetch } = this.#options;
    const parameters = new URLSearchParams([...Object.entries(this.#options.parameters ?? {}), ...grant]);
    const headers: Record<string, string> = { accept: "application/json", "content-type": contentTypes[body] };
    const { random, clock, signal, skew } = context;
    const serverNow = skew.serverNow(this.issuer);
    const target = { parameters, headers, audience: this.#options.issuer ?? url, serverNow, random };
    return within({ clock, signal, timeoutMs, late: `No answer within ${timeoutMs} ms: ${url}` }, async (ended) => {
      await client.authenticate(target);
      const text = body === "json" ? JSON.stringify(toObject(parameters)) : parameters.toString();
      const request = { url, method: "POST", headers, body: text, timeoutMs, maxBytes: 262_144, fetch, clock } as const;
      return exchange({ ...request, signal: ended });
    });
  }

  /** Learns the server's clock from `Date`, and says what it reads now. */
  #observe(answer: HttpAnswer, context: SourceContext): number {
    const date = Date.parse(answer.headers.get("date") ?? "");
    // The header has whole seconds: half a second is what it lacks on average.
    if (!Number.isNaN(date)) context.skew.observe(this.issuer, date + 500, answer.sentAt, answer.receivedAt);
    return context.skew.serverNow(this.issuer);
  }
}

const contentTypes = { form: "application/x-www-form-urlencoded", json: "application/json" } as const;

function toObject(parameters: URLSearchParams): Record<string, string | string[]> {
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      const values = parameters.getAll(name);
      return [name, values.length === 1 ? values.join() : values];
    }),
  );
}

/** The parameters every grant shares. */
export function grantParameters(grant: string, asked: RequestedAccess): URLSearchParams {
  const parameters = new URLSearchParams({ grant_type: grant });
  if (asked.audience !== undefined) parameters.set("audience", asked.audience);
  if (asked.scope !== undefined && asked.scope.length > 0) parameters.set("scope", asked.scope.join(" "));
  for (const resource of asked.resource ?? []) parameters.append("resource", resource);
  return parameters;
}

/** What a token is asked for. */
export interface RequestedAccess {
  readonly audience?: string;
  readonly scope?: readonly string[];
  /** Resource indicators (RFC 8707). */
  readonly resource?: readonly string[];
}

/**
 * The part of a key that a partition, extra parameters and a login make, so that no two different requests share a token:
 * no partition, whoever chooses it, reads like the others.
 */
export function partitionOf(
  parameters: Readonly<Record<string, string>> | undefined,
  partition?: string,
  login?: string,
): string | undefined {
  const entries = Object.entries(parameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0 && partition === undefined && login === undefined) return undefined;
  return JSON.stringify([partition ?? null, entries, ...(login === undefined ? [] : [login])]);
}

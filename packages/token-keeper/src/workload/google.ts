import { TokenError } from "../errors.ts";
import type { SourceContext, TokenSource } from "../source.ts";
import { createToken, type Token } from "../token.ts";
import { parseTokenResponse } from "../token-response.ts";
import { askPlatform, platformJwt, type WorkloadOptions } from "./metadata-request.ts";

/** Options of {@link googleMetadataSource}: an audience for an identity, or scopes for an access token of Google's. */
export interface GoogleMetadataOptions extends WorkloadOptions {
  /** For whom the identity is: the JWT's `aud`. */
  readonly audience?: string;
  /** Scopes of an access token for Google's services. */
  readonly scope?: readonly string[];
  /** The service account. @default "default" */
  readonly account?: string;
  /** Where the metadata server is. @default "http://metadata.google.internal" */
  readonly origin?: string;
}

/**
 * The identity of a workload on Google Cloud (Compute Engine, Cloud Run, GKE): a JWT of its service account for `audience`,
 * or, with `scope` in place of it, an access token for Google's own services.
 *
 * @throws TypeError when both are given, or neither.
 * @example
 * ```ts run
 * import { googleMetadataSource } from "@countersign/token-keeper/workload";
 * const source = googleMetadataSource({ audience: "https://auth.example.com" });
 * console.log(source.identity.grant); // google_identity
 * ```
 */
export function googleMetadataSource(options: GoogleMetadataOptions): TokenSource {
  const { audience, scope, account = "default", origin = "http://metadata.google.internal" } = options;
  if ((audience === undefined) === (scope === undefined))
    throw new TypeError("Cannot tell an identity from an access token: give either audience or scope");
  const folder = `${origin}/computeMetadata/v1/instance/service-accounts/${encodeURIComponent(account)}`;
  const grant = audience === undefined ? "google_access_token" : "google_identity";
  return {
    identity: { issuer: origin, clientId: account, grant, audience, scope },
    request: (context) =>
      audience === undefined
        ? accessToken(`${folder}/token?${query({ scopes: scope?.join(",") ?? "" })}`, context, options)
        : identity(`${folder}/identity?${query({ audience, format: "full" })}`, context, options),
  };
}

async function identity(url: string, context: SourceContext, options: GoogleMetadataOptions): Promise<Token> {
  return platformJwt((await ask(url, context, options)).text.trim(), context, options);
}

async function accessToken(url: string, context: SourceContext, options: GoogleMetadataOptions): Promise<Token> {
  const { status, text, sentAt } = await ask(url, context, options);
  const response = parseTokenResponse({
    status,
    text,
    contentType: "application/json",
    serverNow: context.clock.now(),
  });
  return createToken(response, { issuedAt: sentAt, lifetimeMs: response.lifetimeMs }, options.lifetime);
}

const FLAVOR = "metadata-flavor";

/** The header goes both ways, so that neither a browser nor another server is taken for the metadata server. */
async function ask(url: string, context: SourceContext, options: GoogleMetadataOptions) {
  const response = await askPlatform({ url, headers: { [FLAVOR]: "Google" } }, context, options);
  if (response.headers.get(FLAVOR) === "Google") return response;
  throw new TokenError("invalid_response", "The answer is not of Google's metadata server: no Metadata-Flavor");
}

function query(parameters: Record<string, string>): string {
  return new URLSearchParams(parameters).toString();
}

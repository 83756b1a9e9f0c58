import {
  algorithms,
  type OpenIdMetadata,
  openIdMetadata,
  type ServerOffer,
  wellKnownPath,
} from "@countersign/protocol";
import type { Config } from "../config.ts";
import { grantTypes } from "../grants/index.ts";
import type { PublishedKeys } from "../keys/signer.ts";
import { oauthPaths } from "../paths.ts";
import type { Services } from "../services.ts";
import { clientAuthMethods } from "../store/records.ts";
import { text } from "./answer.ts";
import type { HttpAnswer, HttpRequest } from "./message.ts";
import type { Call } from "./route.ts";

/**
 * What this server offers to whoever asks. ML-DSA-65 is left out of what it signs with: verifiers that read the metadata
 * do not know it yet.
 */
export const offer: ServerOffer = {
  endpoints: {
    token: oauthPaths.token,
    jwks: oauthPaths.jwks,
    introspection: oauthPaths.introspection,
    revocation: oauthPaths.revocation,
  },
  grantTypes,
  authMethods: clientAuthMethods,
  assertionAlgorithms: Object.keys(algorithms),
  signingAlgorithms: ["ES256", "EdDSA", "RS256", "PS256"],
  certificateBoundTokens: true,
};

/**
 * The metadata of RFC 8414 and OpenID Connect Discovery in one document. Its `issuer` is the configured one byte for
 * byte: verifiers compare it so, a trailing slash included.
 */
export function metadata({ config }: Pick<Services, "config">): OpenIdMetadata {
  return openIdMetadata(config.issuer, offer);
}

/** Where the metadata stand: at the root, and where RFC 8414 section 3.1 puts them for an issuer with a path. */
export function metadataPaths({ issuer }: Pick<Config, "issuer">): readonly string[] {
  const names = ["oauth-authorization-server", "openid-configuration"] as const;
  return [...new Set(names.flatMap((name) => [`/.well-known/${name}`, wellKnownPath(issuer, name)]))];
}

/** A document as bytes, which all the answers that hold it share. */
export function documentBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** A cacheable JSON document that anyone may read, browsers of other origins included. */
export function publicDocument(
  request: HttpRequest,
  body: Uint8Array<ArrayBuffer>,
  etag: string | undefined,
  maxAgeSeconds: number,
): HttpAnswer {
  const document = text(body, "application/json", `public, max-age=${maxAgeSeconds}`);
  const headers = {
    ...document.headers,
    "access-control-allow-origin": "*",
    ...(etag === undefined ? {} : { etag }),
  };
  const known =
    request.headers
      .get("if-none-match")
      ?.split(",")
      .map((tag) => tag.trim()) ?? [];
  if (etag !== undefined && known.includes(etag)) return { status: 304, headers, body: null };
  return { ...document, headers };
}

/** A JWK set (RFC 7517 section 5), with the ETag and life that verifiers need to notice a rotation in time. */
export function jwksDocument({ request, services: { keys, config } }: Call, set: "jwks" | "pqc"): HttpAnswer {
  const published = keys.published(set);
  const bytes = jwksBytes.get(published) ?? documentBytes(published.body);
  jwksBytes.set(published, bytes);
  return publicDocument(request, bytes, published.etag, config.keys.jwks_max_age);
}

/** A ring publishes the same object until its keys change. */
const jwksBytes = new WeakMap<PublishedKeys, Uint8Array<ArrayBuffer>>();

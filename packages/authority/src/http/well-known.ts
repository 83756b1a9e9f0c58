import {
  algorithms,
  type OpenIdMetadata,
  openIdMetadata,
  type ServerOffer,
  sha256,
  wellKnownPath,
} from "@countersign/protocol";
import type { Config } from "../config.ts";
import type { PublishedKeys } from "../keys/open-ring.ts";
import { oauthPaths } from "../paths.ts";
import type { ClientCertificates } from "../services.ts";
import { clientAuthMethods } from "../store/records.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { text } from "./response.ts";
import type { Call, EndpointServices } from "./route.ts";

/**
 * What this server offers to whoever asks. ML-DSA-65 is left out of what it signs with: verifiers that read the metadata
 * do not know it yet.
 */
const offer: Omit<ServerOffer, "grantTypes"> = {
  endpoints: {
    token: oauthPaths.token,
    jwks: oauthPaths.jwks,
    introspection: oauthPaths.introspection,
    revocation: oauthPaths.revocation,
  },
  authMethods: clientAuthMethods,
  assertionAlgorithms: Object.keys(algorithms),
  signingAlgorithms: ["ES256", "EdDSA", "RS256", "PS256"],
  certificateBoundTokens: true,
};

/**
 * The metadata of RFC 8414 and OpenID Connect Discovery in one document. Its `issuer` is the configured one byte for
 * byte: verifiers compare it so, a trailing slash included.
 */
export function metadata({
  config,
  grants,
  clientCertificates,
}: Pick<EndpointServices, "config" | "grants" | "clientCertificates">): OpenIdMetadata {
  // RFC 8705 needs TLS: what is reached over plain HTTP can see no certificate.
  const seen = config.issuer.startsWith("https:") ? clientCertificates : "none";
  return openIdMetadata(config.issuer, offerWith[seen]({ ...offer, grantTypes: [...grants.keys()] }));
}

/** What can be offered where the server that is reached asks for these certificates. */
const offerWith: Readonly<Record<ClientCertificates, (all: ServerOffer) => ServerOffer>> = {
  "self-signed or trusted": (all) => all,
  // RFC 8705 section 2.1 asks for a chain to an authority that the server trusts.
  "self-signed": (all) => ({ ...all, authMethods: all.authMethods.filter((method) => method !== "tls_client_auth") }),
  none: ({ certificateBoundTokens: _, ...others }) => ({
    ...others,
    authMethods: others.authMethods.filter((method) => !method.includes("tls_client_auth")),
  }),
};

/** Where the metadata stand: at the root, and where RFC 8414 section 3.1 puts them for an issuer with a path. */
export function metadataPaths({ issuer }: Pick<Config, "issuer">): readonly string[] {
  const names = ["oauth-authorization-server", "openid-configuration"] as const;
  return [...new Set(names.flatMap((name) => [`/.well-known/${name}`, wellKnownPath(issuer, name)]))];
}

/** A document as it is served: bytes that all the responses share, and the tag by which caches ask whether it changed. */
export interface PublicDocument {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** A document of a value that does not change while this process runs. */
export function documentOf(value: unknown): PublicDocument {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { bytes, etag: `"${sha256(bytes)}"` };
}

/** A cacheable JSON document that anyone may read, browsers of other origins included. */
export function publicDocument(
  request: HttpRequest,
  { bytes, etag }: PublicDocument,
  maxAgeSeconds: number,
): HttpResponse {
  const document = text(bytes, "application/json", `public, max-age=${maxAgeSeconds}`);
  const headers = { ...document.headers, etag };
  if (isKnown(request.headers.get("if-none-match"), etag)) return { status: 304, headers, body: null };
  return { ...document, headers };
}

const ENTITY_TAG = /(?:W\/)?("[^"]*")/g;

/** RFC 9110 section 13.1.2: any tag of the list, compared weakly, as proxies weaken the tags of what they compress. */
function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.trim() === "*" || [...ifNoneMatch.matchAll(ENTITY_TAG)].some(([, opaque]) => opaque === etag);
}

/** A JWK set (RFC 7517 section 5), its keys with their evidence where there is any, with the ETag and life that verifiers need to notice a rotation in time. */
export async function jwksDocument(call: Call, set: "jwks" | "pqc"): Promise<HttpResponse> {
  const { request, services } = call;
  const { keys, evidence, config } = services;
  const published = set === "jwks" ? await evidence.published() : keys.published(set);
  const document = jwksDocuments.get(published) ?? {
    bytes: new TextEncoder().encode(published.body),
    etag: published.etag,
  };
  jwksDocuments.set(published, document);
  return publicDocument(request, document, config.keys.jwks_max_age);
}

/** A ring publishes the same object until its keys change. */
const jwksDocuments = new WeakMap<PublishedKeys, PublicDocument>();

import { grantTypes } from "../grants/index.ts";
import type { Services } from "../services.ts";
import type { Call } from "./route.ts";

/** Paths of the OAuth endpoints, as routes and in the metadata. */
export const oauthPaths = {
  token: "/oauth/token",
  introspection: "/oauth/introspect",
  revocation: "/oauth/revoke",
  jwks: "/.well-known/jwks.json",
  jwksPqc: "/.well-known/jwks-pqc.json",
} as const;

const authMethods = [
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
];

const assertionAlgorithms = ["ES256", "ES384", "EdDSA", "RS256", "PS256"];

/**
 * `/.well-known/oauth-authorization-server` (RFC 8414 section 2) and `/.well-known/openid-configuration`, whose
 * `issuer` is the configured one byte for byte: verifiers compare it so, a trailing slash included.
 */
export function metadata({ config }: Pick<Services, "config">): Readonly<Record<string, unknown>> {
  const base = config.issuer.replace(/\/$/, "");
  const authenticated = authMethods.filter((method) => method !== "none");
  return {
    issuer: config.issuer,
    token_endpoint: `${base}${oauthPaths.token}`,
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_endpoint: `${base}${oauthPaths.introspection}`,
    introspection_endpoint_auth_methods_supported: authenticated,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    revocation_endpoint: `${base}${oauthPaths.revocation}`,
    revocation_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    jwks_uri: `${base}${oauthPaths.jwks}`,
    grant_types_supported: grantTypes,
    response_types_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256", "ES256"],
    tls_client_certificate_bound_access_tokens: true,
  };
}

/** A cacheable JSON document that anyone may read, browsers of other origins included. */
export function publicDocument(
  request: Request,
  body: string,
  etag: string | undefined,
  maxAgeSeconds: number,
): Response {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "cache-control": `public, max-age=${maxAgeSeconds}`,
    "access-control-allow-origin": "*",
    ...(etag === undefined ? {} : { etag }),
  };
  const known =
    request.headers
      .get("if-none-match")
      ?.split(",")
      .map((tag) => tag.trim()) ?? [];
  if (etag !== undefined && known.includes(etag)) return new Response(null, { status: 304, headers });
  return new Response(body, { headers });
}

/** A JWK set (RFC 7517 section 5), with the ETag and life that verifiers need to notice a rotation in time. */
export function jwksDocument({ request, services: { keys, config } }: Call, set: "jwks" | "pqc"): Response {
  const { body, etag } = keys.published(set);
  return publicDocument(request, body, etag, config.keys.jwks_max_age);
}

import { REVOCATION_FEED_TYPE } from "@countersign/protocol";
import { z } from "zod";
import type { Config } from "../config.ts";
import { type GrantTable, grantTable } from "../grants/grant-table.ts";
import { oauthPaths, tokenPaths } from "../paths.ts";
import { attestationEndpoint, attestationQuery, legacyAttestedJwks } from "./attestation.ts";
import { capabilityRoutes } from "./capability/routes.ts";
import { home } from "./home.ts";
import { issuerJwksEndpoint, issuerTokenEndpoint, issuerTokenInput } from "./jwt-issuer.ts";
import { auditRoutes } from "./management/audit-routes.ts";
import { clientRoutes } from "./management/client-routes.ts";
import { identityRoutes } from "./management/identity-routes.ts";
import { keyRoutes } from "./management/key-routes.ts";
import { policyRoutes } from "./management/policy-routes.ts";
import { registrationRoutes } from "./management/registration-routes.ts";
import { revocationRoutes } from "./management/revocation-routes.ts";
import { usernameRoutes, userRoutes } from "./management/user-routes.ts";
import { introspectionEndpoint } from "./oauth/introspect.ts";
import { aboutToken, introspectionResponse, jwksResponse, tokenForm, tokenResponse } from "./oauth/openapi-shapes.ts";
import { revocationEndpoint } from "./oauth/revoke.ts";
import { tokenEndpoint } from "./oauth/token.ts";
import { openApiRoute } from "./openapi.ts";
import { revocationFeed } from "./revocation-feed.ts";
import type { EndpointServices, Route, RouteDoc } from "./route.ts";
import { live, ready, scrape, status } from "./status.ts";
import { stsInput, stsResourceEndpoint, stsTokenEndpoint } from "./sts.ts";
import { documentOf, jwksDocument, metadata, metadataPaths, publicDocument } from "./well-known.ts";

const FORM_TYPE = "application/x-www-form-urlencoded";

function tokenRoutes(grants: GrantTable): readonly Route[] {
  const doc: RouteDoc = {
    summary: `Issue a token by ${[...grants.keys()].join(", ")} (RFC 6749)`,
    tag: "OAuth 2",
    security: "client",
    body: { type: FORM_TYPE, schema: tokenForm(grants) },
    success: { status: 200, schema: tokenResponse },
  };
  return tokenPaths.map((path) => ({ method: "POST", path, handle: tokenEndpoint, cors: "configured", doc }));
}

const aboutTokens: readonly Route[] = [
  {
    method: "POST",
    path: oauthPaths.introspection,
    handle: introspectionEndpoint,
    doc: {
      summary: "Ask whether a token is active (RFC 7662)",
      tag: "OAuth 2",
      security: "client",
      body: { type: FORM_TYPE, schema: aboutToken },
      success: { status: 200, schema: introspectionResponse },
    },
  },
  {
    method: "POST",
    path: oauthPaths.revocation,
    handle: revocationEndpoint,
    cors: "configured",
    doc: {
      summary: "Revoke an access token or a whole login (RFC 7009)",
      tag: "OAuth 2",
      security: "client",
      body: { type: FORM_TYPE, schema: aboutToken },
      success: { status: 200, type: "none" },
    },
  },
];

const wellKnown: readonly Route[] = [
  {
    ...publicRoute(oauthPaths.jwks, "Public keys that every JOSE library can read", (call) =>
      jwksDocument(call, "jwks"),
    ),
    doc: {
      summary: "Public keys that every JOSE library can read",
      tag: "OAuth 2",
      security: "none",
      success: { status: 200, schema: jwksResponse },
    },
  },
  publicRoute(
    oauthPaths.attestedJwks,
    "The RSA key and its quote, for clients of confidential-token-broker",
    legacyAttestedJwks,
  ),
  {
    method: "GET",
    path: oauthPaths.attestation,
    handle: attestationEndpoint,
    cors: "any",
    doc: {
      summary: "Fresh evidence of where the keys live, for a nonce (RFC 9711, RFC 9999)",
      tag: "OAuth 2",
      security: "none",
      query: attestationQuery,
      success: { status: 200, type: "application/eat-ucs+json" },
    },
  },
  {
    ...publicRoute(
      oauthPaths.revocationFeed,
      "What was revoked and has not expired: a signed JWT; after a position with list and since",
      revocationFeed,
    ),
    doc: {
      summary: "What was revoked and has not expired: a signed JWT; after a position with list and since",
      tag: "Revocation",
      security: "none",
      query: z.object({ list: z.string().optional(), since: z.string().optional() }),
      success: { status: 200, type: `application/${REVOCATION_FEED_TYPE}` },
    },
  },
  publicRoute(oauthPaths.jwksPqc, "Public keys of ML-DSA-65, in a set of their own", (call) =>
    jwksDocument(call, "pqc"),
  ),
];

const operation: readonly Route[] = [
  operational("/", "What this is, and where its documents are", home),
  operational("/health/live", "Whether the process answers", live),
  operational("/health/ready", "Whether the store takes reads and writes and a key is ready to sign", ready),
  operational("/status", "Whether the process answers, where the older service said so", status),
  operational("/metrics", "Metrics in the Prometheus text format", scrape, "text/plain"),
];

const management: readonly Route[] = [
  ...registrationRoutes,
  ...userRoutes,
  ...usernameRoutes,
  ...keyRoutes,
  ...policyRoutes,
  ...revocationRoutes,
  ...auditRoutes,
];

function stsRoute(method: "GET" | "POST"): Route {
  return {
    method,
    path: "/stsToken",
    handle: stsTokenEndpoint,
    doc: {
      summary: "An access token for an id token, as confidential-token-broker gives it",
      tag: "Compatibility",
      security: "none",
      body: { type: "application/json", schema: stsInput },
      success: { status: 200, type: "text/plain" },
    },
  };
}

/** Compatibility endpoints: those of older systems, present only when the configuration names them. */
const compat: Readonly<Record<Config["compat"]["faces"][number], readonly Route[]>> = {
  "jwt-issuer": [
    {
      method: "POST",
      path: "/auth/token",
      handle: issuerTokenEndpoint,
      doc: {
        summary: "A token for a name, as jwt-issuer gives it",
        tag: "Compatibility",
        security: "none",
        body: { type: "application/json", schema: issuerTokenInput },
        success: { status: 200, type: "text/plain" },
      },
    },
    {
      method: "GET",
      path: "/auth/jwks",
      handle: issuerJwksEndpoint,
      doc: {
        summary: "The ES256 keys, as jwt-issuer shows them",
        tag: "Compatibility",
        security: "none",
        success: { status: 200 },
      },
    },
  ],
  sts: [
    ...(["GET", "POST"] as const).map(stsRoute),
    {
      method: "GET",
      path: "/api",
      handle: stsResourceEndpoint,
      doc: {
        summary: "Whether a token is good, as the resource server of confidential-token-broker says it",
        tag: "Compatibility",
        security: "none",
        success: { status: 200, type: "text/plain" },
      },
    },
  ],
};

/** What of an authority its routes depend on, beside its configuration. */
type Offered = Partial<Pick<EndpointServices, "grants" | "clientCertificates">>;

/** Every route of an authority with this configuration, these grants and these certificates of clients: one row each. */
export function routesOf(
  config: Config,
  { grants = grantTable(), clientCertificates = "none" }: Offered = {},
): readonly Route[] {
  const routes = [
    ...tokenRoutes(grants),
    ...aboutTokens,
    ...metadataRoutes({ config, grants, clientCertificates }),
    ...wellKnown,
    ...clientRoutes(grants),
    ...management,
    ...operation,
    ...(config.capability.enabled ? [...capabilityRoutes, ...identityRoutes] : []),
    ...config.compat.faces.flatMap((system) => compat[system]),
  ];
  return [...routes, openApiRoute(routes, config)];
}

function metadataRoutes(served: Pick<EndpointServices, "config" | "grants" | "clientCertificates">): readonly Route[] {
  const { config } = served;
  const document = documentOf(metadata(served));
  const show: Route["handle"] = ({ request }) => publicDocument(request, document, config.keys.jwks_max_age);
  return metadataPaths(config).map((path) => publicRoute(path, "Server metadata (RFC 8414)", show));
}

function publicRoute(path: string, summary: string, handle: Route["handle"]): Route {
  const doc: RouteDoc = { summary, tag: "OAuth 2", security: "none", success: { status: 200 } };
  return { method: "GET", path, handle, cors: "any", doc };
}

function operational(path: string, summary: string, handle: Route["handle"], type = "application/json"): Route {
  return {
    method: "GET",
    path,
    handle,
    quiet: true,
    doc: { summary, tag: "Operation", security: "none", success: { status: 200, type } },
  };
}

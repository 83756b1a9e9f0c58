/** What an authorization server says of itself (RFC 8414 section 2, RFC 8705 section 3.3). Names are the RFCs' own. */
export interface ServerMetadata {
  /** The issuer identifier (RFC 8414 section 2). */
  readonly issuer: string;
  /** Where tokens are asked for. */
  readonly token_endpoint: string;
  /** Where the keys are published. */
  readonly jwks_uri: string;
  /** RFC 7662 section 2. */
  readonly introspection_endpoint?: string;
  /** RFC 7009 section 2. */
  readonly revocation_endpoint?: string;
  /** Scopes that may be asked for. */
  readonly scopes_supported?: readonly string[];
  /** Absent where there is no authorization endpoint: a member without elements is left out (RFC 8414 section 3.2). */
  readonly response_types_supported?: readonly string[];
  /** Values of `grant_type`. */
  readonly grant_types_supported: readonly string[];
  /** How clients may authenticate at the token endpoint. */
  readonly token_endpoint_auth_methods_supported: readonly string[];
  /** Algorithms for `private_key_jwt` there. */
  readonly token_endpoint_auth_signing_alg_values_supported?: readonly string[];
  /** How clients may authenticate at introspection. */
  readonly introspection_endpoint_auth_methods_supported?: readonly string[];
  /** Algorithms for `private_key_jwt` there. */
  readonly introspection_endpoint_auth_signing_alg_values_supported?: readonly string[];
  /** How clients may authenticate at revocation. */
  readonly revocation_endpoint_auth_methods_supported?: readonly string[];
  /** Algorithms for `private_key_jwt` there. */
  readonly revocation_endpoint_auth_signing_alg_values_supported?: readonly string[];
  /** Whether access tokens can be bound to certificates (RFC 8705 section 3.3). */
  readonly tls_client_certificate_bound_access_tokens?: boolean;
  /** A page for developers. */
  readonly service_documentation?: string;
}

/** The same document in the form of OpenID Connect Discovery 1.0 section 3, for software that looks only there. */
export interface OpenIdMetadata extends ServerMetadata {
  /** OpenID Connect Discovery section 3. */
  readonly subject_types_supported: readonly string[];
  /** OpenID Connect Discovery section 3. */
  readonly id_token_signing_alg_values_supported: readonly string[];
}

/** What a server offers, from which its metadata is built. */
export interface ServerOffer {
  /** Where each endpoint answers: paths below the issuer, beginning with a slash. */
  readonly endpoints: {
    readonly token: string;
    readonly jwks: string;
    readonly introspection?: string;
    readonly revocation?: string;
  };
  /** Values of `grant_type`. */
  readonly grantTypes: readonly string[];
  /** Names of RFC 7591 section 2; `none` is left out where a client must authenticate. */
  readonly authMethods: readonly string[];
  /** Algorithms of client assertions; required with `private_key_jwt`. */
  readonly assertionAlgorithms: readonly string[];
  /** Algorithms of the tokens that this server signs. */
  readonly signingAlgorithms: readonly string[];
  /** Scopes that may be asked for. */
  readonly scopes?: readonly string[];
  /** Whether access tokens can be bound to certificates (RFC 8705 section 3.3). */
  readonly certificateBoundTokens?: boolean;
  /** The address of a page for developers. */
  readonly documentation?: string;
}

/** The documents that are published under well-known names (RFC 8414 section 3, OpenID Connect Discovery section 4). */
export type WellKnownName = "oauth-authorization-server" | "openid-configuration";

/**
 * The path at which an issuer's metadata is found. RFC 8414 puts the well-known name before the issuer's own path,
 * OpenID Connect Discovery after it.
 *
 * @example
 * ```ts
 * import { wellKnownPath } from "@countersign/protocol";
 * wellKnownPath("https://example.com/id", "oauth-authorization-server"); // "/.well-known/oauth-authorization-server/id"
 * wellKnownPath("https://example.com/id", "openid-configuration"); // "/id/.well-known/openid-configuration"
 * ```
 */
export function wellKnownPath(issuer: string, name: WellKnownName): string {
  const path = new URL(issuer).pathname.replace(/\/$/, "");
  return name === "openid-configuration" ? `${path}/.well-known/${name}` : `/.well-known/${name}${path}`;
}

/**
 * The metadata of an authorization server (RFC 8414 section 2). `issuer` is kept byte for byte: clients compare it.
 *
 * @example
 * ```ts
 * import { serverMetadata } from "@countersign/protocol";
 * serverMetadata("https://id.example.com", {
 *   endpoints: { token: "/oauth/token", jwks: "/.well-known/jwks.json" },
 *   grantTypes: ["client_credentials"],
 *   authMethods: ["client_secret_basic"],
 *   assertionAlgorithms: [],
 *   signingAlgorithms: ["ES256"],
 * }).token_endpoint; // "https://id.example.com/oauth/token"
 * ```
 */
export function serverMetadata(issuer: string, offer: ServerOffer): ServerMetadata {
  const { endpoints, authMethods, scopes, documentation } = offer;
  const at = (path: string) => issuer.replace(/\/$/, "") + path;
  // RFC 8414 section 2: required with private_key_jwt, meaningless without.
  const signing = authMethods.includes("private_key_jwt") ? offer.assertionAlgorithms : undefined;
  return withoutUndefined({
    issuer,
    token_endpoint: at(endpoints.token),
    jwks_uri: at(endpoints.jwks),
    grant_types_supported: offer.grantTypes,
    scopes_supported: scopes,
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: signing,
    ...(endpoints.introspection !== undefined && {
      introspection_endpoint: at(endpoints.introspection),
      // RFC 7662 section 2.1: the caller authenticates, so that tokens cannot be guessed.
      introspection_endpoint_auth_methods_supported: authMethods.filter((method) => method !== "none"),
      introspection_endpoint_auth_signing_alg_values_supported: signing,
    }),
    ...(endpoints.revocation !== undefined && {
      revocation_endpoint: at(endpoints.revocation),
      revocation_endpoint_auth_methods_supported: authMethods,
      revocation_endpoint_auth_signing_alg_values_supported: signing,
    }),
    tls_client_certificate_bound_access_tokens: offer.certificateBoundTokens,
    service_documentation: documentation,
  });
}

/** The metadata as OpenID Connect Discovery asks for it, for a server that issues no id tokens. */
export function openIdMetadata(issuer: string, offer: ServerOffer): OpenIdMetadata {
  return {
    ...serverMetadata(issuer, offer),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: offer.signingAlgorithms,
  };
}

type WithoutUndefined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/**
 * JSON has no `undefined`, and a document must compare equal to what is read back from it. RFC 8414 section 3.2: what has
 * zero elements is left out.
 */
function withoutUndefined<T extends object>(members: T): WithoutUndefined<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined && !isEmptyList(value)),
  ) as WithoutUndefined<T>;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

import type { CountersignError } from "./errors.ts";
import type { JsonObject } from "./json-value.ts";

/** A successful response of the token endpoint (RFC 6749 section 5.1, RFC 8693 section 2.2.1). */
export interface TokenResponse {
  /** The access token. */
  readonly access_token: string;
  /** How it is presented (RFC 6749 section 7.1); `N_A` of what is no access token (RFC 8693 section 2.2.1). */
  readonly token_type: "Bearer" | "N_A";
  /** Seconds from the moment of the response. */
  readonly expires_in: number;
  /** The refresh token, where one is given. */
  readonly refresh_token?: string;
  /** Scopes joined by spaces; what was granted, always said, as it may be less than was asked for. */
  readonly scope?: string;
  /** Of a token exchange only. */
  readonly issued_token_type?: string;
}

/** The kinds of token that an exchange takes and gives (RFC 8693 section 3). */
export const tokenTypes = {
  accessToken: "urn:ietf:params:oauth:token-type:access_token",
  idToken: "urn:ietf:params:oauth:token-type:id_token",
  jwt: "urn:ietf:params:oauth:token-type:jwt",
  /** A capability token that says who somebody is. */
  identityToken: "urn:countersign:params:oauth:token-type:identity_token",
  /** A capability token for one operation on one resource. */
  authorizationToken: "urn:countersign:params:oauth:token-type:authorization_token",
} as const;

/** A refusal of the token endpoint (RFC 6749 section 5.2). */
export interface ErrorResponse {
  /** The code (RFC 6749 section 5.2). */
  readonly error: string;
  /** For developers. */
  readonly error_description?: string;
  /** A page on the error. */
  readonly error_uri?: string;
}

/** What introspection says of a token that is good here and now (RFC 7662 section 2.2). */
export interface ActiveToken {
  /** Always true. */
  readonly active: true;
  /** The issuer. */
  readonly iss?: string;
  /** The subject. */
  readonly sub?: string;
  /** The audiences. */
  readonly aud?: string | readonly string[];
  /** The end of its life, in seconds. */
  readonly exp?: number;
  /** The begin of its life, in seconds. */
  readonly nbf?: number;
  /** When it was issued, in seconds. */
  readonly iat?: number;
  /** Its id. */
  readonly jti?: string;
  /** The client that it was issued to. */
  readonly client_id?: string;
  /** The name of the user, for people. */
  readonly username?: string;
  /** Scopes joined by spaces. */
  readonly scope?: string;
  /** As in the response that gave it. */
  readonly token_type?: string;
  /** What it is bound to (RFC 7800 section 3.1). */
  readonly cnf?: JsonObject;
}

/** The response of the introspection endpoint; of a token that is not good it says nothing else (section 2.2). */
export type IntrospectionResponse = ActiveToken | { readonly active: false };

/** The kinds of token that introspection and revocation take a hint of (RFC 7009 section 2.1); others are ignored. */
export const tokenTypeHints = ["access_token", "refresh_token"] as const;

/** One of {@link tokenTypeHints}. */
export type TokenTypeHint = (typeof tokenTypeHints)[number];

/**
 * A refusal in the form of RFC 6749 section 5.2: the code and the public hint, nothing of the private detail.
 *
 * @example
 * ```ts
 * import { CountersignError, errorResponse } from "@countersign/protocol";
 * errorResponse(new CountersignError("invalid_grant")).error; // "invalid_grant"
 * ```
 */
export function errorResponse(error: CountersignError): ErrorResponse {
  return { error: error.error, error_description: error.message };
}

import { defined } from "./defined.ts";
import type { JsonObject } from "./json.ts";

/** How a token is bound to a key that its holder proves (RFC 7800 section 3, RFC 8705 section 3.1). */
export interface Confirmation extends JsonObject {
  /** SHA-256 of the client certificate, base64url. */
  readonly "x5t#S256": string;
}

/** The payload of an access token (RFC 9068 section 2.2). Times are seconds since the epoch (NumericDate). */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly jti: string;
  readonly client_id: string;
  /** Scopes joined by spaces; absent when there are none. */
  readonly scope?: string;
  readonly cnf?: Confirmation;
}

/** The payload of a `plain` token: no audience, and no subject when a client acts for itself. */
export type PlainClaims = Omit<AccessTokenClaims, "aud" | "sub"> & { readonly sub?: string };

/** What an access token says, in the units of this code base. */
export interface AccessTokenFacts {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  /** At least one. */
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly issuedAt: number;
  /** Whole seconds, in milliseconds. */
  readonly lifetimeMs: number;
  readonly tokenId: string;
  /** SHA-256 of the client certificate the token is bound to, base64url. */
  readonly certificateThumbprint?: string | undefined;
}

/** Milliseconds since the epoch as a NumericDate (RFC 7519 section 2), whole seconds, rounded down. */
export function toNumericDate(instantAt: number): number {
  return Math.floor(instantAt / 1000);
}

/**
 * The claims of an access token in the RFC 9068 profile; a single audience is a string, several are an array.
 *
 * @throws {RangeError} when there is no audience.
 * @example
 * ```ts
 * import { accessTokenClaims } from "@countersign/protocol";
 * const claims = accessTokenClaims({
 *   issuer: "https://id.example.com",
 *   subject: "U-1",
 *   clientId: "shop",
 *   audience: ["https://api.example.com"],
 *   scopes: ["read"],
 *   issuedAt: 1_900_000_000_000,
 *   lifetimeMs: 900_000,
 *   tokenId: "J-1",
 * });
 * claims.exp; // 1900000900
 * ```
 */
export function accessTokenClaims(facts: AccessTokenFacts): AccessTokenClaims {
  const [first, ...others] = facts.audience;
  if (first === undefined) throw new RangeError("Cannot make an access token without an audience");
  return {
    iss: facts.issuer,
    sub: facts.subject,
    aud: others.length === 0 ? first : facts.audience,
    ...commonClaims(facts),
  };
}

/** The claims of an access token in the `plain` profile. */
export function plainClaims(
  facts: Omit<AccessTokenFacts, "audience" | "subject"> & { readonly subject?: string | undefined },
): PlainClaims {
  return {
    iss: facts.issuer,
    ...defined({ sub: facts.subject }),
    ...commonClaims(facts),
  };
}

function commonClaims(facts: Omit<AccessTokenFacts, "issuer" | "audience" | "subject">) {
  const iat = toNumericDate(facts.issuedAt);
  return {
    exp: iat + toNumericDate(facts.lifetimeMs),
    iat,
    jti: facts.tokenId,
    client_id: facts.clientId,
    ...(facts.scopes.length === 0 ? {} : { scope: facts.scopes.join(" ") }),
    ...(facts.certificateThumbprint === undefined ? {} : { cnf: { "x5t#S256": facts.certificateThumbprint } }),
  };
}

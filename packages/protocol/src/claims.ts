import { defined } from "./defined.ts";
import type { JsonObject } from "./json-value.ts";

/** How a token is bound to a key that its holder proves (RFC 7800 section 3, RFC 8705 section 3.1). */
export interface Confirmation extends JsonObject {
  /** SHA-256 of the client certificate, base64url. */
  readonly "x5t#S256": string;
}

/** Who acts for a subject (RFC 8693 section 4.1); whoever did so before is nested inside, the one before last innermost. */
export interface ActorClaim extends JsonObject {
  /** Who it is, a name of `iss`, or of the token's issuer where there is none. */
  readonly sub: string;
}

/** The payload of an access token (RFC 9068 section 2.2). Times are seconds since the epoch (NumericDate). */
export interface AccessTokenClaims {
  /** The issuer (RFC 7519 section 4.1.1). */
  readonly iss: string;
  /** The resource owner, or the client that acts for itself (RFC 9068 section 2.2). */
  readonly sub: string;
  /** For whom the token is (RFC 7519 section 4.1.3). */
  readonly aud: string | readonly string[];
  /** From when on it is refused, in seconds (RFC 7519 section 4.1.4). */
  readonly exp: number;
  /** When it was issued, in seconds (RFC 7519 section 4.1.6). */
  readonly iat: number;
  /** Its id (RFC 7519 section 4.1.7). */
  readonly jti: string;
  /** The client that it was issued to (RFC 8693 section 4.3). */
  readonly client_id: string;
  /** Scopes joined by spaces; absent when there are none. */
  readonly scope?: string;
  /** What it is bound to (RFC 7800 section 3.1). */
  readonly cnf?: Confirmation;
  /** Who acts for the subject (RFC 8693 section 4.1). */
  readonly act?: ActorClaim;
  /** Who alone may act for the subject (RFC 8693 section 4.4). */
  readonly may_act?: JsonObject;
}

/** The payload of a `plain` token: no audience, and no subject when a client acts for itself. */
export type PlainClaims = Omit<AccessTokenClaims, "aud" | "sub"> & { readonly sub?: string };

/** What an access token says, in the units of this code base. */
export interface AccessTokenFacts {
  /** The issuer identifier. */
  readonly issuer: string;
  /** The resource owner, or the client that acts for itself. */
  readonly subject: string;
  /** The client that it is issued to. */
  readonly clientId: string;
  /** At least one. */
  readonly audience: readonly string[];
  /** What it permits; may be empty. */
  readonly scopes: readonly string[];
  /** In milliseconds since the epoch. */
  readonly issuedAt: number;
  /** Whole seconds, in milliseconds. */
  readonly lifetimeMs: number;
  /** Becomes `jti`. */
  readonly tokenId: string;
  /** SHA-256 of the client certificate the token is bound to, base64url. */
  readonly certificateThumbprint?: string | undefined;
  /** Becomes `act`. */
  readonly actor?: ActorClaim | undefined;
  /** Becomes `may_act`. */
  readonly mayAct?: JsonObject | undefined;
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
    ...defined({ act: facts.actor, may_act: facts.mayAct }),
  };
}

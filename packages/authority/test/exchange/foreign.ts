import { generateKeyPairSync, randomUUID } from "node:crypto";
import { exportJWK, type JWK, SignJWT } from "jose";

/** An issuer of another's, with one key, for tests. */
export interface ForeignIssuer {
  readonly issuer: string;
  readonly jwks: { readonly keys: readonly JWK[] };
  /** Signs claims that are right in everything but what is given: from a minute ago, for ten minutes. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

/** The instant at which the clock of test authorities begins, in seconds. */
export interface IssuerOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly kid?: string;
  readonly claims?: Record<string, unknown>;
}

/** Makes an issuer that signs with ES256. */
export async function foreignIssuer({
  issuer,
  audience,
  now,
  kid = "k1",
  claims: usual = {},
}: IssuerOptions): Promise<ForeignIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" };
  return {
    issuer,
    jwks: { keys: [jwk] },
    sign(claims = {}, header = {}) {
      const iat = Math.floor(now() / 1000) - 60;
      const all = {
        iss: issuer,
        aud: audience,
        sub: "job-1",
        iat,
        exp: iat + 660,
        jti: randomUUID(),
        ...usual,
        ...claims,
      };
      return new SignJWT(all).setProtectedHeader({ alg: "ES256", kid, typ: "JWT", ...header }).sign(privateKey);
    },
  };
}

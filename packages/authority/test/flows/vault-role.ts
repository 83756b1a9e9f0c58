import { compactVerify, importJWK, type JWK } from "jose";

/** The parts of a Vault role that decide a login (vault-plugin-auth-jwt, path_role.go and path_login.go). */
export interface VaultRole {
  readonly roleType: "jwt";
  readonly userClaim: string;
  readonly boundAudiences?: readonly string[];
  readonly boundSubject?: string;
  readonly boundClaims?: Readonly<Record<string, string>>;
  /** `bound_issuer` of the method's configuration. */
  readonly boundIssuer?: string;
}

type Claims = Readonly<Record<string, unknown>>;

const leewayMs = 150_000;
const skewMs = 60_000;

/** What go-oidc reads of a discovery document: the issuer must equal the configured string. */
export function readDiscovery(document: Claims, configured: string): { readonly jwksUri: string } {
  if (document.issuer !== configured) throw new Error("issuer did not match the issuer returned by provider");
  return { jwksUri: String(document.jwks_uri) };
}

/** go-jose reads a set as a whole: one key of an unknown type spoils it. */
export function readKeySet(document: Claims): readonly JWK[] {
  const keys = document.keys as readonly JWK[];
  for (const { kty, crv } of keys) {
    const known =
      kty === "RSA" || (kty === "EC" && /^P-(256|384|521)$/.test(crv ?? "")) || (kty === "OKP" && crv === "Ed25519");
    if (!known) throw new Error(`unknown json web key type: ${kty}`);
  }
  return keys;
}

/** A login by JWT: signature, times, then what the role binds, then the alias. */
export async function loginToVault(token: string, role: VaultRole, keys: readonly JWK[], now: number) {
  if (![role.boundAudiences, role.boundSubject, role.boundClaims].some((bound) => bound !== undefined)) {
    throw new Error("must have at least one bound constraint when creating/updating a role");
  }
  const claims = await verifySignature(token, keys);
  checkTimes(claims, now);
  if (role.boundIssuer !== undefined && claims.iss !== role.boundIssuer) throw new Error("invalid issuer");
  if (role.boundSubject !== undefined && claims.sub !== role.boundSubject) throw new Error("invalid subject");
  checkAudience(claims, role.boundAudiences ?? []);
  for (const [name, value] of Object.entries(role.boundClaims ?? {})) {
    if (claims[name] !== value) throw new Error(`claim "${name}" does not match associated bound claim values`);
  }
  const alias = claims[role.userClaim];
  if (typeof alias !== "string") throw new Error(`claim "${role.userClaim}" not found in token or not a string`);
  return { alias };
}

/** With a kid only keys of that kid are tried, without one every key (go-oidc RemoteKeySet). */
async function verifySignature(token: string, keys: readonly JWK[]): Promise<Claims> {
  const header = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as {
    kid?: string;
    alg: string;
  };
  for (const jwk of keys.filter((key) => header.kid === undefined || key.kid === header.kid)) {
    try {
      const { payload } = await compactVerify(token, await importJWK(jwk, header.alg));
      return JSON.parse(new TextDecoder().decode(payload));
    } catch {
      // the next key may fit
    }
  }
  throw new Error("failed to verify id token signature");
}

function checkTimes(claims: Claims, now: number): void {
  const [iat = 0, nbf = 0, exp = 0] = ["iat", "nbf", "exp"].map((name) => {
    const value = claims[name] ?? 0;
    if (typeof value !== "number") throw new Error(`claim "${name}" is not a number`);
    return value * 1000;
  });
  if (iat + nbf + exp === 0) throw new Error("no issue time, notBefore or expiration time encoded in token");
  const expiresAt = exp || Math.max(iat, nbf) + leewayMs;
  const startsAt = nbf || iat || expiresAt - leewayMs;
  if (now > expiresAt + skewMs) throw new Error("token is expired");
  if (now < startsAt - skewMs) throw new Error("token not yet valid");
  if (iat > now + skewMs) throw new Error("token issued in the future");
}

function checkAudience(claims: Claims, bound: readonly string[]): void {
  const audience = [claims.aud ?? []].flat();
  if (bound.length === 0 && audience.length > 0)
    throw new Error("audience claim found in JWT but no audiences bound to the role");
  if (bound.length > 0 && !audience.some((one) => bound.includes(String(one))))
    throw new Error("error validating claims: invalid audience");
}

import { randomSecret, toBase64url } from "@countersign/protocol";
import type { Services } from "../services.ts";
import type { TokenProfile } from "../store/records.ts";
import type { Granted } from "./issue.ts";

/** What identifies a token before it is signed, so that it can be recorded meanwhile. */
export interface TokenPlan {
  readonly jti: string;
  readonly issuedAt: number;
  readonly ttlMs: number;
}

/** A signed token. */
export interface Minted {
  readonly token: string;
  readonly expiresInMs: number;
}

/** Decides a token's id and life. */
export function plan({ caller }: Granted, { clock, random, config }: Services): TokenPlan {
  return {
    jti: randomSecret(random, 16),
    issuedAt: clock.now(),
    ttlMs: caller.client.token.accessTokenTtlMs ?? config.tokens.access_ttl * 1000,
  };
}

/** Signs the access token that was planned. */
export async function mint(planned: TokenPlan, granted: Granted, services: Services): Promise<Minted> {
  const { client } = granted.caller;
  const signer = await services.keys.signer(client.token.algorithm ?? services.config.tokens.algorithm);
  const profile = client.token.profile ?? "at+jwt";
  const claims = profiles[profile](planned, granted, services);
  const input = `${header(profile, signer.algorithm, signer.kid)}.${encode(claims)}`;
  return { token: `${input}.${await signer.sign(input)}`, expiresInMs: planned.ttlMs };
}

type Claims = Readonly<Record<string, unknown>>;

const profiles: Record<TokenProfile, (planned: TokenPlan, granted: Granted, services: Services) => Claims> = {
  "at+jwt": accessTokenClaims,
  plain: plainClaims,
};

/** RFC 9068 section 2.2, with `cnf` of RFC 8705 section 3.1 when the client came with a certificate. */
function accessTokenClaims(planned: TokenPlan, granted: Granted, { config }: Services): Claims {
  const { caller, grounds, permission } = granted;
  const thumbprint = caller.certificateThumbprint;
  return {
    iss: config.issuer,
    sub: grounds.user?.userId ?? caller.client.clientId,
    aud: permission.audience.length === 1 ? permission.audience[0] : permission.audience,
    ...dates(planned),
    jti: planned.jti,
    client_id: caller.client.clientId,
    scope: permission.scopes.join(" "),
    ...(thumbprint === undefined ? {} : { cnf: { "x5t#S256": thumbprint } }),
  };
}

/** The small shape that Vault roles without `bound_audiences` need: no `aud`, and no `sub` for a client's own token. */
function plainClaims(planned: TokenPlan, { caller, grounds, permission }: Granted, { config }: Services): Claims {
  return {
    iss: config.issuer,
    ...(grounds.user === undefined ? {} : { sub: grounds.user.userId }),
    ...dates(planned),
    jti: planned.jti,
    client_id: caller.client.clientId,
    scope: permission.scopes.join(" "),
  };
}

function dates({ issuedAt, ttlMs }: TokenPlan) {
  const iat = Math.floor(issuedAt / 1000);
  return { iat, exp: iat + Math.floor(ttlMs / 1000) };
}

const typOf: Record<TokenProfile, string> = { "at+jwt": "at+jwt", plain: "JWT" };

const headers = new Map<string, string>();

/** The encoded header of a key, kept because it is the same for every token the key signs. */
function header(profile: TokenProfile, alg: string, kid: string): string {
  const key = `${profile} ${kid}`;
  const known = headers.get(key);
  if (known !== undefined) return known;
  const encoded = encode({ alg, typ: typOf[profile], kid });
  headers.set(key, encoded);
  return encoded;
}

function encode(value: Claims): string {
  return toBase64url(Buffer.from(JSON.stringify(value)));
}

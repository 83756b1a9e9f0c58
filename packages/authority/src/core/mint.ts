import {
  type AccessTokenClaims,
  type AccessTokenFacts,
  accessTokenClaims,
  type PlainClaims,
  plainClaims,
  toBase64url,
} from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { Signer } from "../keys/signer.ts";
import type { Services } from "../services.ts";
import type { TokenProfile } from "../store/records.ts";
import type { Granted } from "./issue.ts";
import { tokenIdFor } from "./token-id.ts";

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
export function plan({ caller, grounds }: Granted, { clock, random, config }: Services): TokenPlan {
  return {
    jti: tokenIdFor(random, caller.client, grounds.user),
    issuedAt: clock.now(),
    ttlMs: caller.client.token.accessTokenTtlMs ?? config.tokens.access_ttl * 1000,
  };
}

/** The key for a client's tokens. It is asked for before anything is recorded, as there may be none yet. */
export function signerFor({ client }: Pick<Caller, "client">, { keys, config }: Services): Promise<Signer> {
  return keys.signer(client.token.algorithm ?? config.tokens.algorithm);
}

/** Signs the access token that was planned. */
export async function mint(planned: TokenPlan, granted: Granted, signer: Signer, services: Services): Promise<Minted> {
  const { client } = granted.caller;
  const profile = client.token.profile ?? "at+jwt";
  const claims = profiles[profile](factsOf(planned, granted, services), granted.grounds.user === undefined);
  const input = `${header(profile, signer.algorithm, signer.kid)}.${encode(claims)}`;
  return { token: `${input}.${await signer.sign(input)}`, expiresInMs: planned.ttlMs };
}

type Claims = AccessTokenClaims | PlainClaims;

const profiles: Record<TokenProfile, (facts: AccessTokenFacts, ownToken: boolean) => Claims> = {
  "at+jwt": accessTokenClaims,
  jwt: accessTokenClaims,
  // A client's own plain token has no subject ; Vault roles match it by client_id.
  plain: (facts, ownToken) => plainClaims(ownToken ? { ...facts, subject: undefined } : facts),
};

function factsOf(planned: TokenPlan, { caller, grounds, permission }: Granted, { config }: Services): AccessTokenFacts {
  return {
    issuer: config.issuer,
    subject: grounds.user?.userId ?? caller.client.clientId,
    clientId: caller.client.clientId,
    audience: permission.audience,
    scopes: permission.scopes,
    issuedAt: planned.issuedAt,
    lifetimeMs: planned.ttlMs,
    tokenId: planned.jti,
    certificateThumbprint: caller.certificateThumbprint,
  };
}

const typOf: Record<TokenProfile, string> = { "at+jwt": "at+jwt", jwt: "JWT", plain: "JWT" };

const headers = new Map<string, string>();

/**
 * The encoded header, kept because it is the same for every token of a key in a profile. The algorithm is part of what it
 * is kept under: an RSA key that was withdrawn can come back under its kid for the other one.
 */
function header(profile: TokenProfile, alg: string, kid: string): string {
  const key = `${profile} ${alg} ${kid}`;
  const known = headers.get(key);
  if (known !== undefined) return known;
  const encoded = encode({ alg, typ: typOf[profile], kid });
  headers.set(key, encoded);
  return encoded;
}

function encode(value: object): string {
  return toBase64url(Buffer.from(JSON.stringify(value)));
}

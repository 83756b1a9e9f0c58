import {
  type AccessTokenClaims,
  type AccessTokenFacts,
  accessTokenClaims,
  CountersignError,
  type PlainClaims,
  plainClaims,
  toBase64url,
} from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { Config } from "../config.ts";
import type { Signer } from "../keys/signers.ts";
import type { Services } from "../services.ts";
import type { TokenProfile } from "../store/records.ts";
import type { AuthorizedRequest, UnsignedToken } from "./authorized-request.ts";
import { tokenIdFor } from "./token-id.ts";

/** Decides a token's id and lifetime. */
export function unsignedToken(
  { caller, authorization, permission }: AuthorizedRequest,
  { clock, random, config }: Pick<Services, "clock" | "random" | "config">,
): UnsignedToken {
  const issuedAt = clock.now();
  return {
    jti: tokenIdFor(random, caller.client, authorization.user ?? authorization.subject?.client),
    issuedAt,
    lifetimeMs: lifetimeOf({ caller, authorization, permission }, issuedAt, config),
  };
}

/** What the settings say, and no longer than what the token rests on. `exp` is whole seconds after `iat`, which is rounded down. */
function lifetimeOf(
  { caller, authorization, permission }: Pick<AuthorizedRequest, "caller" | "authorization" | "permission">,
  issuedAt: number,
  config: Config,
): number {
  const settingMs = caller.client.token.accessTokenTtlMs ?? config.tokens.access_ttl * 1000;
  const { maxLifetimeMs = settingMs, expiresAt = Number.POSITIVE_INFINITY } = authorization;
  const { lifetimeMs: permittedMs = settingMs } = permission;
  const lifetimeMs = Math.min(settingMs, permittedMs, maxLifetimeMs, expiresAt - Math.floor(issuedAt / 1000) * 1000);
  if (lifetimeMs >= 1000) return lifetimeMs;
  throw new CountersignError("invalid_request", { detail: "what the token would rest on has expired meanwhile" });
}

/** The key for a client's tokens. It is asked for before anything is recorded, as there may be none yet. */
export function signerFor(
  { client }: Pick<Caller, "client">,
  { keys, config }: Pick<Services, "keys" | "config">,
): Promise<Signer> {
  return keys.signer(client.token.algorithm ?? config.tokens.algorithm);
}

/** Signs an access token: the compact form of RFC 7515 section 3.1. */
export async function sign(
  unsigned: UnsignedToken,
  authorized: AuthorizedRequest,
  signer: Signer,
  { config }: Pick<Services, "config">,
): Promise<string> {
  const profile = authorized.caller.client.token.profile ?? "at+jwt";
  const { user, subject } = authorized.authorization;
  const isOwnToken = user === undefined && subject === undefined;
  const claims = profiles[profile](factsOf(unsigned, authorized, config), isOwnToken);
  const input = `${header(profile, signer.algorithm, signer.kid)}.${encode(claims)}`;
  return `${input}.${await signer.sign(input)}`;
}

type Claims = AccessTokenClaims | PlainClaims;

const profiles: Record<TokenProfile, (facts: AccessTokenFacts, isOwnToken: boolean) => Claims> = {
  "at+jwt": accessTokenClaims,
  jwt: accessTokenClaims,
  // A client's own plain token has no subject; Vault roles match it by client_id.
  plain: (facts, isOwnToken) => plainClaims(isOwnToken ? { ...facts, subject: undefined } : facts),
};

function factsOf(
  { jti, issuedAt, lifetimeMs }: UnsignedToken,
  { caller, authorization, permission }: AuthorizedRequest,
  { issuer }: Config,
): AccessTokenFacts {
  return {
    issuer,
    subject: authorization.user?.userId ?? authorization.subject?.id ?? caller.client.clientId,
    clientId: caller.client.clientId,
    audience: permission.audience,
    scopes: permission.scopes,
    issuedAt,
    lifetimeMs,
    tokenId: jti,
    certificateThumbprint: caller.certificateThumbprint,
    actor: authorization.actor,
    mayAct: authorization.mayAct,
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

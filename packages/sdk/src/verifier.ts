import { PublicKey, type RootKey, type SignatureCache } from "@countersign/biscuit";
import {
  type Clock,
  CountersignError,
  type Fetch,
  importKeys,
  KeyCache,
  type KeySource,
  type ProfileClaims,
  systemClock,
  TokenRefused,
  verifyJwt,
} from "@countersign/protocol";
import {
  anySubject,
  authenticateIdentity,
  type ChainRequest,
  inspectionOf,
  type RevokedIds,
  type VerificationOptions,
  type VerifiedIdentity,
  verifyAuthorization,
} from "@countersign/protocol/capability";

import { type AttestationRequirement, AttestedKeySource } from "./attested-keys.ts";

import type { RevocationFeed } from "./revocation-feed.ts";

/** The kinds of JWT that a verifier takes. */
export type JwtProfile = "access_token" | "plain";

/** What a verifier knows. At least one of `keys` and `rootKey` is given: what has none is not accepted. */
export interface VerifierOptions {
  /** The issuer of JWTs, compared byte for byte; needed with `keys`. */
  readonly issuer?: string | undefined;
  /** Who this resource server is: one of them is in `aud` of a JWT; needed with `keys`, but for the plain profile. */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The keys of JWTs: the address of a JWK set, which is fetched and cached, the set itself, or a source. @default none: JWTs
   * are not accepted
   */
  readonly keys?: string | KeySource | { readonly keys: readonly object[] } | undefined;
  /**
   * Take only keys whose evidence this accepts: `keys` is then an address or a set. @default keys are believed as they are
   */
  readonly attestation?: AttestationRequirement | undefined;
  /** `access_token` is RFC 9068, `plain` a JWT with fewer claims. @default "access_token" */
  readonly profile?: JwtProfile | undefined;
  /** The root key of capability tokens, in PEM, as key text or read. @default none: they are not accepted */
  readonly rootKey?: RootKey | string | undefined;
  /** Revocation ids that were revoked. @default none is */
  readonly revoked?: RevokedIds | undefined;
  /**
   * What the authority has revoked, as `createRevocationFeed` follows it: asked for tokens of every kind.
   * @default nothing is revoked
   */
  readonly revocations?: RevocationFeed | undefined;
  /** Signatures that are known to be valid. @default none */
  readonly cache?: SignatureCache | undefined;
  /** @default the clock of this machine */
  readonly clock?: Clock | undefined;
  /** Fetches a JWK set. @default the platform's */
  readonly fetch?: Fetch | undefined;
}

/** What a JWT is to allow. */
export interface JwtRequirement {
  /** Scopes that must all be granted. @default none */
  readonly scope?: string | readonly string[] | undefined;
  /** Scopes of which one must be granted. @default none */
  readonly anyScope?: readonly string[] | undefined;
  /** SHA-256 of the certificate of the connection, base64url; without it, tokens bound to one are refused. */
  readonly certificateThumbprint?: string | undefined;
}

/** Whom an identity token is to stand for. */
export interface IdentityRequirement {
  /** This identity, or one below it. @default whoever the authority names */
  readonly within?: string | undefined;
  /** The domain in which the token is used. @default none */
  readonly domain?: string | undefined;
}

/** What an authorization token is to grant, to whoever holds it. */
export interface AuthorizationRequirement {
  /** What is acted on. */
  readonly resource: string;
  /** What is done. */
  readonly operation: string;
  /** The domain in which the token is used. @default none */
  readonly domain?: string | undefined;
  /** The prefix under which the resource lies. @default none */
  readonly prefix?: string | undefined;
  /** The services that must have attested. @default none */
  readonly serviceChain?: ChainRequest | undefined;
}

/** What is asked of a token, by its kind; a kind that is not named is refused. */
export interface Requirements {
  /** `true`: any JWT of the issuer. */
  readonly jwt?: JwtRequirement | true | undefined;
  /** `true`: any identity of the authority. */
  readonly identity?: IdentityRequirement | true | undefined;
  /** The right that is needed. */
  readonly authorization?: AuthorizationRequirement | undefined;
}

/** A JWT that holds. */
export interface JwtCredential {
  /** Tells the kinds apart. */
  readonly kind: "jwt";
  /** `sub`; absent where a plain token has none. */
  readonly subject: string | undefined;
  /** The scopes that were granted. */
  readonly scopes: readonly string[];
  /** All that it says. */
  readonly claims: ProfileClaims["access_token"] | ProfileClaims["plain"];
}

/** An identity token that holds. */
export interface IdentityCredential {
  /** Tells the kinds apart. */
  readonly kind: "identity";
  /** Who acts: the last delegate that the token names, or else its subject. */
  readonly subject: string;
  /** What the token says. */
  readonly identity: VerifiedIdentity;
}

/** An authorization token that holds. */
export interface AuthorizationCredential {
  /** Tells the kinds apart. */
  readonly kind: "authorization";
  /** Whom the authority granted the right. */
  readonly subject: string;
  /** What may be acted on. */
  readonly resource: string;
  /** What may be done. */
  readonly operation: string;
}

/** Who a request comes from, and with what. */
export type Credential = JwtCredential | IdentityCredential | AuthorizationCredential;

/** Verifies tokens of every kind, offline but for the JWK set. */
export interface Verifier {
  /**
   * Verifies one token for what it is to allow.
   *
   * @throws {CountersignError} with status 401 for a token that is not good, 403 for one that does not allow it, 503 when keys
   * cannot be had.
   */
  verify(token: string, requirements: Requirements): Promise<Credential>;
  /** Ends a fetch that is under way, and the use of what this verifier fetched. */
  close(): void;
}

type Judge<Name extends keyof Requirements> = (
  token: string,
  requirement: Exclude<NonNullable<Requirements[Name]>, true> | Record<string, never>,
) => Promise<Credential>;

const notAccepted = (kind: string): CountersignError =>
  new CountersignError("token_kind", { detail: `Tokens of this kind are not accepted here: ${kind}`, data: { kind } });

const scopesIn = (scope: string | undefined): string[] => (scope ?? "").split(" ").filter((name) => name !== "");
const listed = (names: string | readonly string[] | undefined): readonly string[] =>
  typeof names === "string" ? scopesIn(names) : (names ?? []);

function checkScopes(granted: readonly string[], { scope, anyScope }: JwtRequirement): void {
  const missing = listed(scope).filter((name) => !granted.includes(name));
  const hasAny = anyScope === undefined || anyScope.some((name) => granted.includes(name));
  if (missing.length === 0 && hasAny) return;
  const wanted = missing.length > 0 ? missing : anyScope;
  throw new CountersignError("insufficient_scope", { detail: `missing scope: ${wanted?.join(" ")}`, data: { wanted } });
}

interface JwtSettings {
  readonly keys: KeySource;
  readonly issuer: string;
  readonly audience: string | readonly string[] | undefined;
  readonly profile: JwtProfile;
  readonly clock: Clock;
  readonly revocations: RevocationFeed | undefined;
}

function jwtJudge({ keys, revocations, ...rules }: JwtSettings): Judge<"jwt"> {
  return async (token, requirement) => {
    const { certificateThumbprint } = requirement;
    const { claims } = await verifyJwt(token, keys, { ...rules, certificateThumbprint }).catch((error: unknown) => {
      throw error instanceof TokenRefused ? error.as("invalid_token") : error;
    });
    if (typeof claims.jti === "string" && revocations?.hasToken(claims.jti) === true) {
      throw new CountersignError("token_revoked");
    }
    const scopes = scopesIn(typeof claims.scope === "string" ? claims.scope : undefined);
    checkScopes(scopes, requirement);
    return { kind: "jwt", subject: claims.sub, scopes, claims };
  };
}

function identityJudge(options: VerificationOptions): Judge<"identity"> {
  return async (token, { within, domain }) => {
    const identity = await authenticateIdentity(token, domain === undefined ? {} : { domain }, options);
    const { actor } = identity;
    if (within !== undefined && actor !== within && !actor.startsWith(`${within}:`)) {
      throw new CountersignError("identity_mismatch", { data: { expected: within, actual: actor } });
    }
    return { kind: "identity", subject: actor, identity };
  };
}

function authorizationJudge(
  options: VerificationOptions,
): (token: string, requirement: AuthorizationRequirement) => Promise<Credential> {
  return async (token, { resource, operation, domain, prefix, serviceChain }) => {
    const request = {
      subject: anySubject,
      resource,
      operation,
      ...(domain === undefined ? {} : { domain }),
      ...(prefix === undefined ? {} : { prefix }),
      ...(serviceChain === undefined ? {} : { serviceChain }),
    } as const;
    const { token: verified } = await verifyAuthorization(token, request, options);
    const inspection = inspectionOf(verified);
    const rights = "rights" in inspection ? inspection.rights : [];
    const right = rights.find((one) => one.resource === resource && one.operation === operation);
    // Old tokens may hold rights of several subjects: whose it is cannot be told then.
    if (right === undefined || rights.some(({ subject }) => subject !== right.subject)) {
      throw new CountersignError("rights_denied", { data: { resource, operation } });
    }
    return { kind: "authorization", subject: right.subject, resource, operation };
  };
}

function attestedKeysOf(options: VerifierOptions, attestation: AttestationRequirement, clock: Clock): KeySource {
  const { keys, fetch, issuer = "" } = options;
  if (keys === undefined || (typeof keys === "object" && "find" in keys)) {
    throw new TypeError("Cannot attest keys but of an address or a set: give keys as one of them");
  }
  return new AttestedKeySource({ keys, issuer, attestation, clock, fetch });
}

function keySourceOf(options: VerifierOptions, clock: Clock): KeySource | undefined {
  const { keys, fetch, attestation } = options;
  if (attestation !== undefined) return attestedKeysOf(options, attestation, clock);
  if (keys === undefined) return undefined;
  if (typeof keys === "string") return new KeyCache(keys, { clock, ...(fetch === undefined ? {} : { fetch }) });
  return "find" in keys ? keys : importKeys(keys);
}

function jwtSettingsOf(options: VerifierOptions, clock: Clock): JwtSettings | undefined {
  const { issuer, audience, profile = "access_token" } = options;
  const keys = keySourceOf(options, clock);
  if (keys === undefined) return undefined;
  if (issuer === undefined || issuer === "") throw new TypeError("Cannot verify JWTs without an issuer");
  if (profile === "access_token" && (audience === undefined || audience.length === 0)) {
    throw new TypeError("Cannot verify access tokens without an audience");
  }
  return { keys, issuer, audience, profile, clock, revocations: options.revocations };
}

function rootKeyOf(key: RootKey | string): RootKey {
  if (typeof key !== "string") return key;
  return key.includes("-----BEGIN") ? PublicKey.fromPem(key) : PublicKey.parse(key);
}

function eitherOf(one: RevokedIds | undefined, other: RevokedIds | undefined): RevokedIds | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { has: (id) => one.has(id) || other.has(id) };
}

/** A JWT has two dots, a capability token none; which kind of those it is, its authority block says. */
const isJwt = (token: string): boolean => token.includes(".");

/**
 * Makes a verifier of JWTs, identity tokens and authorization tokens.
 *
 * @throws {TypeError} when it could verify nothing, or JWTs without issuer or audience; `KeyError` for a root key that
 * cannot be read.
 * @example
 * ```ts
 * import { createVerifier } from "@countersign/sdk";
 * const verifier = createVerifier({
 *   issuer: "https://id.example.com",
 *   audience: "https://api.example.com",
 *   keys: "https://id.example.com/.well-known/jwks.json",
 * });
 * export const reader = (token: string) => verifier.verify(token, { jwt: { scope: "orders:read" } });
 * verifier.close();
 * ```
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { clock = systemClock, rootKey, revoked, revocations, cache } = options;
  const settings = jwtSettingsOf(options, clock);
  const judging =
    rootKey === undefined
      ? undefined
      : { rootKey: rootKeyOf(rootKey), clock, revoked: eitherOf(revoked, revocations), cache };
  if (settings === undefined && judging === undefined) throw new TypeError("Cannot verify without keys or a root key");
  const judgeJwt = settings && jwtJudge(settings);
  return {
    async verify(token, requirements) {
      await revocations?.current();
      if (!isJwt(token)) return verifyCapability(token, requirements, judging);
      if (judgeJwt === undefined || requirements.jwt === undefined) throw notAccepted("jwt");
      return judgeJwt(token, requirements.jwt === true ? {} : requirements.jwt);
    },
    close: () => {
      // Only what was made here is closed here.
      const made = settings?.keys;
      if (made !== options.keys && (made instanceof KeyCache || made instanceof AttestedKeySource)) made.close();
    },
  };
}

/** Identity tokens go first: every other kind is refused there for what it is. */
async function verifyCapability(
  token: string,
  { identity, authorization }: Requirements,
  options: VerificationOptions | undefined,
): Promise<Credential> {
  if (options === undefined || (identity === undefined && authorization === undefined)) throw notAccepted("capability");
  if (identity !== undefined) {
    try {
      return await identityJudge(options)(token, identity === true ? {} : identity);
    } catch (error) {
      const isOther = error instanceof CountersignError && error.code === "token_kind";
      if (!isOther || authorization === undefined) throw error;
    }
  }
  if (authorization === undefined) throw notAccepted("authorization");
  return authorizationJudge(options)(token, authorization);
}

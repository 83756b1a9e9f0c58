import type { JWK } from "jose";

/** How a client proves who it is (RFC 6749 section 2.3, RFC 7523, RFC 8705; names of RFC 7591 section 2). */
export const clientAuthMethods = [
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
] as const;

/** One of {@link clientAuthMethods}. */
export type ClientAuthMethod = (typeof clientAuthMethods)[number];

/** The signature algorithms for JWTs that a client can be given. ML-DSA-65 keys are published in a set of their own. */
export const signingAlgorithms = ["ES256", "EdDSA", "RS256", "PS256", "ML-DSA-65"] as const;

/** One of {@link signingAlgorithms}. */
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/**
 * What capability tokens are signed with, each by keys of its own: as their root, on one of two curves, and as the signoff of
 * this authority under the token of another.
 */
export const capabilityAlgorithms = ["biscuit-ed25519", "biscuit-secp256r1", "signoff-ed25519"] as const;

/** One of {@link capabilityAlgorithms}. */
export type CapabilityAlgorithm = (typeof capabilityAlgorithms)[number];

/** What a key of the ring is for. */
export const ringAlgorithms = [...signingAlgorithms, ...capabilityAlgorithms] as const;

/** One of {@link ringAlgorithms}. */
export type RingAlgorithm = (typeof ringAlgorithms)[number];

/**
 * What a client's assertion may name as its audience (RFC 7523 section 3). The issuer alone is the default: a client that
 * signs for a token endpoint can be led to sign for another server's (CVE-2025-27370).
 */
export const assertionAudiences = ["issuer", "issuer or token endpoint"] as const;

/** One of {@link assertionAudiences}. */
export type AssertionAudience = (typeof assertionAudiences)[number];

/**
 * The shapes of access tokens: RFC 9068; the same claims under `typ: JWT`, for verifiers that know no other type; or the
 * small one that Vault roles without bound_audiences need.
 */
export const tokenProfiles = ["at+jwt", "jwt", "plain"] as const;

/** One of {@link tokenProfiles}. */
export type TokenProfile = (typeof tokenProfiles)[number];

/**
 * An incarnation tells a user or client from another that had the same id before, whatever the clock says: random text of
 * its own, which families and tokens of the one carry and those of the other do not.
 */
export const INCARNATION_BYTES = 6;

/** `U#<user id>`: a person. The item of its username points back here. */
export interface UserRecord {
  readonly userId: string;
  readonly username: string;
  readonly fullName: string;
  /** PHC string of the password (argon2id). */
  readonly credential: string;
  readonly scopes: readonly string[];
  readonly disabled: boolean;
  readonly createdAt: number;
  /** Refresh families made under another epoch are dead: raising it revokes all of them in one write. */
  readonly epoch: number;
  readonly incarnation: string;
}

/** `UN#<username>`: whose name it is. It is written and removed in one commit with the user that bears it. */
export interface UsernameRecord {
  readonly userId: string;
}

/** `I#<hash of the code>`: a code that lets one person register. */
export interface InvitationRecord {
  readonly invitationId: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** `B#admin`: who makes the first administrator, and whether its password was shown. */
export interface BootstrapRecord {
  /** The start that is at it. */
  readonly holder: string;
  readonly heldAt: number;
  readonly shownAt?: number;
}

/** One of a client's secrets; during a rotation with overlap there are two. */
export interface ClientSecret {
  readonly secretId: string;
  /** SHA-256 of the secret, base64url: it has 256 random bits, so a slow hash adds nothing. */
  readonly hash: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
}

/** The subject alternative name that identifies a client (RFC 8705 section 2.1.2): exactly one member is given. */
export interface ClientCertificateRule {
  readonly sanDns?: string;
  readonly sanUri?: string;
  readonly sanIp?: string;
  readonly sanEmail?: string;
}

/** The tokens a client gets. Absent members follow the configuration. */
export interface ClientTokenSettings {
  readonly profile?: TokenProfile;
  readonly algorithm?: SigningAlgorithm;
  /** Audiences this client may ask for; the first is the default. */
  readonly audience?: readonly string[];
  readonly accessTokenTtlMs?: number;
  readonly refreshIdleTtlMs?: number;
  readonly refreshAbsoluteTtlMs?: number;
}

/** `C#<client id>`: an application. */
export interface ClientRecord {
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
  /** Types of grants that it may use, as the table in grants/grant-table.ts names them. */
  readonly grants: readonly string[];
  /** May be used only over the loopback interface, at the token endpoint and at the management API. */
  readonly loopback: boolean;
  readonly authMethod: ClientAuthMethod;
  readonly secrets: readonly ClientSecret[];
  /** Keys of `private_key_jwt`, or certificates (x5c) of `self_signed_tls_client_auth`. */
  readonly jwks?: { readonly keys: readonly JWK[] };
  /** Of `private_key_jwt`; the issuer when absent. */
  readonly assertionAudience?: AssertionAudience;
  readonly certificate?: ClientCertificateRule;
  readonly token: ClientTokenSettings;
  readonly disabled: boolean;
  readonly createdAt: number;
  readonly incarnation: string;
}

/** `RTF#<family id>`: one login on one device, and the refresh tokens that descend from it. */
export interface FamilyRecord {
  readonly familyId: string;
  readonly userId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience: readonly string[];
  readonly deviceName: string;
  readonly createdAt: number;
  /** SHA-256 of the one live token, and of its predecessor. */
  readonly currentHash: string;
  readonly previousHash?: string;
  /** When the current token was derived from the previous one. */
  readonly rotatedAt: number;
  readonly generation: number;
  /** The user's epoch at login. */
  readonly userEpoch: number;
  readonly userIncarnation: string;
  readonly clientIncarnation: string;
  /** When the live token expires unless it is used; at the end of the login at the latest. */
  readonly idleExpiresAt: number;
  /** The end of the login, however often it is refreshed. */
  readonly absoluteExpiresAt: number;
  readonly revokedAt?: number;
  readonly revokedBecause?: "reuse" | "logout" | "administrator";
}

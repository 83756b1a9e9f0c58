const MINUTE = 60_000;
const DAY = 86_400_000;

/** The `typ` of a feed of revocations: no other kind of JWT has it, and it has no other (RFC 8725 section 3.11). */
export const REVOCATION_FEED_TYPE = "revocation-feed+jwt";

/** What makes one kind of JWT different from the others, so that none passes for another (RFC 8725 section 3.12). */
export interface Profile {
  /** The accepted `typ`, in lower case, without "application/"; `undefined` stands for its absence. */
  readonly types: readonly (string | undefined)[];
  /** Claims that must be there. */
  readonly required: readonly string[];
  /** Claims that only other kinds of token have. */
  readonly forbidden: readonly string[];
  /**
   * `member`: one member of `aud` is expected here. `every`: all are. `whole`: `aud` is one string, and expected here.
   * `if-present`: a token without `aud` is for everybody.
   */
  readonly audience: "member" | "every" | "whole" | "if-present";
  /** `trust-domain`: the issuer is a trust domain of SPIFFE, and `sub` must be a name beneath it. @default equality with `iss` */
  readonly issuer?: "trust-domain";
  /** The longest time between `iat`, or now, and `exp`, unless the rules say otherwise. */
  readonly maxLifetimeMs: number;
}

/** The kinds of JWT that are verified. */
export const profiles = {
  /** RFC 9068 section 2.2 and section 4. */
  access_token: {
    types: ["at+jwt"],
    required: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    forbidden: [],
    audience: "member",
    maxLifetimeMs: DAY,
  },
  /** The claims of RFC 9068 under the type that verifiers know which were made before it. */
  jwt_access_token: {
    types: ["jwt"],
    required: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
    forbidden: ["events", "nonce"],
    audience: "member",
    maxLifetimeMs: DAY,
  },
  /** The small access token for verifiers that bind no audience. */
  plain: {
    types: ["jwt", undefined],
    required: ["iss", "exp", "iat"],
    forbidden: ["events", "nonce"],
    audience: "if-present",
    maxLifetimeMs: DAY,
  },
  /**
   * RFC 7523 section 3, with `jti` required so that it works once, and the one audience of
   * draft-ietf-oauth-rfc7523bis (CVE-2025-27370, CVE-2025-27371).
   */
  client_assertion: {
    types: ["jwt", "client-authentication+jwt", undefined],
    required: ["iss", "sub", "aud", "exp", "jti"],
    forbidden: ["events", "nonce"],
    audience: "whole",
    maxLifetimeMs: 10 * MINUTE,
  },
  /**
   * OpenID Connect Core section 2; a logout token has `events`, an access token `client_id` or `scope`. Section 3.1.3.7
   * refuses audiences beside those that are trusted.
   */
  id_token: {
    types: ["jwt", undefined],
    required: ["iss", "sub", "aud", "exp", "iat"],
    forbidden: ["events", "client_id", "scope"],
    audience: "every",
    maxLifetimeMs: DAY,
  },
  /** What an authority has revoked. */
  revocation_feed: {
    types: [REVOCATION_FEED_TYPE],
    required: ["iss", "iat", "exp", "list", "position"],
    forbidden: ["client_id", "scope"],
    audience: "if-present",
    maxLifetimeMs: DAY,
  },
  /** A token by which a platform says which workload it is; an access token of RFC 9068 has a `typ` of its own. */
  workload_token: {
    types: ["jwt", undefined],
    required: ["iss", "sub", "aud", "exp", "iat"],
    forbidden: ["events"],
    audience: "every",
    maxLifetimeMs: DAY,
  },
  /** JWT-SVID of SPIFFE, sections 3 and 4: `iss` is no part of it, the trust domain is that of `sub`. */
  jwt_svid: {
    types: ["jwt", "jose", undefined],
    required: ["sub", "aud", "exp"],
    forbidden: ["events"],
    audience: "every",
    issuer: "trust-domain",
    maxLifetimeMs: DAY,
  },
  /** RFC 7523 section 3 for an authorization grant; without `jti` its content is its id. */
  jwt_authorization: {
    types: ["jwt", undefined],
    required: ["iss", "sub", "aud", "exp"],
    forbidden: ["events", "nonce"],
    audience: "whole",
    maxLifetimeMs: 60 * MINUTE,
  },
  /** draft-ietf-oauth-identity-assertion-authz-grant section 3.1. */
  id_jag: {
    types: ["oauth-id-jag+jwt"],
    required: ["iss", "sub", "aud", "client_id", "jti", "exp", "iat"],
    forbidden: ["events"],
    audience: "whole",
    maxLifetimeMs: 60 * MINUTE,
  },
} as const satisfies Record<string, Profile>;

/** The name of a profile. */
export type ProfileName = keyof typeof profiles;

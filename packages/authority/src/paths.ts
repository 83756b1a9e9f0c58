/** Paths of the OAuth endpoints below the issuer, as routes, in the metadata and as audiences. */
export const oauthPaths = {
  token: "/oauth/token",
  introspection: "/oauth/introspect",
  revocation: "/oauth/revoke",
  revocationFeed: "/.well-known/revocations",
  jwks: "/.well-known/jwks.json",
  jwksPqc: "/.well-known/jwks-pqc.json",
  attestedJwks: "/.well-known/attested-jwks.json",
  attestation: "/.well-known/attestation",
} as const;

/** Where tokens are given: the endpoint of the metadata, and that of the older service. */
export const tokenPaths = [oauthPaths.token, "/api/v1/token"] as const;

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openIdMetadata, type ServerOffer, serverMetadata, wellKnownPath } from "../src/index.ts";

const offer: ServerOffer = {
  endpoints: {
    token: "/oauth/token",
    jwks: "/.well-known/jwks.json",
    introspection: "/oauth/introspect",
    revocation: "/oauth/revoke",
  },
  grantTypes: ["client_credentials", "refresh_token"],
  authMethods: ["none", "client_secret_basic", "private_key_jwt"],
  assertionAlgorithms: ["ES256"],
  signingAlgorithms: ["ES256", "EdDSA"],
};

describe("serverMetadata", () => {
  it("has the members of RFC 8414 section 2, and survives JSON unchanged", () => {
    const metadata = serverMetadata("https://id.example.com", offer);
    assert.deepEqual(JSON.parse(JSON.stringify(metadata)), metadata);
    assert.deepEqual(metadata, {
      issuer: "https://id.example.com",
      token_endpoint: "https://id.example.com/oauth/token",
      jwks_uri: "https://id.example.com/.well-known/jwks.json",
      grant_types_supported: ["client_credentials", "refresh_token"],
      token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["ES256"],
      introspection_endpoint: "https://id.example.com/oauth/introspect",
      introspection_endpoint_auth_methods_supported: ["client_secret_basic", "private_key_jwt"],
      introspection_endpoint_auth_signing_alg_values_supported: ["ES256"],
      revocation_endpoint: "https://id.example.com/oauth/revoke",
      revocation_endpoint_auth_methods_supported: ["none", "client_secret_basic", "private_key_jwt"],
      revocation_endpoint_auth_signing_alg_values_supported: ["ES256"],
    });
  });

  it("keeps the issuer byte for byte and joins paths with one slash", () => {
    const metadata = serverMetadata("https://example.com/id/", offer);
    assert.equal(metadata.issuer, "https://example.com/id/");
    assert.equal(metadata.token_endpoint, "https://example.com/id/oauth/token");
  });

  it("names assertion algorithms only with private_key_jwt, and optional endpoints only when they are there", () => {
    const { token, jwks } = offer.endpoints;
    const metadata = serverMetadata("https://id.example.com", {
      ...offer,
      endpoints: { token, jwks },
      authMethods: ["client_secret_basic"],
      certificateBoundTokens: true,
    });
    const names = Object.keys(metadata).join();
    assert.doesNotMatch(names, /signing_alg|introspection|revocation/);
    assert.equal(metadata.tls_client_certificate_bound_access_tokens, true);
  });
});

describe("serverMetadata of an offer without some things", () => {
  it("leaves out lists without elements (RFC 8414 section 3.2)", () => {
    const bare = { ...offer, authMethods: ["private_key_jwt"], assertionAlgorithms: [], scopes: [] };
    const metadata = serverMetadata("https://id.example.com", bare);
    assert.deepEqual(
      Object.values(metadata).filter((value) => Array.isArray(value) && value.length === 0),
      [],
    );
  });
});

describe("openIdMetadata", () => {
  it("adds the members that OpenID Connect Discovery requires", () => {
    const metadata = openIdMetadata("https://id.example.com", offer);
    assert.deepEqual(metadata.subject_types_supported, ["public"]);
    assert.deepEqual(metadata.id_token_signing_alg_values_supported, ["ES256", "EdDSA"]);
  });
});

describe("wellKnownPath", () => {
  it("puts the name where each specification wants it", () => {
    const paths = (issuer: string) => [
      wellKnownPath(issuer, "oauth-authorization-server"),
      wellKnownPath(issuer, "openid-configuration"),
    ];
    const plain = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    assert.deepEqual(paths("https://example.com"), plain);
    assert.deepEqual(paths("https://example.com/"), plain);
    const below = ["/.well-known/oauth-authorization-server/id", "/id/.well-known/openid-configuration"];
    assert.deepEqual(paths("https://example.com/id"), below);
    assert.deepEqual(paths("https://example.com/id/"), below);
  });
});

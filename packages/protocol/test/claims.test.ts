import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { accessTokenClaims, plainClaims, toNumericDate } from "../src/index.ts";

const facts = {
  issuer: "https://id.example.com",
  clientId: "shop",
  scopes: ["read", "write"],
  issuedAt: 1_900_000_000_999,
  lifetimeMs: 900_000,
  tokenId: "J-1",
};

describe("accessTokenClaims", () => {
  it("makes the claims of RFC 9068 section 2.2, times in seconds", () => {
    assert.deepEqual(accessTokenClaims({ ...facts, subject: "U-1", audience: ["https://api.example.com"] }), {
      iss: "https://id.example.com",
      sub: "U-1",
      aud: "https://api.example.com",
      exp: 1_900_000_900,
      iat: 1_900_000_000,
      jti: "J-1",
      client_id: "shop",
      scope: "read write",
    });
  });

  it("lists several audiences, leaves out an empty scope, binds to a certificate", () => {
    const claims = accessTokenClaims({
      ...facts,
      subject: "U-1",
      audience: ["a", "b"],
      scopes: [],
      certificateThumbprint: "abc",
    });
    assert.deepEqual(claims.aud, ["a", "b"]);
    assert.equal("scope" in claims, false);
    assert.deepEqual(claims.cnf, { "x5t#S256": "abc" });
  });

  it("refuses to make a token for nobody", () => {
    assert.throws(() => accessTokenClaims({ ...facts, subject: "U-1", audience: [] }), RangeError);
  });
});

describe("plainClaims", () => {
  it("has no audience, and a subject only when there is a user", () => {
    const claims = plainClaims(facts);
    assert.equal("aud" in claims || "sub" in claims, false);
    assert.equal(claims.client_id, "shop");
    assert.equal(plainClaims({ ...facts, subject: "U-1" }).sub, "U-1");
  });
});

describe("toNumericDate", () => {
  it("rounds down to whole seconds", () => assert.equal(toNumericDate(1_999), 1));
});

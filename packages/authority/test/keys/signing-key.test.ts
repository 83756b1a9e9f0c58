import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { jwkThumbprint } from "@countersign/protocol";
import { calculateJwkThumbprint } from "jose";
import { algorithmNames, algorithms } from "../../src/keys/algorithms.ts";
import { publicJwk, publicMembers } from "../../src/keys/signing-key.ts";

describe("publicMembers", () => {
  it("gives the value of RFC 7638 section 3.1", () => {
    const jwk = {
      kty: "RSA",
      n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
      e: "AQAB",
      alg: "RS256",
      kid: "2011-04-29",
    };
    assert.equal(jwkThumbprint(publicMembers(jwk)), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });

  it("gives the value of RFC 8037 appendix A.3", () => {
    const jwk = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
    assert.equal(jwkThumbprint(publicMembers(jwk)), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  });

  for (const algorithm of algorithmNames) {
    it(`agrees with jose: ${algorithm}`, async () => {
      const jwk = publicJwk(await algorithms[algorithm].generate(), algorithm);
      assert.equal(jwk.kid, await calculateJwkThumbprint(jwk));
    });
  }
});

describe("publicJwk (F1)", () => {
  const expected = {
    ES256: ["kty", "crv", "x", "y", "kid", "alg", "use"],
    EdDSA: ["kty", "crv", "x", "kid", "alg", "use"],
    RS256: ["kty", "n", "e", "kid", "alg", "use"],
    PS256: ["kty", "n", "e", "kid", "alg", "use"],
    "ML-DSA-65": ["kty", "alg", "pub", "kid", "use"],
  };
  for (const algorithm of algorithmNames) {
    it(`holds public members alone: ${algorithm}`, async () => {
      const jwk = publicJwk(await algorithms[algorithm].generate(), algorithm);
      assert.deepEqual(Object.keys(jwk).sort(), expected[algorithm].sort());
      assert.equal(jwk.alg, algorithm);
      assert.equal(jwk.use, "sig");
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as jose from "jose";
import { importKeys, jwkThumbprint, TokenRefused } from "../src/index.ts";
import { aKey } from "./fixtures.ts";

describe("importKeys", () => {
  it("leaves out what it cannot use, says why, and keeps the rest", () => {
    const good = aKey("ES256");
    const { keys, refused } = importKeys({
      keys: [
        { kty: "new", kid: "n" },
        { kty: "RSA", use: "enc", alg: "RSA-OAEP" },
        "x",
        null,
        good.jwk,
        { ...aKey("ES256").jwk, kid: "leaked", d: "AA" },
        { ...aKey("EdDSA").jwk, alg: "ES256" },
        { ...aKey("ML-DSA-65").jwk, alg: undefined },
      ],
    });
    assert.deepEqual(
      keys.map((key) => key.kid),
      [good.jwk.kid],
    );
    assert.deepEqual(
      refused.map(({ index, reason }) => `${index} ${reason}`),
      [
        "0 unknown_key_type",
        "1 wrong_use",
        "2 not_an_object",
        "3 not_an_object",
        "5 private_key",
        "6 wrong_algorithm",
        "7 wrong_algorithm",
      ],
    );
  });

  it("takes 100 keys and not 101", () => {
    const keys = Array.from({ length: 100 }, (_, index) => aKey("EdDSA", `k-${index}`).jwk);
    assert.equal(importKeys({ keys }).keys.length, 100);
    assert.throws(() => importKeys({ keys: [...keys, {}] }), { reason: "malformed_key_set" });
  });

  it("takes RSA keys of 2048 and of 8192 bits", () => {
    const { jwk } = aKey("RS256");
    const keys = [256, 1024].map((bytes) => ({
      ...jwk,
      n: Buffer.alloc(bytes, 0xff).toString("base64url"),
      kid: `${bytes}`,
    }));
    assert.deepEqual(importKeys({ keys }).refused, []);
  });

  it("refuses every private member of every key type", () => {
    const secrets = { EC: ["d"], OKP: ["d"], RSA: ["d", "p", "q", "dp", "dq", "qi", "oth"], AKP: ["priv"] };
    for (const key of ["ES256", "EdDSA", "RS256", "ML-DSA-65"].map((alg) => aKey(alg))) {
      const members = secrets[key.jwk.kty as keyof typeof secrets];
      for (const member of [...members, "k"]) {
        assert.equal(importKeys({ keys: [{ ...key.jwk, [member]: "AA" }] }).refused[0]?.reason, "private_key");
      }
    }
  });

  it("leaves out both of two keys with the same kid and algorithm, and none without a kid", () => {
    const [one, two] = [aKey("ES256", "same"), aKey("ES256", "same")];
    assert.deepEqual(
      importKeys({ keys: [one.jwk, two.jwk] }).refused.map(({ reason }) => reason),
      ["duplicate_key_id", "duplicate_key_id"],
    );
    const anonymous = [one, two].map(({ jwk }) => ({ ...jwk, kid: undefined }));
    assert.equal(importKeys({ keys: anonymous }).keys.length, 2);
  });

  it("pins an RSA key without alg to the one algorithm given, RS256 by default", () => {
    const jwk = { ...aKey("RS256").jwk, alg: undefined };
    const pinned = (options = {}) => importKeys({ keys: [jwk] }, options).keys[0]?.algorithm;
    assert.equal(pinned(), "RS256");
    assert.equal(pinned({ rsaAlgorithm: "PS256" }), "PS256");
    assert.equal(pinned({ algorithms: ["ES256"] }), undefined);
    assert.equal(pinned({ rsaAlgorithm: "ES256" }), undefined);
  });

  it("pins no key to an algorithm of another type, though the algorithm is allowed", () => {
    const jwk = { ...aKey("EdDSA").jwk, alg: "ES256" };
    assert.equal(importKeys({ keys: [jwk] }, { algorithms: ["ES256", "EdDSA"] }).refused[0]?.reason, "wrong_algorithm");
  });

  it("refuses what is no set, or too large a one", () => {
    for (const set of [undefined, null, 1, "x", [], {}, { keys: {} }, { keys: Array(101).fill({}) }]) {
      assert.throws(() => importKeys(set), new TokenRefused("malformed_key_set"));
    }
    assert.throws(() => importKeys(Object.create({ keys: [] })), { reason: "malformed_key_set" });
  });
});

describe("jwkThumbprint", () => {
  it("gives the values of RFC 7638 section 3.1 and RFC 8037 appendix A.3", () => {
    assert.equal(
      jwkThumbprint({
        kty: "RSA",
        n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        e: "AQAB",
        alg: "RS256",
        kid: "2011-04-29",
      }),
      "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    );
    assert.equal(
      jwkThumbprint({ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
      "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    );
  });

  it("agrees with jose on every key type", async () => {
    for (const alg of ["ES256", "ES384", "EdDSA", "RS256", "ML-DSA-65"]) {
      const { jwk } = aKey(alg);
      assert.equal(jwkThumbprint(jwk), await jose.calculateJwkThumbprint(jwk));
      assert.equal(importKeys({ keys: [jwk] }).keys[0]?.thumbprint, jwkThumbprint(jwk));
    }
  });

  it("refuses an unknown type and a missing member", () => {
    for (const jwk of [{}, { kty: "oct", k: "AA" }, { kty: "EC", crv: "P-256", x: "AA" }]) {
      assert.throws(() => jwkThumbprint(jwk), TypeError);
    }
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { importKeys, type RefusalReason, TokenRefused, verifyJwt } from "../src/index.ts";
import { accessTokenRules, aKey, aToken, now } from "./fixtures.ts";

/** What an attacker would like every object to have: I26, and A35 turned round. */
const pollution: Readonly<Record<string, unknown>> = {
  alg: "none",
  typ: "at+jwt",
  kid: "ES256-1",
  exp: now + 900,
  jti: "polluted",
  sub: "admin",
  use: "sig",
  d: "AA",
  k: "AA",
  dsaEncoding: "der",
  padding: 4,
  context: Buffer.from("x"),
  passphrase: "x",
  maxLength: 1e9,
  clockSkewMs: 0,
};

describe("verifyJwt under a polluted Object.prototype", () => {
  const key = aKey("ES256");
  const goodTokens = ["ES256", "EdDSA", "RS256", "PS256", "ML-DSA-65"]
    .map((alg) => aKey(alg))
    .map((good) => [aToken(good), { keys: [good.jwk] }] as const);
  const without = (name: string) => aToken(key, { header: { [name]: undefined }, claims: { [name]: undefined } });
  const incomplete: Readonly<Record<string, [string, RefusalReason]>> = {
    typ: [without("typ"), "wrong_type"],
    exp: [without("exp"), "missing_claim"],
    jti: [without("jti"), "missing_claim"],
    sub: [without("sub"), "missing_claim"],
    alg: [without("alg"), "malformed_header"],
  };
  const jwks = { keys: [{ ...key.jwk }] };

  before(() => {
    for (const [name, value] of Object.entries(pollution)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true, enumerable: true });
    }
  });
  after(() => {
    for (const name of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, name);
  });

  it("imports the keys and verifies good tokens", async () => {
    for (const [token, keys] of goodTokens) {
      const { claims } = await verifyJwt(token, importKeys(keys), accessTokenRules);
      assert.equal(claims.sub, "user-1");
    }
  });

  for (const [name, [token, reason]] of Object.entries(incomplete)) {
    it(`still misses ${name} in a token without it`, async () => {
      const error = await verifyJwt(token, importKeys(jwks), accessTokenRules).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof TokenRefused);
      assert.equal(error.reason, reason);
    });
  }
});

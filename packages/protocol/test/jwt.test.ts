import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  algorithms,
  clientAssertionRules,
  decodeJwt,
  importKeys,
  type JwtRules,
  TokenRefused,
  verifyJwt,
} from "../src/index.ts";
import {
  accessTokenRules,
  aKey,
  aToken,
  audience,
  clock,
  goodClaims,
  goodHeader,
  issuer,
  jws,
  keySetOf,
  now,
} from "./fixtures.ts";

const reasonOf = (error: unknown) => (error instanceof TokenRefused ? error.reason : error);
const verify = (token: string, keys = keySetOf(es), rules: JwtRules = accessTokenRules) =>
  verifyJwt(token, keys, rules).then(({ claims }) => claims.sub ?? "accepted", reasonOf);

const es = aKey("ES256");

describe("verifyJwt", () => {
  for (const alg of ["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "ML-DSA-65"]) {
    it(`verifies ${alg}, and refuses it after one bit is flipped`, async () => {
      const key = aKey(alg);
      const token = aToken(key);
      const { claims, header, key: used } = await verifyJwt(token, keySetOf(key), accessTokenRules);
      assert.deepEqual({ ...claims }, goodClaims);
      assert.equal(header.alg, alg);
      assert.equal(used.kid, key.jwk.kid);
      const { signature } = decodeJwt(token);
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      const tampered = `${token.slice(0, token.lastIndexOf("."))}.${Buffer.from(signature).toString("base64url")}`;
      assert.equal(await verify(tampered, keySetOf(key)), "bad_signature");
    });
  }

  it("takes Ed25519 for EdDSA in header and key", async () => {
    const key = aKey("EdDSA");
    const renamed = importKeys({ keys: [{ ...key.jwk, alg: "Ed25519" }] });
    assert.equal(await verify(aToken(key, { header: { alg: "Ed25519" } }), keySetOf(key)), "user-1");
    assert.equal(await verify(aToken(key), renamed), "user-1");
  });

  it("narrows the algorithms when told to", async () => {
    assert.equal(
      await verify(aToken(es), keySetOf(es), { ...accessTokenRules, algorithms: ["EdDSA"] }),
      "algorithm_not_allowed",
    );
    assert.equal(await verify(aToken(es), keySetOf(es), { ...accessTokenRules, algorithms: ["ES256"] }), "user-1");
  });

  it("tries the keys of the algorithm when the header has no kid, up to four", async () => {
    const keys = ["a", "b", "c", "d", "e"].map((kid) => aKey("ES256", kid));
    const [first = es, ...others] = keys;
    const token = aToken(first, { header: { kid: undefined } });
    assert.equal(await verify(token, keySetOf(...others.slice(1), first)), "user-1");
    assert.equal(await verify(token, keySetOf(...others)), "bad_signature");
    assert.equal(await verify(token, keySetOf(...keys)), "ambiguous_key");
    assert.equal(await verify(token, keySetOf(aKey("EdDSA"))), "unknown_key");
    assert.equal(await verify(token, keySetOf()), "unknown_key");
  });

  it("does not believe a source that offers a key of another algorithm", async () => {
    const rsa = aKey("RS256");
    const careless = { find: () => keySetOf(rsa).keys };
    const mislabelled = jws({ ...goodHeader(rsa), alg: "PS256" }, goodClaims, rsa, "RS256");
    assert.equal(await verifyJwt(mislabelled, careless, accessTokenRules).catch(reasonOf), "bad_signature");
    assert.equal((await verifyJwt(aToken(rsa), careless, accessTokenRules)).claims.sub, "user-1");
  });

  it("takes other types and further claims from the rules", async () => {
    const own = { ...accessTokenRules, types: ["secevent+jwt"], requiredClaims: ["toe"] };
    assert.equal(await verify(aToken(es), keySetOf(es), own), "wrong_type");
    assert.equal(await verify(aToken(es, { header: { typ: "secevent+jwt" } }), keySetOf(es), own), "missing_claim");
    const token = aToken(es, { header: { typ: "secevent+jwt" }, claims: { toe: 1 } });
    assert.equal(await verify(token, keySetOf(es), own), "user-1");
  });

  const unbounded: Readonly<Record<string, Partial<JwtRules>>> = {
    maxLifetimeMs: { maxLifetimeMs: Number.NaN },
    maxAgeMs: { maxAgeMs: Number.NaN },
    "negative maxAgeMs": { maxAgeMs: -1 },
    clock: { clock: { now: () => Number.NaN } },
  };
  for (const [name, rules] of Object.entries(unbounded)) {
    it(`refuses a rule that would bound nothing: ${name}`, async () => {
      const work = verifyJwt(aToken(es), keySetOf(es), { ...accessTokenRules, ...rules });
      await assert.rejects(work, RangeError);
    });
  }

  it("refuses every token when the limit of its length is no number", async () => {
    const rules = { ...accessTokenRules, maxLength: Number.NaN };
    assert.equal(await verify(aToken(es), keySetOf(es), rules), "token_too_large");
  });

  it("refuses rules that contradict themselves", async () => {
    for (const clockSkewMs of [-1, 60_001, Number.NaN]) {
      await assert.rejects(verifyJwt(aToken(es), keySetOf(es), { ...accessTokenRules, clockSkewMs }), RangeError);
    }
    for (const none of [undefined, [], ""]) {
      await assert.rejects(verifyJwt(aToken(es), keySetOf(es), { ...accessTokenRules, audience: none }), RangeError);
    }
  });

  it("names the claim, and becomes an error of the catalogue without quoting the token", async () => {
    const refusal = await verifyJwt(aToken(es, { claims: { jti: undefined } }), keySetOf(es), accessTokenRules).catch(
      (error: unknown) => error,
    );
    assert.ok(refusal instanceof TokenRefused);
    const error = refusal.as("invalid_token");
    assert.equal(error.code, "invalid_token");
    assert.equal(error.detail, "missing_claim: jti");
    assert.equal(error.cause, refusal);
    assert.equal(new TokenRefused("keys_unavailable").as("invalid_token").code, "temporarily_unavailable");
  });
});

describe("clientAssertionRules", () => {
  const tokenEndpoint = `${issuer}/oauth/token`;
  const expected = { clientId: "c", issuer, clock };
  const shown = (claims: object) =>
    jws({ alg: "ES256", kid: es.jwk.kid }, { iss: "c", sub: "c", aud: issuer, exp: now + 60, jti: "j", ...claims }, es);

  it("accepts the issuer, and the token endpoint only by name", async () => {
    const strict = clientAssertionRules(expected);
    const compatible = clientAssertionRules({ ...expected, acceptTokenEndpoint: tokenEndpoint });
    assert.equal(await verify(shown({ aud: issuer }), keySetOf(es), strict), "c");
    assert.equal(await verify(shown({ aud: tokenEndpoint }), keySetOf(es), strict), "wrong_audience");
    assert.equal(await verify(shown({ aud: tokenEndpoint }), keySetOf(es), compatible), "c");
    assert.equal(await verify(shown({ aud: issuer }), keySetOf(es), compatible), "c");
    assert.equal(await verify(shown({ aud: [issuer, tokenEndpoint] }), keySetOf(es), strict), "wrong_audience");
    assert.equal(await verify(shown({ aud: [audience, tokenEndpoint] }), keySetOf(es), compatible), "c");
    assert.equal(await verify(shown({ aud: [issuer] }), keySetOf(es), compatible), "c");
    assert.equal(await verify(shown({ aud: [audience] }), keySetOf(es), compatible), "wrong_audience");
    assert.equal(await verify(shown({ aud: audience }), keySetOf(es), compatible), "wrong_audience");
  });

  it("bounds the life of an assertion by its own limit", async () => {
    const rules = clientAssertionRules({ ...expected, clockSkewMs: 0, maxLifetimeMs: 60_000 });
    assert.equal(await verify(shown({ exp: now + 60 }), keySetOf(es), rules), "c");
    assert.equal(await verify(shown({ exp: now + 61 }), keySetOf(es), rules), "lifetime_too_long");
    const tolerant = { ...rules, clockSkewMs: 30_000 };
    assert.equal(await verify(shown({ exp: now + 90 }), keySetOf(es), tolerant), "c");
    assert.equal(await verify(shown({ exp: now + 91 }), keySetOf(es), tolerant), "lifetime_too_long");
  });
});

describe("decodeJwt", () => {
  it("shows header and claims without a key", () => {
    const { header, claims, kid, typ } = decodeJwt(aToken(es));
    assert.deepEqual({ ...header }, goodHeader(es));
    assert.deepEqual({ ...claims }, goodClaims);
    assert.equal(kid, es.jwk.kid);
    assert.equal(typ, "at+jwt");
  });

  it("refuses what is no string", () => {
    for (const token of [undefined, null, 1, {}, ["a.b.c"]]) {
      assert.throws(() => decodeJwt(token as string), { reason: "not_compact" });
    }
  });

  it("throws its own error only, whatever it is given", () => {
    const token = aToken(es);
    const noise = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64url")),
      fc.tuple(fc.nat(token.length), fc.nat(token.length)).map(([a, b]) => token.slice(0, a) + token.slice(b)),
      fc
        .tuple(fc.json(), fc.json(), fc.uint8Array({ minLength: 1 }))
        .map((parts) => parts.map((part) => Buffer.from(part).toString("base64url")).join(".")),
    );
    fc.assert(
      fc.property(noise, (text) => {
        try {
          decodeJwt(text);
        } catch (error) {
          assert.ok(error instanceof TokenRefused);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("and verifying accept nothing but the token itself", async () => {
    const token = aToken(es);
    const keys = keySetOf(es);
    const changed = fc
      .tuple(fc.nat(token.length - 1), fc.constantFrom(..."ABCXYZabcxyz0189-_.="))
      .map(([at, character]) => token.slice(0, at) + character + token.slice(at + 1))
      .filter((text) => text !== token);
    await fc.assert(
      fc.asyncProperty(changed, async (text) => assert.notEqual(await verify(text, keys), "user-1")),
      { numRuns: 500 },
    );
  });
});

describe("the source of this package", () => {
  it("opens no file, socket or process, whatever a kid says", () => {
    const folder = new URL("../src/", import.meta.url);
    const allowed = new Set(["node:crypto"]);
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const text = readFileSync(new URL(file, folder), "utf8");
      for (const [, module = ""] of text.matchAll(/from "(node:[^"]+)"/g))
        assert.ok(allowed.has(module), `${file}: ${module}`);
      assert.doesNotMatch(text, /\bimport\(|\brequire\(|getBuiltinModule/);
    }
  });

  it("knows no symmetric algorithm and no none", () => {
    assert.deepEqual(
      Object.keys(algorithms).filter((name) => /^HS|none/i.test(name)),
      [],
    );
  });
});

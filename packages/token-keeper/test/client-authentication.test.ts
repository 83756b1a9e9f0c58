import assert from "node:assert/strict";
import { KeyObject, verify } from "node:crypto";
import { describe, it } from "node:test";
import {
  privateKeyJwt,
  publicClient,
  secretBasic,
  secretPost,
  systemRandom,
  tlsClient,
} from "@countersign/token-keeper";
import { aContext, aSource } from "./support/context.ts";
import { refusal, startTokenServer } from "./support/token-server.ts";

function aTarget() {
  return {
    parameters: new URLSearchParams({ grant_type: "client_credentials" }),
    headers: {} as Record<string, string>,
    audience: "https://issuer.example",
    serverNow: 1_700_000_000_900,
    random: systemRandom,
  };
}

describe("secretBasic()", () => {
  it("form-encodes both halves (RFC 6749 section 2.3.1)", async () => {
    const target = aTarget();
    await secretBasic("a:b c", "p%+ü").authenticate(target);
    const [scheme, credentials = ""] = (target.headers.authorization ?? "").split(" ");
    assert.equal(scheme, "Basic");
    assert.equal(Buffer.from(credentials, "base64").toString(), "a%3Ab+c:p%25%2B%C3%BC");
    assert.equal(target.parameters.has("client_secret"), false);
  });
});

describe("secretPost()", () => {
  it("puts both into the body", async () => {
    const target = aTarget();
    await secretPost("id", "secret").authenticate(target);
    assert.equal(target.parameters.get("client_id"), "id");
    assert.equal(target.parameters.get("client_secret"), "secret");
    assert.equal(target.headers.authorization, undefined);
  });
});

describe("publicClient() and tlsClient()", () => {
  it("name the client and send no secret", async () => {
    for (const client of [publicClient("id"), tlsClient("id")]) {
      const target = aTarget();
      await client.authenticate(target);
      assert.equal(`${target.parameters}`, "grant_type=client_credentials&client_id=id");
    }
    assert.deepEqual([publicClient("id").mutualTls, tlsClient("id").mutualTls], [false, true]);
  });

  it("refuse an empty client id", () => assert.throws(() => publicClient(""), TypeError));
});

describe("privateKeyJwt()", () => {
  const keys = {
    ES256: { name: "ECDSA", namedCurve: "P-256" },
    ES384: { name: "ECDSA", namedCurve: "P-384" },
    RS256: {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    PS256: { name: "RSA-PSS", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    EdDSA: { name: "Ed25519" },
  } as const;
  const digests = { ES256: "sha256", ES384: "sha384", RS256: "sha256", PS256: "sha256", EdDSA: undefined } as const;
  for (const algorithm of ["ES256", "ES384", "RS256", "PS256", "EdDSA"] as const) {
    it(`signs an assertion with ${algorithm} that its public key verifies`, async () => {
      const pair = await crypto.subtle.generateKey(keys[algorithm], true, ["sign", "verify"]);
      assert.ok("privateKey" in pair);
      const client = privateKeyJwt("id", { key: pair.privateKey, algorithm, keyId: "k1" });
      const [first, second] = [aTarget(), aTarget()];
      await client.authenticate(first);
      await client.authenticate(second);
      const assertion = first.parameters.get("client_assertion") ?? "";
      const [header = "", payload = "", signature = ""] = assertion.split(".");
      assert.deepEqual(JSON.parse(atob(header)), { alg: algorithm, typ: "JWT", kid: "k1" });
      const { jti, ...claims } = JSON.parse(Buffer.from(payload, "base64url").toString());
      const times = { iat: 1_700_000_000, exp: 1_700_000_060 };
      assert.deepEqual(claims, { iss: "id", sub: "id", aud: "https://issuer.example", ...times });
      assert.match(jti, /^[\w-]{22}$/);
      assert.notEqual(assertion, second.parameters.get("client_assertion"));
      const key = KeyObject.from(pair.publicKey);
      const options = {
        key,
        dsaEncoding: "ieee-p1363",
        ...(algorithm === "PS256" ? { padding: 6, saltLength: 32 } : {}),
      } as const;
      assert.ok(
        verify(digests[algorithm], Buffer.from(`${header}.${payload}`), options, Buffer.from(signature, "base64url")),
      );
    });
  }
});

describe("privateKeyJwt() with a clock that is ten minutes off", () => {
  for (const offMs of [600_000, -600_000]) {
    it(`learns the server's time from Date and is refused once: ${offMs / 60_000} minutes`, async () => {
      const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
      assert.ok("privateKey" in pair);
      const context = aContext();
      const serverNow = () => context.clock.now() + offMs;
      await using server = await startTokenServer((request, count) => {
        const headers = { date: new Date(serverNow()).toUTCString() };
        const [, payload = ""] = (request.parameters.get("client_assertion") ?? "").split(".");
        const { iat, exp } = JSON.parse(Buffer.from(payload, "base64url").toString());
        const isTimely = iat * 1000 <= serverNow() + 30_000 && exp * 1000 > serverNow();
        const body = { access_token: `token-${count}`, token_type: "Bearer", expires_in: 60 };
        return isTimely ? { headers, body } : refusal("invalid_client", 401, headers);
      });
      const source = aSource(server, { client: privateKeyJwt("id", { key: pair.privateKey, algorithm: "EdDSA" }) });
      assert.equal((await source.request(context)).accessToken.reveal(), "token-2");
      assert.equal((await source.request(context)).accessToken.reveal(), "token-3");
      assert.equal(server.received.length, 3);
    });
  }

  it("is sent once only where the time was right, or the grant was refused", async () => {
    const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
    assert.ok("privateKey" in pair);
    const client = privateKeyJwt("id", { key: pair.privateKey, algorithm: "EdDSA" });
    for (const [error, offMs] of [
      ["invalid_client", 0],
      ["invalid_scope", 600_000],
    ] as const) {
      const context = aContext();
      const headers = { date: new Date(context.clock.now() + offMs).toUTCString() };
      await using server = await startTokenServer(() => refusal(error, 401, headers));
      await assert.rejects(aSource(server, { client }).request(context), { code: error });
      assert.equal(server.received.length, 1);
    }
  });
});

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { describe, it } from "node:test";
import { compactVerify, importJWK } from "jose";
import { algorithmNames, algorithms } from "../../src/keys/algorithms.ts";
import { publicJwk } from "../../src/keys/public-jwk.ts";
import { signatureFunction } from "../../src/keys/sign.ts";

describe("signatureFunction", () => {
  const lengths = { ES256: 64, EdDSA: 64, RS256: 256, PS256: 256, "ML-DSA-65": 3309 };
  for (const algorithm of algorithmNames) {
    for (const place of ["thread-pool", "inline"] as const) {
      it(`makes what jose verifies: ${algorithm}, ${place}`, async () => {
        const privateKey = await algorithms[algorithm].generate();
        const header = Buffer.from(JSON.stringify({ alg: algorithm })).toString("base64url");
        const input = `${header}.${Buffer.from("payload").toString("base64url")}`;
        const signature = await signatureFunction(privateKey, algorithm, place)(input);
        assert.equal(Buffer.from(signature, "base64url").length, lengths[algorithm]);
        const key = await importJWK(publicJwk(privateKey, algorithm), algorithm);
        const { payload } = await compactVerify(`${input}.${signature}`, key, { algorithms: [algorithm] });
        assert.equal(Buffer.from(payload).toString(), "payload");
      });
    }
  }

  for (const place of ["thread-pool", "inline"] as const) {
    it(`rejects when the key cannot sign: ${place}`, async () => {
      const key = createPublicKey(await algorithms.ES256.generate());
      await assert.rejects(async () => signatureFunction(key, "ES256", place)("input"));
    });
  }
});

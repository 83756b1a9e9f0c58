import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Secret } from "@countersign/token-keeper";
import { signedHeaders } from "../../src/workload/signature-v4.ts";

const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
};
const request = {
  host: "example.amazonaws.com",
  region: "us-east-1",
  service: "service",
  headers: {},
  body: "",
  now: Date.UTC(2015, 7, 30, 12, 36),
};

/** From the test suite that AWS publishes. */
const published = {
  "post-vanilla": [request, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
  "post-x-www-form-urlencoded": [
    { ...request, headers: { "content-type": "application/x-www-form-urlencoded" }, body: "Param1=value1" },
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
} as const;

describe("signedHeaders", () => {
  for (const [name, [unsigned, signature]] of Object.entries(published)) {
    it(`signs ${name} as AWS does`, () => {
      const { authorization = "" } = signedHeaders(unsigned, credentials);
      assert.equal(authorization.split("Signature=")[1], signature);
      assert.ok(
        authorization.startsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"),
      );
    });
  }

  it("signs the token of temporary credentials with the rest", () => {
    const sessionToken = new Secret("session");
    const headers = signedHeaders(request, { ...credentials, sessionToken });
    assert.equal(headers["x-amz-security-token"], "session");
    assert.match(headers.authorization ?? "", /SignedHeaders=host;x-amz-date;x-amz-security-token,/);
  });
});

import assert from "node:assert/strict";
import { generateKeyPairSync, verify } from "node:crypto";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { googleKeyFileSource } from "@countersign/token-keeper/workload";
import { aContext } from "../support/context.ts";
import { freshTokens, refusal, startTokenServer } from "../support/token-server.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();

const keyFile = (overrides: Record<string, string | undefined> = {}) =>
  JSON.stringify({
    type: "service_account",
    client_email: "reports@project.iam.gserviceaccount.com",
    private_key_id: "key-1",
    private_key: pem,
    ...overrides,
  });

const scope = ["https://www.googleapis.com/auth/a", "https://www.googleapis.com/auth/b"];

describe("googleKeyFileSource", () => {
  it("hands in an assertion that the file's key signed", async () => {
    await using server = await startTokenServer(freshTokens(3599));
    const context = aContext();
    const source = googleKeyFileSource({
      keyFile: keyFile({ token_uri: server.tokenEndpoint }),
      scope,
      subject: "alice@example.com",
    });
    const token = await source.request(context);
    assert.equal(token.accessToken.reveal(), "token-1");
    const form = server.received[0]?.parameters;
    assert.equal(form?.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [header = "", claims = "", signature = ""] = (form?.get("assertion") ?? "").split(".");
    const signed = Buffer.from(`${header}.${claims}`);
    assert.ok(verify("sha256", signed, publicKey, Buffer.from(signature, "base64url")));
    const { jti, iat, exp, ...rest } = JSON.parse(Buffer.from(claims, "base64url").toString());
    assert.deepEqual(rest, {
      scope: scope.join(" "),
      iss: "reports@project.iam.gserviceaccount.com",
      sub: "alice@example.com",
      aud: server.tokenEndpoint,
    });
    assert.equal(exp - iat, 3600);
    assert.ok(jti.length > 20);
    assert.equal(JSON.parse(Buffer.from(header, "base64url").toString()).kid, "key-1");
  });

  it("learns the time from a refusal, and signs anew for it at once", async () => {
    const context = aContext();
    const date = new Date(context.clock.now() + 900_000).toUTCString();
    await using server = await startTokenServer((request, count) =>
      count === 1 ? refusal("invalid_grant", 400, { date }) : freshTokens()(request, count),
    );
    await googleKeyFileSource({ keyFile: keyFile({ token_uri: server.tokenEndpoint }), scope }).request(context);
    const [first, second] = server.received.map(({ parameters }) => {
      const [, claims = ""] = (parameters.get("assertion") ?? "").split(".");
      return JSON.parse(Buffer.from(claims, "base64url").toString());
    });
    assert.ok(second.iat - first.iat >= 899, `${second.iat - first.iat}`);
    assert.notEqual(first.jti, second.jti);
  });

  it("asks once where the refusal teaches no time", async () => {
    const context = aContext();
    const date = new Date(context.clock.now()).toUTCString();
    await using server = await startTokenServer(() => refusal("invalid_grant", 400, { date }));
    const source = googleKeyFileSource({ keyFile: keyFile({ token_uri: server.tokenEndpoint }), scope });
    await assert.rejects(source.request(context), { code: "invalid_grant" });
    await assert.rejects(source.request(context), { code: "invalid_grant" });
    assert.ok(server.received.length <= 3, `${server.received.length}`);
  });

  const broken: Record<string, string> = {
    "no JSON": "key",
    "another type": keyFile({ type: "authorized_user", token_uri: "https://a.example" }),
    "no token_uri": keyFile(),
    "no key": keyFile({ private_key: undefined, token_uri: "https://a.example" }),
    "a token_uri without https": keyFile({ token_uri: "http://evil.example" }),
  };
  for (const [name, text] of Object.entries(broken)) {
    it(`refuses a file with ${name}, and shows nothing of its key`, () => {
      assert.throws(
        () => googleKeyFileSource({ keyFile: text, scope }),
        (error) => error instanceof TypeError && !inspect(error).includes(pem.slice(40, 80)),
      );
    });
  }
});

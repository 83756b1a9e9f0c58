import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  cachedSource,
  constantSource,
  customSource,
  jwtBearerSource,
  memoryCache,
  publicClient,
  secretBasic,
  TokenError,
  type TokenExchangeOptions,
  tokenExchangeSource,
  tokenKey,
  tokenTypes,
} from "@countersign/token-keeper";
import { aContext } from "../support/context.ts";
import { freshTokens, refusal, startTokenServer } from "../support/token-server.ts";

const identity = { issuer: "platform", clientId: "job", grant: "workload" };
const numbered = () => {
  let count = 0;
  return customSource(async () => ({ accessToken: `subject-${++count}`, expiresInMs: 600_000 }), { identity });
};

describe("tokenExchangeSource", () => {
  it("sends the form of RFC 8693 section 2.1, with a new subject token each time", async () => {
    await using server = await startTokenServer();
    const source = tokenExchangeSource({
      tokenEndpoint: server.tokenEndpoint,
      client: secretBasic("ci", "s3cr3t"),
      subject: { source: numbered() },
      actor: { source: numbered(), type: tokenTypes.accessToken },
      requestedTokenType: tokenTypes.accessToken,
      audience: "https://api.example.com",
      scope: "read write",
      resource: ["https://r1", "https://r2"],
    });
    const token = await source.request(aContext());
    assert.equal(token.accessToken.reveal(), "token-1");
    assert.deepEqual(
      [...(server.received[0]?.parameters ?? [])],
      [
        ["grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"],
        ["audience", "https://api.example.com"],
        ["scope", "read write"],
        ["resource", "https://r1"],
        ["resource", "https://r2"],
        ["requested_token_type", "urn:ietf:params:oauth:token-type:access_token"],
        ["subject_token", "subject-1"],
        ["subject_token_type", "urn:ietf:params:oauth:token-type:jwt"],
        ["actor_token", "subject-1"],
        ["actor_token_type", "urn:ietf:params:oauth:token-type:access_token"],
      ],
    );
    await source.request(aContext());
    assert.equal(server.received[1]?.parameters.get("subject_token"), "subject-2");
  });

  it("asks past the cache for a subject token when the server refused the last one", async () => {
    await using server = await startTokenServer((request, count) =>
      count === 1 ? refusal("invalid_grant") : freshTokens()(request, count),
    );
    const { clock } = aContext();
    const subject = { source: cachedSource(numbered(), { caches: [memoryCache({ clock })] }) };
    const source = tokenExchangeSource({ tokenEndpoint: server.tokenEndpoint, client: publicClient("ci"), subject });
    const lastError = await source.request(aContext({ clock })).catch((error) => error);
    assert.ok(lastError instanceof TokenError);
    await source.request(aContext({ clock, lastError }));
    await source.request(aContext({ clock }));
    const presented = server.received.map(({ parameters }) => parameters.get("subject_token"));
    assert.deepEqual(presented, ["subject-1", "subject-2", "subject-2"]);
  });

  it("sends no subject token that has expired, and passes on what its source threw", async () => {
    await using server = await startTokenServer();
    const endpoint = { tokenEndpoint: server.tokenEndpoint, client: publicClient("ci") };
    const expired = { source: constantSource({ accessToken: "old", expiresAt: 1 }) };
    await assert.rejects(tokenExchangeSource({ ...endpoint, subject: expired }).request(aContext()), {
      code: "token_expired",
    });
    const failing = customSource(() => Promise.reject(new TokenError("access_denied", "no permission")), { identity });
    await assert.rejects(tokenExchangeSource({ ...endpoint, subject: { source: failing } }).request(aContext()), {
      code: "access_denied",
    });
    assert.equal(server.received.length, 0);
  });

  it("keys by everything that makes another token", () => {
    const subject = { source: numbered() };
    const base: TokenExchangeOptions = { issuer: "https://a.example", client: publicClient("ci"), subject };
    const other = customSource(async () => ({ accessToken: "x", expiresInMs: 1 }), {
      identity: { ...identity, clientId: "other" },
    });
    const variants: TokenExchangeOptions[] = [
      base,
      { ...base, subject: { source: other } },
      { ...base, subject: { ...subject, type: tokenTypes.idToken } },
      { ...base, actor: subject },
      { ...base, actor: { source: other } },
      { ...base, requestedTokenType: tokenTypes.jwt },
      { ...base, audience: "x" },
      { ...base, partition: "tenant" },
    ];
    const keys = new Set(variants.map((options) => tokenKey(tokenExchangeSource(options).identity)));
    assert.equal(keys.size, variants.length);
    assert.equal(tokenKey(tokenExchangeSource({ ...base }).identity), tokenKey(tokenExchangeSource(base).identity));
  });
});

describe("jwtBearerSource", () => {
  it("sends the form of RFC 7523 section 2.1, with or without a client", async () => {
    await using server = await startTokenServer();
    const options = { tokenEndpoint: server.tokenEndpoint, assertion: numbered(), scope: "read" };
    await jwtBearerSource(options).request(aContext());
    await jwtBearerSource({ ...options, client: publicClient("ci") }).request(aContext());
    const form = [
      ["grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
      ["scope", "read"],
    ];
    assert.deepEqual([...(server.received[0]?.parameters ?? [])], [...form, ["assertion", "subject-1"]]);
    assert.deepEqual(
      [...(server.received[1]?.parameters ?? [])],
      [...form, ["assertion", "subject-2"], ["client_id", "ci"]],
    );
  });

  it("shows the assertion in no error", async () => {
    await using server = await startTokenServer(() => refusal("invalid_grant"));
    const source = jwtBearerSource({ tokenEndpoint: server.tokenEndpoint, assertion: numbered() });
    const error = await source.request(aContext()).catch((caught) => caught);
    assert.equal(error.code, "invalid_grant");
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes("subject-1"));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenError, type TokenErrorCode } from "@countersign/token-keeper";
import { parseTokenResponse, type TokenResponseRules } from "../src/token-response.ts";

const base = { access_token: "abc", token_type: "Bearer", expires_in: 60 };
const serverNow = 1_700_000_000_000;

interface Case {
  readonly body: unknown;
  readonly status?: number;
  readonly contentType?: string;
  readonly dated?: boolean;
  readonly rules?: TokenResponseRules;
}

function parse({ body, status = 200, contentType = "application/json", dated = false, rules = {} }: Case) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return parseTokenResponse({ status, contentType, text, serverNow, dated }, rules);
}

function jwt(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
}

describe("parseTokenResponse() accepts", () => {
  const lifetimes: Record<string, Case & { readonly lifetimeMs: number }> = {
    "a number": { body: base, lifetimeMs: 60_000 },
    "a text": { body: { ...base, expires_in: "3600" }, lifetimeMs: 3_600_000 },
    "a fraction": { body: { ...base, expires_in: 3600.5 }, lifetimeMs: 3_600_500 },
    "the largest number, clamped": { body: { ...base, expires_in: 1e12 }, lifetimeMs: 30 * 86_400_000 },
    "none, and takes the default": { body: { ...base, expires_in: undefined }, lifetimeMs: 300_000 },
    "null, and takes the default": {
      body: { ...base, expires_in: null },
      rules: { defaultLifetimeMs: 9 },
      lifetimeMs: 9,
    },
    "none, and takes exp - iat": {
      body: { ...base, access_token: jwt({ iat: 100, exp: 190 }), expires_in: undefined },
      lifetimeMs: 90_000,
    },
    "none, and takes exp by the server's clock": {
      body: { ...base, access_token: jwt({ exp: serverNow / 1000 + 50 }), expires_in: undefined },
      lifetimeMs: 50_000,
    },
    "0, and takes the default": { body: { ...base, expires_in: 0 }, lifetimeMs: 300_000 },
    "-1, and takes the default": { body: { ...base, expires_in: "-1" }, lifetimeMs: 300_000 },
    "0, and takes exp - iat": {
      body: { ...base, access_token: jwt({ iat: 100, exp: 190 }), expires_in: 0 },
      lifetimeMs: 90_000,
    },
    "milliseconds, beside a JWT that knows better": {
      body: { ...base, access_token: jwt({ iat: 100, exp: 3_700 }), expires_in: 3_600_000 },
      lifetimeMs: 3_600_000,
    },
    "milliseconds, where it is told": {
      body: { ...base, expires_in: 3_600_000 },
      rules: { expiresInUnit: "milliseconds" },
      lifetimeMs: 3_600_000,
    },
    "more than a JWT has left that the server gives once more": {
      body: {
        ...base,
        access_token: jwt({ iat: serverNow / 1000 - 3_000, exp: serverNow / 1000 + 600 }),
        expires_in: 3_600,
      },
      dated: true,
      lifetimeMs: 600_000,
    },
    "what a second of delay seems to take": {
      body: { ...base, access_token: jwt({ iat: serverNow / 1000 - 4, exp: serverNow / 1000 + 56 }) },
      dated: true,
      lifetimeMs: 60_000,
    },
    "a JWT's times by a clock that nobody knows": {
      body: {
        ...base,
        access_token: jwt({ iat: serverNow / 1000 - 9_000, exp: serverNow / 1000 - 5_400 }),
        expires_in: 3_600,
      },
      lifetimeMs: 3_600_000,
    },
    "201": { status: 201, body: base, lifetimeMs: 60_000 },
    "202": { status: 202, body: base, lifetimeMs: 60_000 },
    "an empty error": { body: { ...base, error: "" }, lifetimeMs: 60_000 },
    BearerToken: { body: { ...base, token_type: "BearerToken" }, lifetimeMs: 60_000 },
    "none, and takes the default where the JWT's times are beyond all numbers": {
      body: { ...base, access_token: jwt({ iat: 1e306, exp: 1e306 }), expires_in: undefined },
      lifetimeMs: 300_000,
    },
    "escapes in strings": { body: '{"access_token":"a\\/b","token_type":"bearer","expires_in":1}', lifetimeMs: 1_000 },
    "another case of the type": { body: { ...base, token_type: "bEARER" }, lifetimeMs: 60_000 },
    "no type, where one is assumed": {
      body: { ...base, token_type: undefined },
      rules: { assumeTokenType: "Bearer" },
      lifetimeMs: 60_000,
    },
    "a wrong media type": { body: base, contentType: "text/plain", lifetimeMs: 60_000 },
    "the same name at another depth": {
      body: '{"access_token":"a","token_type":"Bearer","expires_in":1,"x":{"access_token":"b"}}',
      lifetimeMs: 1_000,
    },
  };
  for (const [name, { lifetimeMs, ...row }] of Object.entries(lifetimes))
    it(name, () => assert.equal(parse(row).lifetimeMs, lifetimeMs));

  it("scope, id token, refresh token and refresh_in", () => {
    const body = { ...base, scope: "read  write", id_token: "i", refresh_token: "r", refresh_in: "30" };
    const { scope, idToken, refreshToken, refreshInMs, tokenType } = parse({ body });
    assert.deepEqual(
      { scope, idToken, refreshToken, refreshInMs, tokenType },
      {
        scope: ["read", "write"],
        idToken: "i",
        refreshToken: "r",
        refreshInMs: 30_000,
        tokenType: "Bearer",
      },
    );
  });
});

describe("parseTokenResponse()", () => {
  it("takes a scope that is a list, unless strict", () => {
    const body = { ...base, scope: ["read", "write x", 1] };
    assert.deepEqual(parse({ body }).scope, ["read", "write", "x"]);
    assert.equal(parse({ body, rules: { strict: true } }).scope, undefined);
  });

  it("keeps what has no meaning here, and no token", () => {
    const body = { ...base, refresh_token: "r", id_token: "i", instance_url: "https://na1.example", n: { deep: [1] } };
    assert.deepEqual(parse({ body }).extra, { instance_url: "https://na1.example", n: { deep: [1] } });
  });

  it("reads each retryable status as one that a retry can mend", () => {
    for (const status of [204, 302, 400, 401, 403, 404, 407, 408, 409, 421, 423, 425, 429, 500, 502, 503, 504])
      assert.throws(() => parse({ status, body: "<html>" }), { retryable: true, status });
  });
});

describe("parseTokenResponse() refuses", () => {
  const rows: Record<string, Case & { readonly code: TokenErrorCode }> = {
    "an error with 200": { body: { error: "invalid_client" }, code: "invalid_client" },
    "an error beside a token": { body: { ...base, error: "server_error" }, code: "server_error" },
    HTML: { body: "<html>", contentType: "text/html", code: "invalid_response" },
    nothing: { body: "", code: "invalid_response" },
    "an array": { body: "[]", code: "invalid_response" },
    null: { body: "null", code: "invalid_response" },
    "no access token": { body: { token_type: "Bearer", expires_in: 1 }, code: "invalid_response" },
    "an empty access token": { body: { ...base, access_token: "" }, code: "invalid_response" },
    "an access token that is no text": { body: { ...base, access_token: 1 }, code: "invalid_response" },
    "a header injection": { body: { ...base, access_token: "a\r\nx: y" }, code: "invalid_response" },
    "no type": { body: { ...base, token_type: undefined }, code: "invalid_response" },
    "an unknown type": { body: { ...base, token_type: "mac" }, code: "invalid_response" },
    "a negative lifetime, when strict": {
      body: { ...base, expires_in: -1 },
      rules: { strict: true },
      code: "invalid_response",
    },
    "no lifetime at all, when strict": {
      body: { ...base, expires_in: 0 },
      rules: { strict: true },
      code: "invalid_response",
    },
    "201, when strict": { status: 201, body: base, rules: { strict: true }, code: "unexpected_status" },
    "an empty error, when strict": {
      body: { ...base, error: "" },
      rules: { strict: true },
      code: "unexpected_status",
    },
    "BearerToken, when strict": {
      body: { ...base, token_type: "BearerToken" },
      rules: { strict: true },
      code: "invalid_response",
    },
    "a JWT that has expired beside an expires_in that has not": {
      body: { ...base, access_token: jwt({ iat: 1, exp: 3_601 }), expires_in: 3_600 },
      dated: true,
      code: "token_expired",
    },
    "a lifetime in words": { body: { ...base, expires_in: "soon" }, code: "invalid_response" },
    "a lifetime that is true": { body: { ...base, expires_in: true }, code: "invalid_response" },
    "a JWT that has expired": {
      body: { ...base, access_token: jwt({ exp: 1 }), expires_in: undefined },
      code: "token_expired",
    },
    "a member named twice": {
      body: '{"access_token":"a","token_type":"Bearer","access_token":"b"}',
      code: "invalid_response",
    },
    "a member named twice by escapes": {
      body: '{"access_token":"a","token_type":"Bearer","access\\u005ftoken":"b"}',
      code: "invalid_response",
    },
    "members of a prototype": {
      body: '{"__proto__":{"access_token":"a","token_type":"Bearer"}}',
      code: "invalid_response",
    },
    "text as a lifetime, when strict": {
      body: { ...base, expires_in: "60" },
      rules: { strict: true },
      code: "invalid_response",
    },
    "a fraction, when strict": {
      body: { ...base, expires_in: 1.5 },
      rules: { strict: true },
      code: "invalid_response",
    },
    "a wrong media type, when strict": {
      body: base,
      contentType: "text/plain",
      rules: { strict: true },
      code: "invalid_response",
    },
    "302": { status: 302, body: "", code: "redirect_refused" },
    "400 without a code": { status: 400, body: "", code: "unexpected_status" },
    "400 invalid_grant": { status: 400, body: { error: "invalid_grant" }, code: "invalid_grant" },
    "400 with an unknown code": { status: 400, body: { error: "too_tired" }, code: "request_refused" },
    "400 with a code of the prototype": { status: 400, body: { error: "constructor" }, code: "request_refused" },
    "400 with a framework's error": { status: 400, body: { error: "Bad Request" }, code: "unexpected_status" },
    "403 with a framework's error": { status: 403, body: { error: "Forbidden" }, code: "unexpected_status" },
    "403 with an OAuth error": { status: 403, body: { error: "access_denied" }, code: "access_denied" },
    "403 with another server's error": { status: 403, body: { error: "too_tired" }, code: "unexpected_status" },
    "bad_refresh_token with 200": { body: { error: "bad_refresh_token" }, code: "invalid_grant" },
    invalid_refresh_token: { status: 400, body: { error: "invalid_refresh_token" }, code: "invalid_grant" },
    refresh_token_reused: { status: 401, body: { error: "refresh_token_reused" }, code: "invalid_grant" },
    "204": { status: 204, body: "", code: "invalid_response" },
    "400 slow_down": { status: 400, body: { error: "slow_down" }, code: "rate_limited" },
    ...Object.fromEntries(
      [401, 403, 404, 407, 409, 421, 423, 425].map((status) => [
        `${status} without a code`,
        { status, body: "<html>", code: "unexpected_status" as const },
      ]),
    ),
    "408": { status: 408, body: "", code: "timed_out" },
    "429": { status: 429, body: "", code: "rate_limited" },
    "500": { status: 500, body: "", code: "server_error" },
    "503 that says invalid_client": { status: 503, body: { error: "invalid_client" }, code: "server_error" },
  };
  for (const [name, { code, ...row }] of Object.entries(rows)) {
    it(name, () =>
      assert.throws(
        () => parse(row),
        (error) => error instanceof TokenError && error.code === code,
      ),
    );
  }

  it("without repeating what the server wrote", () => {
    const body = { error: "oops <s3cr3t>", error_description: "s3cr3t" };
    assert.throws(
      () => parse({ status: 400, body }),
      (error) =>
        error instanceof TokenError && !`${error.stack}${error.message}${JSON.stringify(error)}`.includes("s3cr3t"),
    );
  });
});

import type { JwtRules, RefusalReason } from "../../src/index.ts";
import { aKey, aToken, audience, goodClaims, goodHeader, issuer, jws, now } from "../fixtures.ts";
import type { Row, TokenCase } from "./case.ts";

const es = aKey("ES256");
const jwks = [es.jwk];
type Outcome = "accepted" | RefusalReason;

const withClaims = (
  name: string,
  claims: Record<string, unknown>,
  expect: Outcome,
  more: Pick<TokenCase, "jose" | "rules"> = {},
): TokenCase => ({ name, token: aToken(es, { claims }), jwks, expect, ...more });

const withType = (typ: unknown, expect: Outcome, more: Pick<TokenCase, "jose"> = {}): TokenCase => ({
  name: `typ ${typ}`,
  token: aToken(es, { header: { typ } }),
  jwks,
  expect,
  ...more,
});

const skew = 30;
const thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

const bound = { cnf: { "x5t#S256": thumbprint } };
const overItsCertificate = { rules: { certificateThumbprint: thumbprint } };

const idToken = {
  iss: issuer,
  sub: "user-1",
  aud: "client-1",
  exp: now + 300,
  iat: now,
  nonce: "n-1",
};
const logoutToken = {
  iss: issuer,
  sub: "user-1",
  aud: "client-1",
  exp: now + 300,
  iat: now,
  jti: "logout-1",
  events: { "http://schemas.openid.net/event/backchannel-logout": {} },
};
const assertion = {
  iss: "client-1",
  sub: "client-1",
  aud: issuer,
  exp: now + 60,
  iat: now,
  jti: "assertion-1",
};

const assertionRules: Partial<JwtRules> = {
  profile: "client_assertion",
  issuer: "client-1",
  subject: "client-1",
  audience: issuer,
};
const idTokenRules: Partial<JwtRules> = { profile: "id_token", audience: "client-1" };

const confused = (
  name: string,
  typ: string | undefined,
  claims: object,
  rules: Partial<JwtRules>,
  expect: Outcome,
  more: Pick<TokenCase, "jose"> = {},
): TokenCase => ({ name, token: jws({ ...goodHeader(es), typ }, claims, es), jwks, rules, expect, ...more });

/** For the cases that `jose` alone lets pass. */
const joseAccepts = { jose: "accepts" } as const;

/** The claims that `jose` alone misses, and those whose type it looks at. */
const joseChecks = { missing: new Set(["iss", "aud"]), null: new Set(["iss", "aud", "exp", "iat"]) };

export const claimRows: readonly Row[] = [
  {
    id: "A37",
    title: "exp of every kind",
    tokens: [
      withClaims("missing", { exp: undefined }, "missing_claim", joseAccepts),
      withClaims("null", { exp: null }, "malformed_claims"),
      withClaims("string", { exp: String(now + 900) }, "malformed_claims"),
      withClaims("ISO date", { exp: "2030-01-01T00:15:00Z" }, "malformed_claims"),
      withClaims("negative", { exp: -1 }, "malformed_claims"),
      withClaims("1e300", { exp: 1e300 }, "malformed_claims", joseAccepts),
      withClaims("2^53 + 1", { exp: 2 ** 53 + 2 }, "malformed_claims", joseAccepts),
      withClaims("in a century", { exp: now + 3_155_760_000 }, "lifetime_too_long", joseAccepts),
      withClaims("a second too long", { exp: now + 86_401 }, "lifetime_too_long", joseAccepts),
      withClaims("the longest life", { exp: now + 86_400 }, "accepted"),
      withClaims("float", { exp: now + 900.5 }, "accepted"),
      withClaims("zero", { exp: 0 }, "expired"),
    ],
  },
  {
    id: "A38",
    title: "expired",
    tokens: [
      withClaims("inside the skew", { iat: now - 900, exp: now - skew + 1 }, "accepted"),
      withClaims("exactly at the end of the skew", { iat: now - 900, exp: now - skew }, "expired"),
      withClaims("a second past the skew", { iat: now - 900, exp: now - skew - 1 }, "expired"),
      withClaims("now, without skew", { iat: now - 900, exp: now }, "expired", { rules: { clockSkewMs: 0 } }),
      withClaims("a second left, without skew", { iat: now - 900, exp: now + 1 }, "accepted", {
        rules: { clockSkewMs: 0 },
      }),
    ],
  },
  {
    id: "A39",
    title: "nbf and iat",
    tokens: [
      withClaims("nbf within the skew", { nbf: now + skew }, "accepted"),
      withClaims("nbf in the future", { nbf: now + skew + 1 }, "not_yet_valid"),
      withClaims("nbf a string", { nbf: "0" }, "malformed_claims"),
      withClaims("iat within the skew", { iat: now + skew }, "accepted"),
      withClaims("iat in the future", { iat: now + skew + 1 }, "issued_in_future", joseAccepts),
      withClaims("iat a string", { iat: "0" }, "malformed_claims"),
      withClaims("iat after exp", { iat: now + 20, exp: now + 10 }, "contradicting_dates", joseAccepts),
      withClaims("nbf after exp", { nbf: now + 20, exp: now + 10 }, "contradicting_dates", joseAccepts),
      withClaims("older than the longest age", { iat: now - 331, exp: now + 60 }, "too_old", {
        rules: { maxAgeMs: 300_000 },
      }),
      withClaims("as old as the longest age", { iat: now - 330, exp: now + 60 }, "accepted", {
        rules: { maxAgeMs: 300_000 },
      }),
      {
        name: "no iat, longest age given",
        token: jws({ ...goodHeader(es), typ: "JWT" }, { ...assertion, iat: undefined }, es),
        jwks,
        rules: { ...assertionRules, maxAgeMs: 60_000 },
        expect: "missing_claim",
      },
    ],
  },
  {
    id: "A40",
    title: "aud",
    tokens: [
      withClaims("missing", { aud: undefined }, "missing_claim"),
      withClaims("empty array", { aud: [] }, "malformed_claims"),
      withClaims("empty string", { aud: "" }, "malformed_claims"),
      withClaims("array with another", { aud: ["https://other.example.com", audience] }, "accepted"),
      withClaims("another", { aud: "https://other.example.com" }, "wrong_audience"),
      withClaims("longer host", { aud: `${audience}.evil` }, "wrong_audience"),
      withClaims("prefix", { aud: audience.slice(0, -1) }, "wrong_audience"),
      withClaims("case", { aud: audience.toUpperCase() }, "wrong_audience"),
      withClaims("trailing slash", { aud: `${audience}/` }, "wrong_audience"),
      withClaims("number", { aud: 1 }, "malformed_claims"),
      withClaims("nested array", { aud: [[audience]] }, "malformed_claims"),
      withClaims("array with a number", { aud: [audience, 1] }, "malformed_claims", joseAccepts),
      withClaims("object", { aud: { [audience]: true } }, "malformed_claims"),
    ],
  },
  {
    id: "A41",
    title: "issuer mix-up",
    tokens: [
      withClaims("another issuer with the same key", { iss: "https://other.example.com" }, "wrong_issuer"),
      withClaims("trailing slash", { iss: `${issuer}/` }, "wrong_issuer"),
      withClaims("http", { iss: issuer.replace("https", "http") }, "wrong_issuer"),
      withClaims("homoglyph", { iss: issuer.replace("e", "\u0435") }, "wrong_issuer"),
      withClaims("case", { iss: issuer.replace("id", "ID") }, "wrong_issuer"),
      withClaims("array", { iss: [issuer] }, "malformed_claims"),
    ],
  },
  {
    id: "A42",
    title: "one kind of token shown as another",
    tokens: [
      withType("application/at+jwt", "accepted"),
      withType("AT+JWT", "accepted"),
      withType("Application/At+Jwt", "accepted"),
      withType("JWT", "wrong_type"),
      withType("at+jwt ", "wrong_type"),
      withType("text/at+jwt", "wrong_type"),
      withType(undefined, "wrong_type"),
      withType(["at+jwt"], "malformed_header"),
      confused("id token as access token", "JWT", idToken, {}, "wrong_type"),
      confused("logout token as access token", "logout+jwt", logoutToken, {}, "wrong_type"),
      confused("refresh-shaped token as access token", "JWT", { ...goodClaims, typ: "Refresh" }, {}, "wrong_type"),
      confused("id token", "JWT", idToken, idTokenRules, "accepted"),
      confused(
        "id token for this client alone, in an array",
        "JWT",
        { ...idToken, aud: ["client-1"] },
        idTokenRules,
        "accepted",
      ),
      confused(
        "id token for another client too",
        "JWT",
        { ...idToken, aud: ["client-1", "client-2"] },
        idTokenRules,
        "wrong_audience",
        joseAccepts,
      ),
      confused(
        "access token as id token",
        "at+jwt",
        { ...goodClaims, aud: "client-1" },
        idTokenRules,
        "wrong_type",
        joseAccepts,
      ),
      confused(
        "untyped access token as id token",
        undefined,
        { ...goodClaims, aud: "client-1" },
        idTokenRules,
        "forbidden_claim",
        joseAccepts,
      ),
      confused(
        "untyped logout token as id token",
        undefined,
        logoutToken,
        idTokenRules,
        "forbidden_claim",
        joseAccepts,
      ),
      confused("client assertion", "JWT", assertion, assertionRules, "accepted"),
      confused("typed client assertion", "client-authentication+jwt", assertion, assertionRules, "accepted"),
      confused(
        "access token as client assertion",
        "at+jwt",
        { ...goodClaims, ...assertion },
        assertionRules,
        "wrong_type",
        joseAccepts,
      ),
      confused(
        "id token as client assertion",
        "JWT",
        { ...idToken, ...assertion, nonce: "n-1" },
        assertionRules,
        "forbidden_claim",
        joseAccepts,
      ),
      confused("assertion of another client", "JWT", { ...assertion, iss: "client-2" }, assertionRules, "wrong_issuer"),
      confused(
        "assertion about another client",
        "JWT",
        { ...assertion, sub: "client-2" },
        assertionRules,
        "wrong_subject",
      ),
      confused(
        "assertion for two audiences",
        "JWT",
        { ...assertion, aud: [issuer, audience] },
        assertionRules,
        "wrong_audience",
        joseAccepts,
      ),
      confused(
        "assertion for one audience in an array",
        "JWT",
        { ...assertion, aud: [issuer] },
        assertionRules,
        "wrong_audience",
        joseAccepts,
      ),
      confused(
        "assertion for the token endpoint",
        "JWT",
        { ...assertion, aud: `${issuer}/oauth/token` },
        assertionRules,
        "wrong_audience",
      ),
      confused(
        "assertion without jti",
        "JWT",
        { ...assertion, jti: undefined },
        assertionRules,
        "missing_claim",
        joseAccepts,
      ),
      confused(
        "assertion of an hour",
        "JWT",
        { ...assertion, exp: now + 3600, iat: undefined },
        assertionRules,
        "lifetime_too_long",
        joseAccepts,
      ),
      ...(
        [
          ["typ: JWT, the claims of RFC 9068", "JWT", goodClaims, "accepted"],
          ["application/jwt, the same", "application/jwt", goodClaims, "accepted"],
          ["at+jwt", "at+jwt", goodClaims, "wrong_type"],
          ["no typ", undefined, goodClaims, "wrong_type"],
          ["an id token", "JWT", { ...idToken, aud: audience }, "missing_claim", joseAccepts],
          ["an id token that names a client", "JWT", { ...goodClaims, nonce: "n-1" }, "forbidden_claim", joseAccepts],
          ["a logout token", "JWT", { ...goodClaims, events: logoutToken.events }, "forbidden_claim", joseAccepts],
          ["a client assertion", "JWT", { ...assertion, iss: issuer, aud: audience }, "missing_claim", joseAccepts],
          ["a token without an audience", "JWT", { ...goodClaims, aud: undefined }, "missing_claim"],
          ["a token for somebody else", "JWT", { ...goodClaims, aud: "x" }, "wrong_audience"],
        ] as const
      ).map(([name, typ, claims, expect, more]) =>
        confused(`${name}, as access token of typ JWT`, typ, claims, { profile: "jwt_access_token" }, expect, more),
      ),
      confused("access token as plain token", "at+jwt", goodClaims, { profile: "plain" }, "wrong_type", joseAccepts),
      confused(
        "id token as plain token",
        "JWT",
        { ...idToken, aud: audience },
        { profile: "plain" },
        "forbidden_claim",
        joseAccepts,
      ),
      confused(
        "plain token",
        "JWT",
        { iss: issuer, exp: now + 60, iat: now },
        { profile: "plain", audience: undefined },
        "accepted",
      ),
      confused(
        "plain token for somebody else",
        "JWT",
        { iss: issuer, exp: now + 60, iat: now, aud: "x" },
        { profile: "plain" },
        "wrong_audience",
      ),
      confused(
        "plain token for somebody, shown to nobody in particular",
        "JWT",
        { iss: issuer, exp: now + 60, iat: now, aud: "x" },
        { profile: "plain", audience: undefined },
        "wrong_audience",
        joseAccepts,
      ),
    ],
  },
  {
    id: "A43",
    title: "required claims of RFC 9068, and the form of the others",
    tokens: [
      ...["iss", "exp", "aud", "sub", "client_id", "iat", "jti"].flatMap((name): TokenCase[] => [
        withClaims(
          `no ${name}`,
          { [name]: undefined },
          "missing_claim",
          joseChecks.missing.has(name) ? {} : joseAccepts,
        ),
        withClaims(`${name} null`, { [name]: null }, "malformed_claims", joseChecks.null.has(name) ? {} : joseAccepts),
      ]),
      ...["nonce", "scope"].map((name) =>
        withClaims(`${name} a list`, { [name]: ["a"] }, "malformed_claims", joseAccepts),
      ),
    ],
  },
  {
    id: "A45",
    title: "certificate-bound token",
    tokens: [
      withClaims("over its certificate", bound, "accepted", overItsCertificate),
      withClaims("over another certificate", bound, "unproven_binding", {
        rules: { certificateThumbprint: `B${thumbprint.slice(1)}` },
        ...joseAccepts,
      }),
      withClaims("over plain TLS", bound, "unproven_binding", joseAccepts),
      withClaims("bound to a DPoP key", { cnf: { jkt: thumbprint } }, "unproven_binding", {
        ...overItsCertificate,
        ...joseAccepts,
      }),
      withClaims("bound to both", { cnf: { ...bound.cnf, jkt: thumbprint } }, "unproven_binding", {
        ...overItsCertificate,
        ...joseAccepts,
      }),
      withClaims("bound to nothing", { cnf: {} }, "unproven_binding", joseAccepts),
      withClaims("cnf a string", { cnf: thumbprint }, "malformed_claims", joseAccepts),
      withClaims("unbound over a certificate", {}, "accepted", overItsCertificate),
    ],
  },
];

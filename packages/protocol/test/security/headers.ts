import { generateKeyPairSync } from "node:crypto";
import type { RefusalReason } from "../../src/index.ts";
import { aKey, aToken, goodClaims, goodHeader, jws, part } from "../fixtures.ts";
import type { Row, TokenCase } from "./case.ts";

const es = aKey("ES256");
const attacker = aKey("ES256", "attacker");
const jwks = [es.jwk];

const withHeader = (
  name: string,
  header: Record<string, unknown>,
  expect: RefusalReason,
  more: Pick<TokenCase, "jose"> = {},
): TokenCase => ({ name, token: aToken(es, { header }), jwks, expect, ...more });

/** For the cases that `jose` alone lets pass. */
const joseAccepts = { jose: "accepts" } as const;

const unknownKids = [
  "../../dev/null",
  "/etc/passwd",
  "....//....//etc/passwd",
  "ES256-1\u0000.pem",
  "file:///etc/passwd",
  "C:\\windows\\win.ini",
];
const injections = ["' OR 1=1--", '{"$ne":1}', "x'; DROP TABLE keys", "`id`", "$(id)", "ES256-1' --", "*"];

/** Addresses at which a server of the test listens, or at which nobody should ever ask. */
const urlsNotToFollow = (canary: string): readonly string[] => [
  `${canary}/jwks.json`,
  `${canary}/redirect`,
  canary.replace("http://", "http://id.example.com@"),
  "http://169.254.169.254/latest/meta-data/",
  "file:///etc/passwd",
];

/** The row whose URLs depend on where the canary listens. */
export function keyUrlRow(canary: string): Row {
  return {
    id: "A23",
    title: "jku and x5u are not followed",
    tokens: urlsNotToFollow(canary).flatMap((url) =>
      ["jku", "x5u"].map(
        (member): TokenCase => ({
          name: `${member} ${new URL(url).protocol}`,
          token: jws({ ...goodHeader(attacker), [member]: url }, goodClaims, attacker),
          jwks,
          expect: "key_in_header",
        }),
      ),
    ),
  };
}

const selfSigned = Buffer.from(
  generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "der", type: "spki" }),
).toString("base64");

const critical: readonly unknown[] = [["x"], [], "x", ["alg"], ["exp"], null, { x: 1 }, ["b64"]];

/** A good token with one of its texts replaced by another way of writing it. */
function rewritten(rewrite: (parts: [string, string, string]) => string): string {
  const [header = "", payload = "", signature = ""] = aToken(es).split(".");
  return rewrite([header, payload, signature]);
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** The last character of 64 bytes carries four bits that mean nothing; this sets one. */
const trailingBit = (text: string) => text.slice(0, -1) + alphabet[alphabet.indexOf(text.slice(-1)) ^ 1];

const malleable: readonly (readonly [string, string, object?])[] = [
  ["trailing bits", rewritten(([h, p, s]) => `${h}.${p}.${trailingBit(s)}`), joseAccepts],
  ["padding", rewritten(([h, p, s]) => `${h}.${p}.${s}==`), joseAccepts],
  ["new line", rewritten(([h, p, s]) => `${h}.${p}.${s}\n`), joseAccepts],
  ["space", rewritten(([h, p, s]) => `${h}.${p}.${s.slice(0, 4)} ${s.slice(4)}`), joseAccepts],
  ["the other alphabet", rewritten(([h, p, s]) => `${h}.${p}.${s.slice(0, -2)}+/`)],
  ["percent encoding", rewritten(([h, p, s]) => `${h}.${p}.${s}%3D`)],
  ["one character too many", rewritten(([h, p, s]) => `${h}.${p}.${s}AAA`)],
  ["a Cyrillic letter", rewritten(([h, p, s]) => `${h}.${p}.${s.slice(1)}\u0410`)],
];

const shapes: readonly (readonly [string, string])[] = [
  ["empty", ""],
  ["one part", rewritten(([h]) => h)],
  ["two parts", rewritten(([h, p]) => `${h}.${p}`)],
  ["four parts", rewritten(([h, p, s]) => `${h}.${p}.${s}.${s}`)],
  ["five parts", rewritten(([h, p, s]) => `${h}.${p}.${s}.${s}.${s}`)],
  ["only dots", ".."],
  ["no header", rewritten(([, p, s]) => `.${p}.${s}`)],
  ["detached", rewritten(([h, , s]) => `${h}..${s}`)],
  ["no signature", rewritten(([h, p]) => `${h}.${p}.`)],
  ["JSON", rewritten(([h, p, s]) => JSON.stringify({ protected: h, payload: p, signature: s }))],
];

/** A header or payload given as text, so that it can be what JSON.stringify never writes. */
const withTexts = (header: string, payload: string) => jws(header, payload, es);
const headerText = JSON.stringify(goodHeader(es));
const claimsText = JSON.stringify(goodClaims);
const claimsWith = (members: string) => `${claimsText.slice(0, -1)},${members}}`;
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

const payloadOf = (
  name: string,
  payload: string | Uint8Array,
  expect: RefusalReason,
  more: Pick<TokenCase, "jose"> = {},
): TokenCase => ({ name, token: jws(headerText, payload, es), jwks, expect, ...more });
const withBytes = (bytes: readonly number[]) =>
  Buffer.concat([Buffer.from(claimsWith('"name":"').slice(0, -1)), Buffer.from(bytes), Buffer.from('"}')]);

export const headerRows: readonly Row[] = [
  {
    id: "A20",
    title: "kid as a path",
    tokens: unknownKids.map((kid) => withHeader(kid, { kid }, "unknown_key")),
  },
  {
    id: "A21",
    title: "kid as an injection",
    tokens: injections.map((kid) => withHeader(kid, { kid }, "unknown_key")),
  },
  {
    id: "A22",
    title: "kid of another type, huge, or twice in the set",
    tokens: [
      ...[1, {}, [], ["ES256-1"], true, ""].map(
        (kid): TokenCase => ({
          name: JSON.stringify(kid),
          token: aToken(es, { header: { kid } }),
          jwks,
          expect: "malformed_header",
        }),
      ),
      withHeader("null", { kid: null }, "malformed_header"),
      withHeader("300 characters", { kid: "k".repeat(300) }, "malformed_header"),
      withHeader("1 MB", { kid: "k".repeat(1_000_000) }, "token_too_large"),
      {
        name: "two keys with the same kid and alg",
        token: aToken(es),
        jwks: [es.jwk, { ...attacker.jwk, kid: es.jwk.kid }],
        expect: "unknown_key",
      },
      {
        name: "the attacker's of two keys with the same kid and alg",
        token: aToken(attacker, { header: { kid: es.jwk.kid } }),
        jwks: [es.jwk, { ...attacker.jwk, kid: es.jwk.kid }],
        expect: "unknown_key",
      },
      {
        name: "two keys with the same kid and another alg",
        token: aToken(es),
        jwks: [{ ...aKey("EdDSA").jwk, kid: es.jwk.kid }, es.jwk],
        expect: "accepted",
      },
    ],
    keys: [{}, 1, "", null, "k".repeat(257)].map((kid) => ({
      name: `kid ${JSON.stringify(kid).slice(0, 8)}`,
      jwk: { ...es.jwk, kid },
      refused: "malformed_key_id",
    })),
  },
  {
    id: "A24",
    title: "key brought along in the header",
    tokens: [
      {
        name: "self-signed, unknown kid",
        token: jws({ ...goodHeader(attacker), jwk: attacker.jwk }, goodClaims, attacker),
        jwks,
        expect: "key_in_header",
      },
      {
        name: "self-signed, known kid",
        token: jws({ ...goodHeader(es), jwk: attacker.jwk }, goodClaims, attacker),
        jwks,
        expect: "key_in_header",
      },
    ],
  },
  {
    id: "A25",
    title: "certificate chain brought along in the header",
    tokens: [
      {
        name: "attacker's leaf",
        token: jws({ ...goodHeader(attacker), x5c: [selfSigned] }, goodClaims, attacker),
        jwks,
        expect: "key_in_header",
      },
    ],
  },
  {
    id: "A26",
    title: "crit",
    tokens: critical.map((crit) => withHeader(JSON.stringify(crit), { crit }, "critical_header")),
  },
  {
    id: "A27",
    title: "unencoded payload",
    tokens: [
      withHeader("b64 and crit", { crit: ["b64"], b64: false }, "critical_header"),
      withHeader("b64 false alone", { b64: false }, "unencoded_payload", joseAccepts),
    ],
  },
  {
    id: "A28",
    title: "compression and encryption",
    tokens: [
      withHeader("zip in a JWS", { zip: "DEF" }, "compressed", joseAccepts),
      withHeader("enc in a JWS", { alg: "dir", enc: "A256GCM" }, "compressed"),
      {
        name: "JWE",
        token: `${part({ alg: "dir", enc: "A256GCM", zip: "DEF" })}..AAAA.AAAA.AAAA`,
        jwks,
        expect: "not_compact",
      },
    ],
  },
  {
    id: "A29",
    title: "duplicate header member",
    tokens: [
      { first: '{"alg":"none",', second: '"alg":"ES256"', ...joseAccepts },
      { first: '{"alg":"ES256",', second: '"alg":"none"' },
      { first: '{"kid":"x",', second: '"\\u006bid":"ES256-1"', ...joseAccepts },
    ].map(({ first, second, ...more }) => ({
      ...more,
      name: `${first}${second}`,
      token: withTexts(`${first}${headerText.slice(1, -1)},${second}}`, claimsText),
      jwks,
      expect: "json_duplicate_member",
    })),
  },
  {
    id: "A30",
    title: "duplicate claim",
    tokens: ['"exp":9999999999', '"sub":"admin"', '"\\u0073ub":"admin"', '"a":{"b":1,"b":2}'].map((members) => ({
      name: members,
      token: withTexts(headerText, claimsWith(members)),
      jwks,
      expect: "json_duplicate_member",
      ...joseAccepts,
    })),
  },
  {
    id: "A31",
    title: "base64url malleability",
    tokens: malleable.map(([name, token, more]) => ({ name, token, jwks, expect: "not_base64url", ...more })),
  },
  {
    id: "A32",
    title: "number of parts",
    tokens: shapes.map(([name, token]) => ({ name, token, jwks, expect: "not_compact" })),
  },
  {
    id: "A33",
    title: "huge token",
    tokens: [16_385, 1_048_576, 104_857_600].map((length) => ({
      name: `${length} characters`,
      token: aToken(es).padEnd(length, "A"),
      jwks,
      expect: "token_too_large",
    })),
  },
  {
    id: "A34",
    title: "deep JSON",
    tokens: [
      { name: "payload", token: withTexts(headerText, claimsWith(`"a":${nested(5000)}`)), ...joseAccepts },
      { name: "payload is the nest", token: withTexts(headerText, nested(5000)) },
      { name: "payload never closed", token: withTexts(headerText, '{"a":'.repeat(2000)) },
      { name: "header", token: withTexts(`{"a":${nested(5000)},${headerText.slice(1)}`, claimsText), ...joseAccepts },
    ].map((given): TokenCase => ({ ...given, jwks, expect: "json_too_deep" })),
  },
  {
    id: "A35",
    title: "names of the prototype",
    tokens: [
      '"__proto__":{"polluted":true,"admin":true}',
      '"constructor":{"prototype":{"polluted":true}}',
      '"toString":"x","hasOwnProperty":1,"valueOf":null',
    ].map((members) => ({
      name: members,
      token: withTexts(headerText, claimsWith(members)),
      jwks,
      expect: "accepted",
    })),
  },
  {
    id: "A36",
    title: "payload is no JSON object in UTF-8",
    tokens: [
      payloadOf("array", "[]", "malformed_claims"),
      payloadOf("string", '"x"', "malformed_claims"),
      payloadOf("number", "1", "malformed_claims"),
      payloadOf("null", "null", "malformed_claims"),
      payloadOf("byte order mark", `\uFEFF${claimsText}`, "json_not_utf8", joseAccepts),
      payloadOf("Latin-1", Buffer.from(claimsWith('"name":"\u00e9"'), "latin1"), "json_not_utf8"),
      payloadOf("overlong encoding", withBytes([0xc0, 0xaf]), "json_not_utf8"),
      payloadOf("encoded surrogate", withBytes([0xed, 0xa0, 0x80]), "json_not_utf8"),
      payloadOf("lone surrogate", claimsWith('"name":"\\ud800"'), "json_lone_surrogate", joseAccepts),
      payloadOf("lone surrogate as a name", claimsWith('"\\udc00":1'), "json_lone_surrogate", joseAccepts),
      payloadOf("not JSON", "foo", "json_malformed"),
      payloadOf("two values", `${claimsText}{}`, "json_malformed"),
    ],
  },
];

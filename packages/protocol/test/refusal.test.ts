import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenRefused, verifyJwt } from "../src/index.ts";
import { accessTokenRules, aKey, aToken, audience, issuer, keySetOf } from "./fixtures.ts";

const es = aKey("ES256");

async function refusalOf(changes: Parameters<typeof aToken>[1], rules = {}): Promise<TokenRefused> {
  const refusal = await verifyJwt(aToken(es, changes), keySetOf(es), { ...accessTokenRules, ...rules }).catch(
    (error: unknown) => error,
  );
  assert.ok(refusal instanceof TokenRefused);
  return refusal;
}

describe("TokenRefused: which values differ", () => {
  const other = "https://other.example.com";
  const rows: readonly {
    readonly id: string;
    readonly changes: Parameters<typeof aToken>[1];
    readonly rules?: object;
    readonly expected: readonly string[];
    readonly found: string;
    readonly detail: string;
  }[] = [
    {
      id: "the issuer",
      changes: { claims: { iss: `${issuer}/` } },
      expected: [issuer],
      found: `"${issuer}/"`,
      detail: `wrong_issuer: expected "${issuer}", found "${issuer}/"`,
    },
    {
      id: "the audience",
      changes: { claims: { aud: other } },
      rules: { audience: [audience, "b"] },
      expected: [audience, "b"],
      found: `"${other}"`,
      detail: `wrong_audience: expected "${audience}" or "b", found "${other}"`,
    },
    {
      id: "several audiences",
      changes: { claims: { aud: [other, "c"] } },
      expected: [audience],
      found: `["${other}","c"]`,
      detail: `wrong_audience: expected "${audience}", found ["${other}","c"]`,
    },
    {
      id: "the subject",
      changes: {},
      rules: { subject: "somebody" },
      expected: ["somebody"],
      found: '"user-1"',
      detail: 'wrong_subject: expected "somebody", found "user-1"',
    },
    {
      id: "the type",
      changes: { header: { typ: "JWT" } },
      expected: ["at+jwt"],
      found: '"JWT"',
      detail: 'wrong_type: expected "at+jwt", found "JWT"',
    },
    {
      id: "no type at all",
      changes: { header: { typ: undefined } },
      expected: ["at+jwt"],
      found: "nothing",
      detail: 'wrong_type: expected "at+jwt", found nothing',
    },
  ];
  for (const { id, changes, rules, expected, found, detail } of rows) {
    it(`says so of ${id}`, async () => {
      const refusal = await refusalOf(changes, rules);
      assert.deepEqual([refusal.expected, refusal.found], [expected, found]);
      const error = refusal.as("invalid_token");
      assert.equal(error.detail, detail);
      for (const shown of [refusal.message, error.message, JSON.stringify(error.data)]) {
        assert.ok(!shown?.includes(found), shown);
      }
    });
  }

  it("has none for other reasons", async () => {
    const refusal = await refusalOf({ claims: { exp: 1 } });
    assert.deepEqual([refusal.expected, refusal.found, refusal.difference], [undefined, undefined, ""]);
  });

  for (const [id, iss, shown] of [
    ["an escape", "\u001b[2Jx", '"\\u001b[2Jx"'],
    ["a line break", "a\nb", '"a\\nb"'],
    ["a control of C1", "a\u009bb", '"a\\u009bb"'],
    ["a turn of the writing direction", "a\u202eb", '"a\\u202eb"'],
    ["a line separator", "a\u2028b", '"a\\u2028b"'],
    ["a tag, which is invisible", "a\u{e0041}b", '"a\\u{e0041}b"'],
    ["letters of another script", "bücher.example", '"bücher.example"'],
  ] as const) {
    it(`shows ${id} in the issuer so that it steers nothing`, async () => {
      assert.equal((await refusalOf({ claims: { iss } })).found, shown);
    });
  }

  for (const [id, iss] of [
    ["letters", "x".repeat(10_000)],
    ["escapes", "\u0080".repeat(5000)],
    ["surrogate pairs", "😀".repeat(2000)],
    ["surrogate pairs off by one", `x${"😀".repeat(2000)}`],
  ] as const) {
    it(`bounds many ${id}, and cuts none in the middle`, async () => {
      const { found = "" } = await refusalOf({ claims: { iss } });
      assert.ok(found.length <= 200 && found.length > 190, String(found.length));
      assert.ok(found.isWellFormed());
      assert.match(found, /(x|\\u0080|😀)…$/u);
    });
  }
});

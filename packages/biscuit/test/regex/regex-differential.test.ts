import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Reference } from "./reference.ts";
import { fuzzRegex } from "./regex-fuzz.ts";
import { INVALID, VERDICTS } from "./verdicts.ts";

describe("compileRegex beside the reference implementation", () => {
  it("gives the same verdict on 500 random patterns and texts", async () => {
    const result = await fuzzRegex(20_261, 500);
    assert.deepEqual(result.divergences, []);
    assert.deepEqual(result.crashes, []);
    // Neither all invalid nor all without a match: otherwise the run would compare nothing.
    assert.ok(result.valid > 300 && result.matches > 100 && result.unsupported < 50, JSON.stringify(result));
  });

  it("is held to verdicts that the reference gives too", async () => {
    // Its regex-syntax 0.8.5 takes `!=` for `=`; later versions do not.
    const mended = "^\\p{gc!=Lu}$";
    const cases = [
      ...VERDICTS.flatMap(({ pattern, yes, no }) => [
        ...yes.map((text) => ({ pattern, text, expected: pattern !== mended })),
        ...no.map((text) => ({ pattern, text, expected: pattern === mended })),
      ]),
      ...INVALID.map((pattern) => ({ pattern: `(?:${pattern})?`, text: "", expected: false })),
    ];
    const verdicts = await new Reference().verdicts(cases);
    for (const [i, { pattern, text, expected }] of cases.entries()) {
      assert.equal(verdicts[i], expected, JSON.stringify({ pattern, text }));
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzzReference } from "./fuzz.ts";
import { fuzzMutants } from "./mutants.ts";

describe("Biscuit beside the reference implementation", () => {
  it("makes, reads and judges 1500 random tokens, texts and bytes alike", async () => {
    const { counts, divergences } = await fuzzReference(20_261_122, 1500);
    assert.deepEqual(divergences, []);
    const { token = {}, encoding = {}, text = {}, decoding = {} } = counts;
    // Most tokens are good, much text and most bytes are not: otherwise the run would compare nothing.
    assert.ok((token.order ?? 0) + (decoding.order ?? 0) <= 5, JSON.stringify(counts));
    assert.ok((token.agreed ?? 0) > 500 && (encoding.agreed ?? 0) > 120, JSON.stringify(counts));
    assert.ok(
      (text.agreed ?? 0) > 20 && (text.refused ?? 0) > 150 && (decoding.agreed ?? 0) > 5,
      JSON.stringify(counts),
    );
  });

  it("answers 3000 mutated tokens with a verdict or an error of its own, within its fuel", () => {
    const { refused, judged } = fuzzMutants(20_261_122, 3000);
    assert.ok(refused > 1000 && judged > 20, JSON.stringify({ refused, judged }));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { appraise, createFixture } from "../support/forge.ts";
import { ATTACKS } from "./attack-rows.ts";
import { SECTION_H } from "./section-h-rows.ts";

for (const [title, rows] of [
  ["what a library in wide use accepts", ATTACKS],
  ["section H: SGX and TDX evidence", SECTION_H],
] as const) {
  describe(title, async () => {
    const fixtures = { sgx: await createFixture("sgx"), tdx: await createFixture("tdx") };
    for (const { id, what, tee = "sgx", build, expect } of rows) {
      it(`${id}: ${what}: ${expect}`, async () => {
        const fixture = fixtures[tee];
        const appraisal = await appraise(fixture, await build(fixture));
        const codes = appraisal.reasons.map(({ code }) => code);
        if (expect === "accept") assert.deepEqual([appraisal.accepted, codes], [true, []]);
        else
          assert.deepEqual(
            [appraisal.accepted, codes.includes(expect)],
            [false, true],
            `refused for ${codes.join(", ")}`,
          );
      });
    }
  });
}

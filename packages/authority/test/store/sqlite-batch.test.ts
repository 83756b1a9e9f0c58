import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Operation, packUnits, type Unit, unpackUnits } from "../../src/store/sqlite-batch.ts";

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", ";", "1,2,3;", "\n", "\u0000"),
);
const maybeText: fc.Arbitrary<string | null> = fc.option(text);
const number: fc.Arbitrary<number | null> = fc.option(fc.integer({ min: -1e15, max: 1e15 }));
const kind = fc.constantFrom("write", "remove", "guard", "take", "note" as const);
const operation: fc.Arbitrary<Operation> = fc.tuple(kind, text, number, maybeText, number, maybeText);
const unit: fc.Arbitrary<Unit> = fc.array(operation, { minLength: 1, maxLength: 4 });

describe("packUnits", () => {
  it("loses nothing and takes no character for a border", () => {
    fc.assert(
      fc.property(fc.array(unit), (units) => {
        assert.deepEqual(unpackUnits(packUnits(units)), units);
      }),
    );
  });

  it("keeps instants that are fractions", () => {
    const fraction: Operation = ["write", "k", 0, null, 1.5e12 + 0.25, "{}"];
    assert.deepEqual(unpackUnits(packUnits([[fraction]])), [[fraction]]);
  });
});

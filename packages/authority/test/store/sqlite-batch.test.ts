import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Operation, packOperations, unpackOperations } from "../../src/store/sqlite-batch.ts";

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", ";", "1,2,3;", "\n", "\u0000"),
);
const maybeText: fc.Arbitrary<string | null> = fc.option(text);
const number: fc.Arbitrary<number | null> = fc.option(fc.integer({ min: -1e15, max: 1e15 }));
const operation: fc.Arbitrary<Operation> = fc.tuple(text, number, number, maybeText, number, maybeText);

describe("packOperations", () => {
  it("loses nothing and takes no character for a border", () => {
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        assert.deepEqual(unpackOperations(packOperations(operations)), operations);
      }),
    );
  });

  it("keeps instants that are fractions", () => {
    const fraction: Operation = ["k", 0, 1, null, 1.5e12 + 0.25, "{}"];
    assert.deepEqual(unpackOperations(packOperations([fraction])), [fraction]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import vectors from "../../../vectors/ed25519/points.json" with { type: "json" };
import { isEd25519Point } from "../src/ed25519-point.ts";

describe("isEd25519Point", () => {
  for (const { id, encoding, canonical, onCurve, smallOrder } of vectors.points) {
    it(`judges ${id}`, () => {
      assert.equal(isEd25519Point(Buffer.from(encoding, "hex")), canonical && onCurve && !smallOrder);
    });
  }

  it("refuses another length", () => {
    for (const length of [0, 31, 33, 64]) assert.equal(isEd25519Point(new Uint8Array(length).fill(3)), false);
  });
});

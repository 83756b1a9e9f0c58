import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { equalBytes } from "../../src/crypto/bytes.ts";

/** The same bytes, so far from the beginning of their buffer. */
function at(offset: number, bytes: Uint8Array): Uint8Array {
  const moved = new Uint8Array(offset + bytes.length).subarray(offset);
  moved.set(bytes);
  return moved;
}

describe("equalBytes", () => {
  for (const length of [0, 1, 31, 32, 127, 128, 129, 130, 131, 132, 255]) {
    it(`sees every bit of ${length} bytes, wherever they are in their buffers`, () => {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
      for (const [left, right] of [0, 1, 4].flatMap((one) => [0, 3, 8].map((other) => [one, other] as const))) {
        const [a, b] = [at(left, bytes), at(right, bytes)];
        assert.equal(equalBytes(a, b), true);
        for (let bit = 0; bit < 8 * length; bit++) {
          b[bit >> 3] = (b[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          assert.equal(equalBytes(a, b), false, `bit ${bit}, offsets ${left} and ${right}`);
          b.set(bytes);
        }
      }
    });
  }

  it("tells lengths apart", () => {
    assert.equal(equalBytes(new Uint8Array(200), new Uint8Array(204)), false);
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { sha256 } from "../src/encoding.ts";

const runtime = (text: string) => createHash("sha256").update(text).digest("base64url");

describe("sha256()", () => {
  it("is FIPS 180-4's, for every length of the last block", () => {
    for (let length = 0; length <= 200; length++) {
      const text = Array.from({ length }, (_, index) => String.fromCharCode(33 + ((index * length) % 94))).join("");
      assert.equal(sha256(text), runtime(text), `${length}`);
    }
  });

  it("takes text as UTF-8, and much of it", () => {
    for (const text of ["ä€😀", "\0", "x".repeat(1_000_000)]) assert.equal(sha256(text), runtime(text));
  });
});

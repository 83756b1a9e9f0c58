import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CborTag, type CborValue, readCbor } from "../../src/cbor/reader.ts";
import { writeCbor } from "../../src/cbor/writer.ts";
import { fromHex, toHex } from "../../src/encoding/text.ts";

/** From RFC 8949 appendix A. */
const EXAMPLES: readonly [hex: string, value: CborValue][] = [
  ["00", 0],
  ["17", 23],
  ["1818", 24],
  ["1903e8", 1000],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["20", -1],
  ["3863", -100],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["f7", undefined],
  ["4401020304", Uint8Array.of(1, 2, 3, 4)],
  ["62c3bc", "ü"],
  ["8301820203820405", [1, [2, 3], [4, 5]]],
  [
    "a26161016162820203",
    new Map<CborValue, CborValue>([
      ["a", 1],
      ["b", [2, 3]],
    ]),
  ],
  ["c11a514b67b0", new CborTag(1, 1_363_896_240)],
];

const REFUSED = {
  "a number not in its shortest form": "1800",
  "a length not in its shortest form": "580100",
  "a number past 2^53": "1bffffffffffffffff",
  "an indefinite byte string": "5f4101ff",
  "an indefinite list": "9f01ff",
  "a half-precision float": "f90000",
  "a double": "fb3ff0000000000000",
  "a simple value that is not known": "f0",
  "a key that comes twice": "a2616101616102",
  "a key that is a list": "a18001",
  "bytes after the end": "0000",
  "text that is not UTF-8": "61ff",
  "a string past the end": "45ff",
  "a list of more than there is": "9affffffff",
  "a map of more than there is": "baffffffff",
  "nesting without end": "81".repeat(100),
  nothing: "",
};

describe("readCbor", () => {
  for (const [hex, value] of EXAMPLES) {
    it(`reads and writes ${hex}`, () => {
      assert.deepEqual(readCbor(fromHex(hex, "a test"), "x"), value);
      assert.equal(toHex(writeCbor(value)), hex);
    });
  }

  for (const [what, hex] of Object.entries(REFUSED)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readCbor(fromHex(hex, "a test"), "x"), { name: "AttestationError" });
    });
  }
});

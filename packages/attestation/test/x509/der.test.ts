import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DerReader, readOne, TAG } from "../../src/der/reader.ts";
import {
  readBitString,
  readBoolean,
  readDefaultFalse,
  readInteger,
  readObjectId,
  readTime,
} from "../../src/der/values.ts";
import { boolean, der, integer, objectId, sequence, small, time } from "../../src/der/writer.ts";
import { fromHex, toHex } from "../../src/encoding/text.ts";

const hex = (text: string) => fromHex(text, "a test");
const reader = (text: string) => new DerReader(hex(text));
const refused = { name: "AttestationError", code: "der" };

const REFUSED: readonly [what: string, read: () => unknown][] = [
  ["an indefinite length", () => readOne(hex("30800000"), "x")],
  ["a length of one byte in the long form", () => readOne(hex("30810100"), "x")],
  ["a length with a leading zero", () => readOne(hex(`30820080${"00".repeat(128)}`), "x")],
  ["a length of four bytes", () => readOne(hex("308400000001"), "x")],
  ["a length past the end", () => readOne(hex("3002aa"), "x")],
  ["bytes after the end", () => readOne(hex("300000"), "x")],
  ["a tag of two bytes", () => readOne(hex("3f810100"), "x")],
  ["another tag", () => readOne(hex("3100"), "x")],
  ["nothing", () => readOne(hex(""), "x")],
  ["a negative integer", () => readInteger(reader("020180"), "x")],
  ["an integer of no bytes", () => readInteger(reader("0200"), "x")],
  ["an integer with a leading zero", () => readInteger(reader("02020001"), "x")],
  ["an integer of five bytes", () => readInteger(reader("02050102030405"), "x")],
  ["a boolean that is neither", () => readBoolean(reader("010101"), "x")],
  ["a default that is present", () => readDefaultFalse(reader("010100"), "x")],
  ["an object identifier with a leading 80", () => readObjectId(reader("0603550480"), "x")],
  ["an object identifier that starts an arc with 80", () => readObjectId(reader("0604558004aa"), "x")],
  ["an object identifier of no arc", () => readObjectId(reader("0600"), "x")],
  ["an object identifier that ends inside an arc", () => readObjectId(reader("060255ff"), "x")],
  ["an object identifier with an arc past 32 bits", () => readObjectId(reader("060655ffffffff7f"), "x")],
  ["a bit string with unused bits", () => readBitString(reader("03020780"), "x")],
  ["a bit string of nothing", () => readBitString(reader("0300"), "x")],
  ["the 30th of February", () => readTime(new DerReader(der(TAG.utcTime, Buffer.from("250230000000Z"))), "x")],
  ["a time without Z", () => readTime(new DerReader(der(TAG.utcTime, Buffer.from("2502010000000"))), "x")],
  [
    "a time with fractions",
    () => readTime(new DerReader(der(TAG.generalizedTime, Buffer.from("20250201000000.5Z"))), "x"),
  ],
  ["a time of another tag", () => readTime(reader("0c00"), "x")],
];

describe("the DER reader", () => {
  for (const [what, read] of REFUSED) {
    it(`refuses ${what}`, () => {
      assert.throws(read, refused);
    });
  }

  it("reads lengths of one, two and three bytes in their shortest form", () => {
    for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
      assert.equal(readOne(sequence(new Uint8Array(length)), "x").content.length, length);
    }
  });

  it("reads what the writer writes", () => {
    for (const value of [0, 1, 127, 128, 255, 256, 0xffffffff]) {
      const bytes = value > 0x7fffffff ? integer(hex("ffffffff")) : small(value);
      assert.equal(readInteger(new DerReader(bytes), "x"), value);
    }
    for (const id of ["1.2.840.113741.1.13.1.2.18", "2.23.133.5.4.9", "2.5.29.15", "0.6.9.42.840.113741.1337.6"]) {
      assert.equal(readObjectId(new DerReader(objectId(id)), "x"), id);
    }
    for (const year of [1950, 1999, 2000, 2049, 2050, 9999]) {
      const at = Date.UTC(year, 5, 7, 8, 9, 10);
      assert.equal(readTime(new DerReader(time(at)), "x"), at);
    }
    assert.deepEqual(
      [true, false].map((value) => readBoolean(new DerReader(boolean(value)), "x")),
      [true, false],
    );
    assert.equal(toHex(integer(hex("0080"))), "02020080");
  });
});

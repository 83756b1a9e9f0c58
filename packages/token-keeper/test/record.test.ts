import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createToken } from "@countersign/token-keeper";
import fc from "fast-check";
import { readAliriRecord, readRecord, writeRecord } from "../src/record.ts";

const token = createToken(
  { accessToken: "abc", idToken: "def", scope: ["r"] },
  { issuedAt: 1_000, lifetimeMs: 60_000 },
);
const text = writeRecord("key", { token, skewMs: 5 });

describe("readRecord()", () => {
  it("reads what writeRecord() wrote", () => {
    const record = readRecord("key", text);
    assert.deepEqual(writeRecord("key", { token: record?.token ?? token, skewMs: record?.skewMs }), text);
    assert.equal(record?.skewMs, 5);
  });

  it("I18 reads nothing from a text cut at any character", () => {
    for (let length = 0; length < text.length; length++)
      assert.equal(readRecord("key", text.slice(0, length)), undefined);
  });

  it("I18 reads either nothing or a well-formed record from a text with any bit flipped", () => {
    for (let bit = 0; bit < text.length * 8; bit++) {
      const bytes = Buffer.from(text);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const record = readRecord("key", bytes.toString());
      if (record !== undefined) assert.match(record.token.accessToken.reveal(), /^[\x21-\x7e]+$/);
    }
  });

  it("I18 I20 reads nothing of another key or version", () => {
    assert.equal(readRecord("other", text), undefined);
    assert.equal(readRecord("key", text.replace('"version":1', '"version":2')), undefined);
  });

  it("throws on no text whatever", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.constant(text).map((valid) => valid.replace("60", "-6e999")),
        ),
        (any) => {
          readRecord("key", any);
          readAliriRecord(any);
        },
      ),
    );
  });
});

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

  const damages: Record<string, object> = {
    "an instant beyond all dates": { issued_ms: -1.7e308 },
    "an expiry beyond all dates": { expiry_ms: 1.7e308 },
    "a type that is no header value": { token_type: "Bearer\r\nx-other: 1" },
    "a type of nothing": { token_type: "" },
  };
  for (const [name, damage] of Object.entries(damages)) {
    it(`I18 reads nothing from a record with ${name}`, () => {
      assert.equal(readRecord("key", JSON.stringify({ ...JSON.parse(text), ...damage })), undefined);
    });
  }

  it("I18 takes no skew beyond all dates, with which no instant could be reckoned", () => {
    const record = readRecord("key", JSON.stringify({ ...JSON.parse(text), skew_ms: -1.7e308 }));
    assert.deepEqual([record?.token.issuedAt, record?.skewMs], [1_000, undefined]);
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
          fc.constant(JSON.stringify({ access_token: "abc", issued: 0, stale: 0, expiry: 1e306 })),
        ),
        (any) => {
          readRecord("key", any);
          readAliriRecord(any);
        },
      ),
    );
  });
});

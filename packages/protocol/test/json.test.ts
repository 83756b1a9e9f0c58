import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isJsonObject, type JsonValue, parseJson, type RefusalReason, TokenRefused } from "../src/index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function outcome(input: Uint8Array, limits = {}): RefusalReason | "accepted" {
  try {
    parseJson(input, limits);
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof TokenRefused);
    return error.reason;
  }
}

/** With ordinary objects in place of those without a prototype, which `deepEqual` would tell apart. */
function plain(value: JsonValue): unknown {
  if (isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

const accepted = [
  "{}",
  "[]",
  "[[]]",
  '""',
  '"\\u0022\\\\\\/\\b\\f\\n\\r\\t"',
  '"\\ud834\\udd1e"',
  '"\u2028\u2029\u007f"',
  '"\\u0000"',
  '"\\uFEFF"',
  "0",
  "-0",
  "-1.5e+10",
  "1E-2",
  "123456789012345678901234567890",
  " \t\r\n[ 1 , 2 ] \n",
  '{"":0,"a":{"":[true,false,null]}}',
  '{"a":1,"A":1}',
];

const malformed = [
  "",
  " ",
  "{",
  "}",
  "[",
  "]",
  "[1,]",
  "[,1]",
  "[1 2]",
  "[1}",
  '{"a":1]',
  '{"a":1,}',
  '{,"a":1}',
  '{"a"}',
  '{"a":}',
  '{"a" 1}',
  "{a:1}",
  "{'a':1}",
  "{1:1}",
  "{[]:1}",
  '"',
  '"a',
  '"\\',
  '"\\"',
  '"\\x41"',
  '"\\u12"',
  '"\\u12G4"',
  '"\t"',
  '"\n"',
  '"\u0000"',
  "01",
  "+1",
  "-",
  "1.",
  ".5",
  "1e",
  "0x1",
  "1e400",
  "-1e400",
  "NaN",
  "Infinity",
  "-Infinity",
  "nul",
  "True",
  "truefalse",
  "true false",
  "{}{}",
  "[]]",
  "1 1",
  "// comment\n1",
  "[1/**/]",
  "\u00a0[]",
  "[]\u000b",
  "undefined",
];

describe("parseJson", () => {
  for (const text of accepted) {
    it(`accepts ${JSON.stringify(text)} as JSON.parse does`, () => {
      assert.deepEqual(plain(parseJson(bytes(text))), JSON.parse(text));
    });
  }

  for (const text of malformed) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(outcome(bytes(text)), "json_malformed"));
  }

  it("refuses invalid UTF-8, other encodings and a byte order mark", () => {
    const wrong = [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22],
      [0x22, 0xe2, 0x82, 0x22],
      [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
      [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00],
    ];
    for (const input of wrong) assert.equal(outcome(Uint8Array.from(input)), "json_not_utf8");
  });

  it("refuses lone surrogates in values and names", () => {
    for (const text of ['"\\ud800"', '"\\udc00\\ud800"', '{"\\udfff":1}', '["a\\ud800b"]']) {
      assert.equal(outcome(bytes(text)), "json_lone_surrogate");
    }
  });

  it("refuses duplicate members however they are written and wherever they are", () => {
    const duplicates = [
      '{"a":1,"a":1}',
      '{"a":1,"b":2,"\\u0061":3}',
      '[{"x":{"a":1,"a":2}}]',
      '{"__proto__":1,"__proto__":2}',
      '{"":1,"":2}',
      '{"1":1,"1":2}',
    ];
    for (const text of duplicates) assert.equal(outcome(bytes(text)), "json_duplicate_member");
  });

  it("gives objects that have only what was sent", () => {
    const value: unknown = parseJson(bytes('{"constructor":1,"__proto__":{"admin":true},"a":{"__proto__":null}}'));
    assert.deepEqual(Reflect.ownKeys(Object(value)), ["constructor", "a"]);
    assert.equal(Object.getPrototypeOf(value), null);
    assert.equal(Reflect.get({}, "admin"), undefined);
    assert.deepEqual(Reflect.ownKeys(Object.assign({}, value)), ["constructor", "a"]);
  });

  it("bounds bytes and depth, and depth costs no stack", () => {
    assert.equal(outcome(bytes("[1]"), { maxBytes: 3 }), "accepted");
    assert.equal(outcome(bytes("[12]"), { maxBytes: 3 }), "json_too_large");
    assert.equal(outcome(bytes("[1]"), { maxBytes: Number.NaN }), "json_too_large");
    assert.equal(outcome(bytes("[1]"), { maxDepth: Number.NaN }), "json_too_deep");
    assert.equal(outcome(bytes('{"a":[[]]}'), { maxDepth: 3 }), "accepted");
    assert.equal(outcome(bytes('{"a":[[]]}'), { maxDepth: 2 }), "json_too_deep");
    assert.equal(outcome(bytes("[".repeat(50_000)), { maxBytes: 1e6 }), "json_too_deep");
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    assert.equal(outcome(bytes(deep), { maxBytes: 1e6, maxDepth: 1e6 }), "accepted");
    assert.equal(outcome(bytes('{"a":'.repeat(100_000)), { maxBytes: 1e6, maxDepth: 1e6 }), "json_malformed");
  });

  it("reads back what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(text.isWellFormed() && !/\\ud[89a-f]/i.test(text) && !text.includes('"__proto__"'));
        assert.deepEqual(plain(parseJson(bytes(text))), JSON.parse(text));
      }),
    );
  });

  it("accepts nothing that JSON.parse refuses, and refuses with its own error only", () => {
    const pieces = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      '"',
      ":",
      ",",
      "\\",
      "\\u",
      "d800",
      "1",
      "-",
      "e",
      ".",
      "true",
      " ",
      "a",
      "\u0001",
      "é",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(pieces).map((parts) => parts.join("")),
        ),
        (text) => {
          if (outcome(bytes(text)) === "accepted") JSON.parse(text);
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => void outcome(input)),
      { numRuns: 2000 },
    );
  });
});

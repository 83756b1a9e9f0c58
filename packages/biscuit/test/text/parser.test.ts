import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Authorizer, BlockBuilder, DatalogError, datalog, PublicKey, Timestamp } from "@countersign/biscuit";
import { parseSource } from "../../src/text/parser.ts";
import { printAuthorizer, printTerm } from "../../src/text/printer.ts";

const holds = (expression: string): boolean =>
  new Authorizer(`check if ${expression}; allow if true;`).authorizeWithoutToken().allowed;

const wrong: readonly (readonly [source: string, message: RegExp, line: number, column: number])[] = [
  ["user(", /Expected a term, got the end of the text/, 1, 6],
  ["user();", /Expected at least one term in user\(\)/, 1, 1],
  ["user(1)\nuser(2);", /Expected ";" or "," to go on, got "user"/, 2, 1],
  ["user($x);", /Cannot use a variable in a fact/, 1, 6],
  ["f({0,});", /Expected a term, got "}"/, 1, 6],
  ["f({0: 1,});", /Expected a term, got "}"/, 1, 9],
  ["a() <- b($y);", /Expected at least one term in a\(\)/, 1, 1],
  ["a($x) <- b($x), $y;", /rule that no predicate of its body binds: \$y/, 1, 1],
  ["a($x) <- b($y);", /rule that no predicate of its body binds: \$x/, 1, 1],
  ["check if a($x), ;", /Expected a term, got ";"/, 1, 17],
  ["check if (1 < 2;", /Expected "\)" to close the parenthesis, got ";"/, 1, 16],
  ["check if 1 < 2 < 3;", /Expected ";" or "," to go on, got "<"/, 1, 16],
  ['check if "a".nope(1);', /Cannot find a method of this name: nope/, 1, 14],
  ["check if [1].any(true);", /Expected a parameter such as \$p/, 1, 18],
  ['check if "a".length(1);', /because \.length\(\) takes nothing/, 1, 21],
  ['a("unfinished', /Cannot find the end of this string/, 1, 3],
  ['a("\\t");', /the escapes that strings have/, 1, 5],
  ["a(9223372036854775808);", /outside 64 signed bits/, 1, 3],
  ["a(2020-02-30T00:00:00Z);", /date that does not exist/, 1, 3],
  ["a(hex:123);", /even number of hexadecimal digits/, 1, 3],
  ['a({1, "a"});', /Cannot mix types in a set/, 1, 7],
  ["a({{1, 2}, {3}});", /Cannot put a set into a set/, 1, 4],
  ["a({[2]: 1});", /keys are integers and strings/, 1, 4],
  ["check if a(1) trusting nobody;", /Expected authority, previous or a public key/, 1, 24],
  ["check if a(1) trusting ed25519/00;", /Cannot use the ed25519 key/, 1, 24],
  ["check all;", /Expected a term, got ";"/, 1, 10],
  ["allow all a(1);", /Expected "if" after allow/, 1, 1],
  [`a(${"[".repeat(60)}1${"]".repeat(60)});`, /Cannot nest terms deeper/, 1, 49],
  [`check if ${"(".repeat(3000)}1${")".repeat(3000)};`, /Cannot nest expressions deeper/, 1, 111],
  [`check if ${"!".repeat(3000)}true;`, /Cannot nest expressions deeper/, 1, 111],
  [`check if true${".try_or(true)".repeat(3000)};`, /Cannot nest expressions deeper/, 1, 1322],
];

describe("parseSource", () => {
  it("refuses text with a lone surrogate", () => {
    assert.throws(() => parseSource('f("\ud800");'), /lone surrogate/);
    assert.equal(parseSource('f("\u{1f600}");').facts.length, 1);
  });

  for (const [source, message, line, column] of wrong) {
    it(`says where and why ${JSON.stringify(source.slice(0, 40))} is wrong`, () => {
      assert.throws(
        () => parseSource(source),
        (error) => {
          assert.ok(error instanceof DatalogError);
          assert.match(error.message, message);
          assert.deepEqual([error.position?.line, error.position?.column], [line, column]);
          return true;
        },
      );
    });
  }

  const precedence: Readonly<Record<string, string>> = {
    "1 + 2 * 3 == 7": "(1 + (2 * 3)) == 7",
    "1 | 2 ^ 3 & 4 == 3": "((1 | 2) ^ (3 & 4)) == 3",
    "6 / 2 * 3 == 9": "((6 / 2) * 3) == 9",
    "10 - 3 - 2 == 5": "((10 - 3) - 2) == 5",
    "true || false && false": "true || (false && false)",
    "!false && true": "(!false) && true",
    '!1.type().contains("x")': '!(1.type().contains("x"))',
    "true &&!false": "true && (!false)",
    "false ||!false": "false || (!false)",
    "false||!true||!!true": "false || ((!true) || (!(!true)))",
    "1 -1 == 0": "(1 - 1) == 0",
    "1 - -1 == 2": "(1 - (-1)) == 2",
    "{1, 2}.contains(1) && [1, [2]].get(1).get(0) == 2": "true",
  };
  for (const [loose, explicit] of Object.entries(precedence)) {
    it(`reads ${loose} as ${explicit}`, () => {
      assert.ok(holds(loose));
      assert.ok(holds(explicit));
    });
  }

  it("reads the operand of ! as a whole sum, as the reference does", () => {
    const [check] = parseSource("check if !1 + 2;").checks;
    assert.deepEqual(
      check?.queries[0]?.expressions[0]?.map((op) => op.kind),
      ["value", "value", "binary", "unary"],
    );
  });

  it("tells parameters, sets and maps apart", () => {
    const printed = (text: string): string => printTerm(parseSource(`a(${text});`).facts[0]?.terms[0] ?? null);
    const forms = {
      "{,}": "{,}",
      "{}": "{}",
      "{ 2, 1, 2 }": "{1, 2}",
      "{true}": "{true}",
      "{hex:ab}": "{hex:ab}",
      "{p}": "{p}",
      '{"b": 1, 1: {2}}': '{1: {2}, "b": 1}',
    };
    for (const [source, result] of Object.entries(forms)) assert.equal(printed(source), result);
  });

  it("takes keywords in any case, comments anywhere, and no semicolon at the end", () => {
    const source = `/* one */ CHECK IF a(1) OR b(2); // two\nDeny If /* three */ c(3)`;
    assert.equal(printAuthorizer(parseSource(source)), "check if a(1) or b(2);\ndeny if c(3);\n");
  });

  it("reads dates with offsets and fractions, from 1970", () => {
    const [fact] = parseSource("a(2020-01-01T02:30:00.75+02:30, 1970-01-01T00:00:00Z, 9999-12-31T23:59:59Z);").facts;
    assert.deepEqual(fact?.terms, [new Timestamp(1577836800), new Timestamp(0), new Timestamp(253402300799)]);
    assert.throws(() => parseSource("a(1969-12-31T23:59:59Z);"), DatalogError);
  });

  // The official list of leap seconds (RFC 3339 appendix D) is not asked: any end of a month in UTC may have had one.
  const leaps: Readonly<Record<string, number | undefined>> = {
    "2016-12-31T23:59:60Z": 1483228799,
    "2016-12-31T23:59:60.9Z": 1483228799,
    "2017-01-01T01:29:60+01:30": 1483228799,
    "2016-12-31T18:29:60-05:30": 1483228799,
    "2020-02-29T23:59:60Z": 1583020799,
    "2020-02-28T23:59:60Z": undefined,
    "2016-12-31T22:59:60Z": undefined,
    "2017-01-01T00:59:60Z": undefined,
    "2016-12-31T23:59:61Z": undefined,
  };
  for (const [text, seconds] of Object.entries(leaps)) {
    it(`reads ${text} as ${seconds ?? "no date"}`, () => {
      if (seconds === undefined) assert.throws(() => parseSource(`a(${text});`), /date that does not exist/);
      else assert.deepEqual(parseSource(`a(${text});`).facts[0]?.terms, [new Timestamp(seconds)]);
    });
  }

  it("prints dates as toISOString does, and those without four-digit years as invalid", () => {
    for (let seconds = 0; seconds < 253_402_300_800; seconds += 12_345_679) {
      assert.equal(printTerm(new Timestamp(seconds)), new Date(seconds * 1000).toISOString().replace(".000", ""));
    }
    assert.equal(printTerm(new Timestamp(253402300799)), "9999-12-31T23:59:59Z");
    assert.equal(printTerm(new Timestamp(253402300800)), "<invalid date>");
    assert.equal(printTerm(new Timestamp(2n ** 63n - 1n)), "<invalid date>");
    assert.equal(printTerm(new Timestamp(2n ** 64n - 1n)), "1969-12-31T23:59:59Z");
    assert.equal(printTerm(new Timestamp(2n ** 64n - 62_167_219_200n)), "0000-01-01T00:00:00Z");
    assert.equal(printTerm(new Timestamp(2n ** 64n - 62_167_219_201n)), "<invalid date>");
  });
});

describe("parameters", () => {
  const key = PublicKey.parse("ed25519/1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284");

  it("fill terms inside values, map keys and scopes", () => {
    const block = new BlockBuilder().code(`a([{x}], {{k}: 1}, {{x}, 3}); check if b($v), $v == {x} trusting {key};`, {
      x: 2,
      k: "name",
      key,
    });
    assert.equal(block.toString(), `a([2], {"name": 1}, {2, 3});\ncheck if b($v), $v == 2 trusting ${key};\n`);
  });

  // JavaScript hands over what its types would forbid.
  const missing = undefined as unknown as string;
  const faults: readonly (readonly [name: string, build: () => unknown, code: string])[] = [
    ["a missing one", () => new BlockBuilder().code("a({x});"), "missing_parameter"],
    ["one that is nowhere", () => new BlockBuilder().code("a(1);", { x: 1 }), "unused_parameter"],
    ["one inside a string", () => datalog`a("${"x"}");`, "unused_parameter"],
    ["a key as a term", () => new BlockBuilder().code("a({x});", { x: key }), "invalid_value"],
    [
      "a term as a scope",
      () => new BlockBuilder().code("check if a(1) trusting {x};", { x: "previous" }),
      "invalid_value",
    ],
    ["undefined in a template", () => datalog`a(${missing});`, "missing_parameter"],
    ["a hole in an array", () => datalog`a(${new Array<number>(1)});`, "invalid_value"],
    ["an unsafe number", () => datalog`a(${2 ** 53});`, "invalid_value"],
    ["a fraction", () => datalog`a(${0.5});`, "invalid_value"],
    ["a lone surrogate", () => datalog`a(${"\ud800"});`, "invalid_value"],
    ["a mixed set", () => datalog`a(${new Set<string | number>([1, "a"])});`, "invalid_value"],
    ["a date before 1970", () => datalog`a(${new Date(-1)});`, "invalid_value"],
    ["an integer past 64 bits", () => datalog`a(${2n ** 63n});`, "invalid_value"],
  ];
  for (const [name, build, code] of faults) {
    it(`refuse ${name} as ${code}`, () => {
      assert.throws(build, (error) => error instanceof DatalogError && error.code === code);
    });
  }
});

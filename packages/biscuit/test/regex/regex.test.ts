import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Authorizer } from "@countersign/biscuit";
import { ExpressionError, LimitError } from "../../src/errors.ts";
import { Fuel } from "../../src/limits.ts";
import { compileRegex } from "../../src/regex/regex.ts";
import { caseVariants } from "../../src/regex/unicode.ts";
import { INVALID, UNSUPPORTED, VERDICTS } from "./verdicts.ts";

function matches(pattern: string, text: string): boolean | undefined {
  const fuel = new Fuel(1_000_000);
  return compileRegex(pattern, fuel)?.isMatch(text, fuel);
}

/** The fuel that compiling a pattern and searching a text use. */
function fuelOf(pattern: string, text: string): number {
  const fuel = new Fuel(100_000_000);
  compileRegex(pattern, fuel)?.isMatch(text, fuel);
  return fuel.limit - fuel.remaining;
}

describe("compileRegex", () => {
  for (const { pattern, yes, no } of VERDICTS) {
    it(`gives the verdicts of Rust's regex on ${JSON.stringify(pattern)}`, () => {
      for (const text of yes) assert.equal(matches(pattern, text), true, JSON.stringify(text));
      for (const text of no) assert.equal(matches(pattern, text), false, JSON.stringify(text));
    });
  }

  for (const pattern of INVALID) {
    it(`refuses ${JSON.stringify(pattern)}`, () => {
      assert.equal(matches(pattern, "a"), undefined);
    });
  }

  for (const pattern of UNSUPPORTED) {
    it(`fails on ${JSON.stringify(pattern)} and calls it neither valid nor invalid`, () => {
      const isUnsupported = (error: unknown) =>
        error instanceof ExpressionError && error.code === "unsupported_property";
      assert.throws(() => matches(pattern, "a"), isUnsupported);
      assert.throws(() => matches(`(?:${pattern})?`, ""), isUnsupported);
    });
  }

  it("nests 250 deep and no deeper, as Rust's regex-syntax does", () => {
    const nested = (depth: number) => `${"(".repeat(depth)}a${")".repeat(depth)}`;
    assert.equal(matches(nested(250), "a"), true);
    assert.equal(matches(nested(251), "a"), undefined);
    assert.equal(matches(`a${"*".repeat(250)}`, "a"), true);
    assert.equal(matches(`a${"*".repeat(251)}`, "a"), undefined);
    assert.equal(matches(`${"[".repeat(250)}a${"]".repeat(250)}`, "a"), true);
    assert.equal(matches(`${"[".repeat(251)}a${"]".repeat(251)}`, "a"), undefined);
  });

  it("survives nesting far beyond the limit", () => {
    const compile = (pattern: string) => compileRegex(pattern, new Fuel(100_000_000));
    for (const piece of ["(", "[", "(?i:", "a|(", "[a&&", "(?x)( "]) {
      assert.equal(compile(piece.repeat(100_000)), undefined, piece);
    }
    assert.equal(compile(`${"(".repeat(50_000)}${")".repeat(50_000)}`), undefined);
  });

  it("refuses what would be too large for Rust's regex, at about the same sizes", () => {
    const compiles = (pattern: string) => compileRegex(pattern, new Fuel(10_000_000)) !== undefined;
    assert.equal(compiles("(?:a{600000})?"), true);
    assert.equal(compiles("(?:a{700000})?"), false);
    assert.equal(compiles("\\w{350}"), true);
    assert.equal(compiles("\\w{450}"), false);
    assert.equal(compiles("(?:(){4294967295}){4294967295}"), true);
    assert.equal(compiles("((a{4294967295}){4294967295}){4294967295}"), false);
  });

  // The greatest counts that the reference compiles, measured.
  const counts: Readonly<Record<string, number>> = {
    "\\w": 388,
    "[\\w.-]": 388,
    "\\W": 418,
    "\\d": 3872,
    "\\D": 1544,
    "\\s": 29_120,
    "\\S": 10_300,
    "\\pL": 454,
    "\\PL": 452,
    "\\p{Uppercase_Letter}": 716,
    "\\p{Nd}": 3872,
    "\\P{Nd}": 1544,
    "\\p{Greek}": 8637,
    "\\p{sc=Han}": 5472,
    "\\p{Alphabetic}": 410,
    "[^\\P{L}]": 454,
    ".": 20_088,
    "[^a]": 20_088,
  };
  for (const [set, count] of Object.entries(counts)) {
    it(`takes ${set} about as often as the reference`, () => {
      const compiles = (pattern: string) => compileRegex(pattern, new Fuel(10_000_000)) !== undefined;
      assert.equal(compiles(`${set}{${Math.floor(count * 0.85)}}`), true);
      assert.equal(compiles(`${set}{1,${Math.ceil(count * 1.15)}}`), false);
    });
  }

  it("takes \\p{ascii} as often as a range", () => {
    assert.notEqual(compileRegex("\\p{ascii}{1,65536}", new Fuel(10_000_000)), undefined);
  });

  it("keeps no position between searches", () => {
    const fuel = new Fuel(10_000);
    const regex = compileRegex("a[bc]", fuel);
    assert.ok(regex);
    for (const expected of [true, true, true]) assert.equal(regex.isMatch("xxab", fuel), expected);
    assert.equal(regex.isMatch("xxb", fuel), false);
    assert.equal(regex.isMatch("ac", fuel), true);
  });
});

describe("fuel of compileRegex and isMatch", () => {
  /** Patterns that make engines with backtracking take exponential time, with texts that nearly match. */
  const BOMBS: readonly { pattern: string; text: (length: number) => string }[] = [
    { pattern: "^(a+)+$", text: (length) => `${"a".repeat(length)}!` },
    { pattern: "^(a|a)*$", text: (length) => `${"a".repeat(length)}!` },
    { pattern: "^(a|aa)+$", text: (length) => `${"a".repeat(length)}!` },
    { pattern: "(.*)*(.*)*(.*)*=", text: (length) => "x".repeat(length) },
    { pattern: "(?i)(\\w+\\s*)+:", text: (length) => "word ".repeat(length / 5) },
    { pattern: "a.{20}b", text: (length) => "a".repeat(length) },
    { pattern: "[ab]*a[ab]{12}!", text: (length) => "ab".repeat(length / 2) },
  ];
  for (const { pattern, text } of BOMBS) {
    it(`grows with the length of the text for ${pattern}`, () => {
      const [once, twice] = [fuelOf(pattern, text(1000)), fuelOf(pattern, text(2000))];
      assert.ok(twice < 2.2 * once, `${once} and ${twice}`);
    });
  }

  it("is the same for the first search and for every later one", () => {
    for (const pattern of ["a+b[cd]", "(?i)stra(?:ß|ss)e", "\\bword\\b", "plain"]) {
      const fuel = new Fuel(1_000_000);
      const regex = compileRegex(pattern, fuel);
      assert.ok(regex);
      const costs = Array.from({ length: 3 }, () => {
        const before = fuel.remaining;
        regex.isMatch("a word, Straße, aaab, plai", fuel);
        return before - fuel.remaining;
      });
      assert.deepEqual(new Set(costs).size, 1, `${pattern}: ${costs}`);
    }
  });

  it("is the same when more is remembered than fits", () => {
    const text = Array.from({ length: 30_000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join(
      "",
    );
    const fuel = new Fuel(100_000_000);
    const regex = compileRegex("[一-鿿]*!", fuel);
    const cost = () => {
      const before = fuel.remaining;
      assert.equal(regex?.isMatch(text, fuel), false);
      return before - fuel.remaining;
    };
    assert.equal(cost(), cost());
  });

  const isFuelError = (error: unknown) => error instanceof LimitError && error.code === "fuel";

  const COMPILING: readonly { id: string; pattern: string }[] = [
    { id: "a long pattern", pattern: "a".repeat(2000) },
    { id: "many properties", pattern: "\\pL".repeat(100) },
    { id: "counted repetitions of counted repetitions", pattern: "(?:(?:a{30}){30}){30}" },
  ];
  for (const { id, pattern } of COMPILING) {
    it(`ends the compilation of ${id}`, () => {
      assert.throws(() => compileRegex(pattern, new Fuel(10_000)), isFuelError);
    });
  }

  const SEARCHING: readonly { id: string; pattern: string; text: string }[] = [
    { id: "in a long text", pattern: "a+$", text: "b".repeat(20_000) },
    { id: "for long plain text", pattern: "a".repeat(4000), text: "a".repeat(400_000) },
    { id: "that goes many ways at once", pattern: "(?:a?){300}b", text: "a".repeat(200) },
  ];
  for (const { id, pattern, text } of SEARCHING) {
    it(`ends a search ${id}`, () => {
      const regex = compileRegex(pattern, new Fuel(100_000));
      assert.ok(regex);
      assert.throws(() => regex.isMatch(text, new Fuel(10_000)), isFuelError);
    });
  }
});

describe("caseVariants", () => {
  it("agrees with JavaScript's own case folding, and each variant names the others", () => {
    const equal = /^(.)\1$/isu;
    for (let code = 0; code <= 0x1ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const variants = caseVariants(code);
      if (variants.length === 1) continue;
      for (const variant of variants) {
        assert.ok(equal.test(String.fromCodePoint(code, variant)), `${code.toString(16)} ${variant.toString(16)}`);
        assert.equal(new Set([...variants, ...caseVariants(variant)]).size, variants.length, code.toString(16));
      }
    }
  });

  it("misses no variant among the cased letters", () => {
    const equal = /^(.)\1$/isu;
    const cased = /\p{Changes_When_Casemapped}|\p{Changes_When_Casefolded}/u;
    const byVariant = new Map<number, number>();
    for (let code = 0; code <= 0x1ffff; code++) {
      if ((code >= 0xd800 && code <= 0xdfff) || !cased.test(String.fromCodePoint(code))) continue;
      // Full mappings to several letters aside, the simple fold is what one of these two gives.
      const character = String.fromCodePoint(code);
      for (const mapped of [character.toLowerCase(), character.toUpperCase().toLowerCase()]) {
        const other = mapped.codePointAt(0) ?? 0;
        if (String.fromCodePoint(other) !== mapped || !equal.test(character + mapped)) continue;
        assert.ok(caseVariants(code).includes(other), `${code.toString(16)} ${other.toString(16)}`);
        byVariant.set(code, other);
      }
    }
    assert.ok(byVariant.size > 2000);
  });
});

describe(".matches()", () => {
  const verdict = (condition: string) => new Authorizer(`allow if ${condition};`).authorizeWithoutToken();

  it("is false for a pattern that is not valid, and true under !", () => {
    assert.equal(verdict(`"a".matches("(")`).allowed, false);
    assert.equal(verdict(`!"a".matches("(")`).allowed, true);
  });

  for (const property of ["age=6.0", "gcb=Extend", "wb=ALetter", "sb=Lower", "Nope"]) {
    it(`ends the evaluation on \\p{${property}}, so that negation does not allow`, () => {
      const pattern = `"a".matches("\\\\p{${property}}")`;
      for (const condition of [pattern, `!${pattern}`, `true || true, !${pattern}`]) {
        const decision = verdict(condition);
        assert.equal(decision.allowed, false);
        assert.equal(decision.error?.code, "unsupported_property", condition);
      }
      assert.equal(verdict(`${pattern}.try_or(true)`).allowed, true);
    });
  }
});

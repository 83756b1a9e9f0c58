import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Authorizer,
  Biscuit,
  BiscuitError,
  BlockBuilder,
  Datalog,
  fact,
  PublicKey,
  restoreSnapshot,
  SignatureCache,
  takeSnapshot,
} from "@countersign/biscuit";
import fc from "fast-check";
import type { AuthorizerContent, BlockContent } from "../src/datalog/model.ts";
import { SymbolTable } from "../src/datalog/symbols.ts";
import {
  compareTerms,
  inTextOrder,
  type Term,
  TermMap,
  TermSet,
  Timestamp,
  termKey,
  Variable,
} from "../src/datalog/term.ts";
import { encodeBlock, readBlock } from "../src/format/block-codec.ts";
import { parseSource } from "../src/text/parser.ts";
import { printBlock } from "../src/text/printer.ts";
import { anyCheck, anyFact, anyRule, anyTerm } from "./arbitrary.ts";
import { rootKey } from "./forge.ts";
import { readSample, readSamples, withoutSamples } from "./vectors.ts";

const seed = 20_261_122;

const anyBlock: fc.Arbitrary<BlockContent> = fc.record({
  facts: fc.array(anyFact, { maxLength: 3 }),
  rules: fc.array(anyRule, { maxLength: 2 }),
  checks: fc.array(anyCheck, { maxLength: 2 }),
  scopes: fc.constantFrom([], ["previous"] as const),
  context: fc.constant(undefined),
});

const isLeaf = (item: unknown): item is Term =>
  [Timestamp, Uint8Array, TermSet, TermMap].some((type) => item instanceof type);

/** Plain data in which two forms of one block are equal: every set and map is a text in one order. */
function comparable(item: unknown): unknown {
  if (item instanceof Variable) return `$${item.name}`;
  if (isLeaf(item)) return termKey(inTextOrder(item));
  if (Array.isArray(item)) return item.map(comparable);
  if (item === null || typeof item !== "object") return Object.is(item, -0) ? 0 : item;
  return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, comparable(value)]));
}

const canonical = ({ facts, rules, checks, scopes }: BlockContent): unknown =>
  comparable({ facts, rules, checks, scopes });

/** The same with the escapes of Datalog text in every string; names have nothing to escape. */
function escaped<T>(value: T): T;
function escaped(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n");
  if (value instanceof TermSet) return new TermSet(value.items.map(escaped));
  if (value instanceof TermMap) return new TermMap(value.entries.map(escaped));
  if (Array.isArray(value)) return value.map(escaped);
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, escaped(member)])) : value;
}

describe("Biscuit properties", () => {
  it("compareTerms is a total order that agrees with termKey", () => {
    fc.assert(
      fc.property(anyTerm, anyTerm, anyTerm, (a, b, c) => {
        const sign = (left: Term, right: Term): number =>
          Math.sign(compareTerms(inTextOrder(left), inTextOrder(right)));
        assert.equal(sign(a, b), -sign(b, a) + 0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) assert.ok(sign(a, c) <= 0);
        assert.equal(sign(a, b) === 0, termKey(inTextOrder(a)) === termKey(inTextOrder(b)));
      }),
      { seed, numRuns: 300 },
    );
  });

  it("parseSource gives back what printBlock writes, once strings are escaped", () => {
    fc.assert(
      fc.property(anyBlock, (block) => {
        assert.deepEqual(canonical(parseSource(printBlock(escaped(block)))), canonical(block));
      }),
      { seed, numRuns: 300 },
    );
  });

  it("readBlock gives back what encodeBlock wrote", () => {
    fc.assert(
      fc.property(anyBlock, (block) => {
        const { data, block: encoded } = encodeBlock(block, new SymbolTable());
        const read = readBlock(data, new SymbolTable(), undefined);
        assert.deepEqual(canonical(read), canonical(block));
        assert.equal(read.version, encoded.version);
        assert.deepEqual(encodeBlock(read, new SymbolTable()).data, data);
      }),
      { seed, numRuns: 300 },
    );
  });

  it("attenuation never grants more", () => {
    const content: AuthorizerContent = parseSource(`allow if read($x); allow if p($x), q($x); deny if x1($x);`);
    fc.assert(
      fc.property(anyBlock, anyBlock, fc.array(anyFact, { maxLength: 3 }), (authority, added, facts) => {
        const authorizer = new Authorizer(new Datalog(content), { externs: { f: () => true } });
        const builder = (block: BlockContent): Datalog => new Datalog({ ...block, policies: [] });
        const token = Biscuit.builder().code(builder(authority)).buildSync(rootKey);
        const narrow = token.attenuateSync(new BlockBuilder(builder(added)));
        const before = authorizer.authorize(token, { facts });
        const after = authorizer.authorize(narrow, { facts });
        if (after.allowed) assert.ok(before.allowed);
      }),
      { seed, numRuns: 150 },
    );
  });

  it("an evaluation restored from its snapshot decides alike", () => {
    fc.assert(
      fc.property(anyBlock, fc.array(anyFact, { maxLength: 3 }), (block, facts) => {
        const authorizer = new Authorizer(`allow if read($x); deny if p($x);`, { externs: { f: () => true } });
        const token = Biscuit.builder()
          .code(new Datalog({ ...block, policies: [] }))
          .buildSync(rootKey);
        const evaluation = authorizer.evaluate(token, { facts });
        const restored = restoreSnapshot(takeSnapshot(evaluation), { externs: { f: () => true } });
        assert.deepEqual(restored.decide().toRustJson(), evaluation.decide().toRustJson());
        assert.deepEqual(restored.dump(), evaluation.dump());
      }),
      { seed, numRuns: 100 },
    );
  });

  it("parse throws nothing but BiscuitError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          Biscuit.parse(bytes);
        } catch (error) {
          assert.ok(error instanceof BiscuitError, String(error));
        }
      }),
      { seed, numRuns: 1000 },
    );
  });

  it("parseSource throws nothing but BiscuitError", () => {
    const word = fc.constantFrom(
      ...'check if|all|allow|deny|reject|or|trusting|previous|a|$x|(|)|{|}|[|]|,|;|<-|->|.|1|-1|"s"|true|null|hex:ab|!|==|&&|||.any|.get|2020-01-01T00:00:00Z'.split(
        "|",
      ),
      " ",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        try {
          parseSource(words.join(" "));
        } catch (error) {
          assert.ok(error instanceof BiscuitError, String(error));
        }
      }),
      { seed, numRuns: 1000 },
    );
  });

  it("a value can never become syntax", () => {
    // The units of fast-check's own are counted out when they are first used, for more than a second.
    const any = fc.nat({ max: 0x10f7ff }).map((code) => String.fromCodePoint(code < 0xd800 ? code : code + 0x800));
    const unit = fc.oneof(any, fc.constantFrom(...'"\\(){}$,;\n\0'));
    fc.assert(
      fc.property(fc.string({ unit }), (value) => {
        const authorizer = new Authorizer(`user({value}); allow if user({value});`, { parameters: { value } });
        const evaluation = authorizer.evaluateWithoutToken();
        assert.deepEqual(evaluation.query("data($x) <- user($x)"), [{ name: "data", terms: [value] }]);
      }),
      { seed, numRuns: 100 },
    );
  });
});

async function isRefused(attempt: () => unknown): Promise<boolean> {
  try {
    await attempt();
    return false;
  } catch (error) {
    assert.ok(error instanceof BiscuitError, String(error));
    return true;
  }
}

describe("every byte of every official sample changed", { skip: withoutSamples }, () => {
  if (withoutSamples !== false) return;
  const samples = readSamples();
  const root = PublicKey.parse(`ed25519/${samples.root_public_key}`);
  for (const { filename, validations } of samples.testcases) {
    const isIntact = Object.values(validations).some(({ revocation_ids }) => revocation_ids.length > 0);
    if (!isIntact) continue;
    it(`${filename} is refused`, async () => {
      const bytes = readSample(filename);
      // Signatures that a change does not touch are verified once: here. One that extends the token makes it a beginning.
      const cache = new SignatureCache();
      const token = Biscuit.parse(bytes);
      await token.verify(root, { cache });
      if (!token.isSealed) await Biscuit.parse(token.attenuateSync("").toBytes()).verify(root, { cache });
      const accepted: number[] = [];
      for (const [i, byte] of bytes.entries()) {
        const changed = bytes.with(i, byte ^ (1 << (i % 8)));
        // The asynchronous way, which takes longer, every seventh time, so that it meets every bit too.
        const way = i % 7 === 0 ? "verify" : "verifySync";
        if (!(await isRefused(() => Biscuit.parse(changed)[way](root, { cache })))) accepted.push(i);
      }
      assert.deepEqual(accepted, []);
    });
  }
});

describe("fact", () => {
  it("takes every kind of value and gives it back", () => {
    const values = [
      1,
      2n ** 62n,
      "é",
      true,
      null,
      new Date(1_000_000_000_000),
      Uint8Array.of(1, 2),
      [1, "a"],
      new Set([1, 2]),
      new Map([["k", 1]]),
    ];
    const evaluation = new Authorizer("allow if true;").evaluateWithoutToken({ facts: [fact("f", ...values)] });
    const variables = values.map((_, i) => `$v${i}`).join(", ");
    assert.deepEqual(evaluation.query(`data(${variables}) <- f(${variables})`), [{ name: "data", terms: values }]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Biscuit,
  BlockBuilder,
  type BlockContent,
  type Op,
  PublicKey,
  type Term,
  TermMap,
  TermSet,
  Timestamp,
  Variable,
} from "@countersign/biscuit";
import { printBlock } from "../src/text/printer.ts";
import { rootKey, thirdKey } from "./forge.ts";
import { readSample, readSamples, withoutSamples } from "./vectors.ts";

interface WithBlocks {
  readonly blocks: readonly { readonly content: BlockContent }[];
}

const contents = ({ blocks }: WithBlocks): BlockContent[] => blocks.map(({ content }) => content);
const value = (term: Term): Op => ({ kind: "value", term });
const binary = (op: "==" | "||" | "+" | "starts_with" | "<"): Op => ({ kind: "binary", op });

describe("the content of blocks", () => {
  // A name that would be another statement if it were read from printed source.
  const name = 'alice") || true; admin("\\\n\u202e日本';
  const delegation = new BlockBuilder().code(
    `check if actor($a), $a == {name} || $a.starts_with({name} + ":"); check if time($t), $t < 2030-01-01T00:00:00Z;`,
    { name },
  );
  const authority = Biscuit.builder().code(`subject("alice"); group("staff");`).buildSync(rootKey);
  const block = authority.thirdPartyRequest().createBlockSync(thirdKey, delegation);
  const token = authority.appendThirdPartySync(thirdKey.publicKey, block);
  const unverified = Biscuit.parse(token.toBytes());
  const verified = unverified.verifySync(rootKey.publicKey);

  it("is the tree of each block, in its own symbols, whatever its strings hold", () => {
    const variable = new Variable("a");
    const [first, second] = unverified.blocks;
    assert.equal(second?.externalKey?.toString(), thirdKey.publicKey.toString());
    assert.deepEqual(first?.content.facts, [
      { name: "subject", terms: ["alice"] },
      { name: "group", terms: ["staff"] },
    ]);
    assert.deepEqual(second?.content.checks, [
      {
        kind: "check if",
        queries: [
          {
            head: { name: "query", terms: [] },
            body: [{ name: "actor", terms: [variable] }],
            expressions: [
              [
                value(variable),
                value(name),
                binary("=="),
                {
                  kind: "closure",
                  params: [],
                  ops: [value(variable), value(name), value(":"), binary("+"), binary("starts_with")],
                },
                binary("||"),
              ],
            ],
            scopes: [],
          },
        ],
      },
      {
        kind: "check if",
        queries: [
          {
            head: { name: "query", terms: [] },
            body: [{ name: "time", terms: [new Variable("t")] }],
            expressions: [[value(new Variable("t")), value(new Timestamp(1_893_456_000)), binary("<")]],
            scopes: [],
          },
        ],
      },
    ]);
  });

  it("is the same before and after verification", () => {
    assert.deepEqual(contents(unverified), contents(verified));
    assert.deepEqual(contents(verified), contents(token));
  });

  it("has rules, scopes, the context, and every kind of term", () => {
    const source =
      `a(1, 9007199254740993, "s", 2020-01-01T00:00:00Z, hex:0102, true, {1, 2}, null, [1, ["x"]], {"k": 1}); ` +
      `b($x) <- a($x), $x.extern::f(1) trusting previous, ${thirdKey.publicKey};`;
    const built = Biscuit.builder().code(source).context("for people").buildSync(rootKey);
    const [content] = contents(Biscuit.parse(built.toBytes()));
    assert.deepEqual(content?.facts[0]?.terms, [
      1,
      9_007_199_254_740_993n,
      "s",
      new Timestamp(1_577_836_800),
      Uint8Array.of(1, 2),
      true,
      new TermSet([1, 2]),
      null,
      [1, ["x"]],
      new TermMap([["k", 1]]),
    ]);
    assert.deepEqual(content?.rules[0]?.scopes, ["previous", { key: thirdKey.publicKey.toString() }]);
    assert.deepEqual(content?.rules[0]?.expressions, [
      [value(new Variable("x")), value(1), { kind: "binary", op: "extern", extern: "f" }],
    ]);
    assert.equal(content?.context, "for people");
  });

  it("is a copy down to the bytes", () => {
    const source =
      "a(hex:0102, [hex:03], {2, 1}); check if a($x, $y, $z), $y.any($p -> $p == hex:03) trusting previous;";
    const read = Biscuit.parse(Biscuit.builder().code(source).buildSync(rootKey).toBytes()).verifySync(
      rootKey.publicKey,
    );
    const before = read.blocks[0]?.source;
    const spoil = (part: unknown): void => {
      if (part instanceof Uint8Array) part.fill(255);
      else if (typeof part === "object" && part !== null) {
        for (const [key, inner] of Object.entries(part)) {
          spoil(inner);
          Reflect.set(part, key, "spoiled");
        }
      }
    };
    for (const content of contents(read)) spoil(content);
    assert.equal(read.blocks[0]?.source, before);
    assert.deepEqual(contents(read), contents(Biscuit.parse(read.toBytes())));
  });
});

describe("the content of the blocks of the official samples", { skip: withoutSamples }, () => {
  if (withoutSamples !== false) return;
  const { testcases, root_public_key } = readSamples();
  const root = PublicKey.parse(`ed25519/${root_public_key}`);
  const intact = testcases.filter(({ validations }) =>
    Object.values(validations).some(({ revocation_ids }) => revocation_ids.length > 0),
  );
  it("covers most of them", () => assert.ok(intact.length >= 32, String(intact.length)));

  for (const { filename, token } of intact) {
    it(`prints as the official source, verified or not: ${filename}`, () => {
      const unverified = Biscuit.parse(readSample(filename));
      const sources = token.map(({ code }) => code);
      assert.deepEqual(contents(unverified).map(printBlock), sources);
      assert.deepEqual(contents(unverified.verifySync(root)).map(printBlock), sources);
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SymbolTable } from "../../src/datalog/symbols.ts";
import { encodeBlock, readBlock } from "../../src/format/block-codec.ts";
import { readContainer } from "../../src/format/wrapper.ts";
import { parseSource } from "../../src/text/parser.ts";
import { printPredicate } from "../../src/text/printer.ts";
import { readSample, readSamples, withoutSamples } from "../vectors.ts";

describe("encodeBlock", () => {
  // The symbols of g and h come before those of f, and their order is not that of the alphabet.
  const ordered: Readonly<Record<string, string>> = {
    'f({{"zz": 1, "aa": 2}, {"aa": 2, "bb": 0}});': 'f({{"zz": 1, "aa": 2}, {"aa": 2, "bb": 0}})',
    'f({{"aa": 5, "zz": 0}, {"zz": 1, "aa": 2}});': 'f({{"zz": 0, "aa": 5}, {"zz": 1, "aa": 2}})',
    'f({{1: {"mm", "aa"}}, {1: {"zz", "aa"}}});': 'f({{1: {"zz", "aa"}}, {1: {"mm", "aa"}}})',
    'f({[{"aa": 1, "mm": 2}], [{"zz": 3, "aa": 4}]});': 'f({[{"zz": 3, "aa": 4}], [{"mm": 2, "aa": 1}]})',
  };
  for (const [source, written] of Object.entries(ordered)) {
    it(`sorts what is nested in a set by symbols too: ${written}`, () => {
      const { data } = encodeBlock(parseSource(`g("zz"); h("mm"); ${source}`), new SymbolTable());
      const [, , fact] = readBlock(data, new SymbolTable(), undefined).facts;
      assert.equal(printPredicate(fact ?? { name: "", terms: [] }), written);
    });
  }
});

describe("encodeBlock beside the reference", { skip: withoutSamples }, () => {
  if (withoutSamples !== false) return;
  // Sample 4 holds random bytes in the place of a block.
  const testcases = readSamples().testcases.filter(({ filename }) => filename !== "test004_random_block.bc");
  for (const { filename } of testcases) {
    it(`gives the bytes of the reference back for ${filename}`, () => {
      const { blocks } = readContainer(readSample(filename));
      const readTable = new SymbolTable();
      const writeTable = new SymbolTable();
      for (const { data, external } of blocks) {
        const key = external?.publicKey.toString();
        const block = readBlock(data, readTable, key);
        const table = key === undefined ? writeTable : new SymbolTable();
        assert.deepEqual(encodeBlock(block, table, key).data, Uint8Array.from(data));
      }
    });
  }
});

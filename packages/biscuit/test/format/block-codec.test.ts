import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SymbolTable } from "../../src/datalog/symbols.ts";
import { encodeBlock, readBlock } from "../../src/format/block-codec.ts";
import { readContainer } from "../../src/format/wrapper.ts";
import { readSample, readSamples, withoutSamples } from "../vectors.ts";

describe("encodeBlock", { skip: withoutSamples }, () => {
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

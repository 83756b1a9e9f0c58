import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [, ...sections] = readFileSync(join(root, "docs/glossary.md"), "utf8").split(/^## /m);

/** The rows of a section: word, what it is, where it comes from. */
const rowsOf = (section: string): string[][] =>
  section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

/** What a word is looked for by: in any case, its parts joined or not. */
const spelling = (word: string): RegExp => new RegExp(word.replaceAll("`", "").replace(/[ -]/g, "[ _-]?"), "i");

describe("docs/glossary.md", () => {
  it("has a table for each of these packages", () => {
    assert.deepEqual(
      sections.map((section) => /^`([\w-]+)`/.exec(section)?.[1]),
      ["token-keeper", "biscuit", "authority"],
    );
  });

  for (const section of sections) {
    const name = /^`([\w-]+)`/.exec(section)?.[1] ?? "";
    const rows = rowsOf(section);

    it(`says of every word of ${name} what it is and where it comes from, in the order of the alphabet`, () => {
      assert.ok(rows.length > 0);
      for (const row of rows) assert.ok(row.length === 3 && row.every((cell) => cell !== ""), row.join(" | "));
      const words = rows.map(([word = ""]) => word);
      assert.deepEqual(words, words.toSorted());
      assert.equal(new Set(words).size, words.length);
    });

    it(`lists no word that ${name} does not use`, () => {
      const files = globSync(`packages/${name}/src/**/*.ts`, { cwd: root });
      const text = files.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
      assert.deepEqual(
        rows.map(([word = ""]) => word).filter((word) => !spelling(word).test(text)),
        [],
      );
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseArguments } from "../src/arguments.ts";
import type { Command } from "../src/command.ts";
import { commands } from "../src/commands/index.ts";

const kid = "-FvQ5r8zq1cJ0s7f3m2Y6kQeW9xTn4uBhLpDgVaZtOE";
const twoDashes = "--vQ5r8zq1cJ0s7f3m2Y6kQeW9xTn4uBhLpDgVaZtOE";

const command: Command = {
  name: "thing show",
  summary: "A thing",
  positionals: [
    { name: "first", summary: "The first" },
    { name: "second", summary: "The second", required: false },
  ],
  options: {
    text: { kind: "text", summary: "A text" },
    list: { kind: "list", summary: "A list" },
    quick: { kind: "flag", summary: "A flag" },
  },
  run: async () => {},
};

function parsed(words: readonly string[]) {
  const given = parseArguments(command, words);
  return [given.text("first"), given.text("second"), given.text("text"), given.list("list"), given.flag("quick")];
}

describe("parseArguments: identifiers that begin with a dash", () => {
  const rows: readonly { readonly words: readonly string[]; readonly expect: readonly unknown[] }[] = [
    { words: [kid], expect: [kid, undefined, undefined, undefined, false] },
    { words: [twoDashes], expect: [twoDashes, undefined, undefined, undefined, false] },
    { words: ["a", kid, "--quick"], expect: ["a", kid, undefined, undefined, true] },
    { words: ["--quick", kid, twoDashes], expect: [kid, twoDashes, undefined, undefined, true] },
    { words: ["--text", kid, "a"], expect: ["a", undefined, kid, undefined, false] },
    { words: ["a", "--list", kid, "--list", twoDashes], expect: ["a", undefined, undefined, [kid, twoDashes], false] },
    { words: ["--quick", "--", "-x", "--quick"], expect: ["-x", "--quick", undefined, undefined, true] },
    { words: ["--text", "b", "--", kid], expect: [kid, undefined, "b", undefined, false] },
    { words: ["-"], expect: ["-", undefined, undefined, undefined, false] },
  ];
  for (const { words, expect } of rows) {
    it(`takes ${words.join(" ")}`, () => assert.deepEqual(parsed(words), expect));
  }

  it("takes a misspelt option for what it is, and says what to do with a short name", () => {
    assert.throws(() => parsed(["--quik"]), /unknown option: --quik/);
    assert.throws(() => parsed(["--a-long-option-that-nobody-knows", "a"]), /unknown option/);
    assert.throws(() => parsed(["-x"]), {
      hints: ["a first that begins with a dash stands after two: countersign thing show -- -x"],
    });
  });

  it("is so for every command that takes a word", () => {
    for (const row of commands.filter(({ positionals = [] }) => positionals.length > 0)) {
      const [{ name } = { name: "" }] = row.positionals ?? [];
      const words = (row.positionals ?? []).map(() => kid);
      assert.equal(parseArguments(row, words).text(name), kid, row.name);
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeFailure, usageFailure } from "../src/failure.ts";
import { createPrinter, legible, memberLines } from "../src/printer.ts";

function printed(options: {
  readonly isTTY?: boolean;
  readonly env?: Record<string, string>;
  readonly json?: boolean;
  readonly columns?: number;
}) {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  const stdout = { write, ...options };
  const printer = createPrinter({ stdout, stderr: { write }, env: options.env ?? {} }, options.json ?? false);
  printer.table(
    [
      { name: "é", tags: ["a", "b"] },
      { name: "long", tags: [] },
    ],
    { NAME: (row) => row.name, TAGS: (row) => row.tags },
  );
  return text;
}

const bold = "\u001b[1m";

describe("createPrinter", () => {
  it("aligns columns and marks empty cells", () => assert.equal(printed({}), "NAME  TAGS\né     a b\nlong  -\n"));

  it("prints headings bold on a terminal", () => assert.ok(printed({ isTTY: true }).startsWith(`${bold}NAME  TAGS`)));

  it("gives each cell a line where the terminal is narrower than the rows", () => {
    const narrow = printed({ isTTY: true, columns: 8, env: { NO_COLOR: "1" } });
    assert.equal(narrow, "NAME  é\nTAGS  a b\n\nNAME  long\nTAGS  -\n");
    assert.equal(printed({ isTTY: true, columns: 10, env: { NO_COLOR: "1" } }), printed({}));
  });

  it("uses no colour when NO_COLOR is set", () => {
    assert.ok(!printed({ isTTY: true, env: { NO_COLOR: "1" } }).includes(bold));
  });

  it("prints the rows as JSON for machines", () => {
    assert.deepEqual(JSON.parse(printed({ json: true, isTTY: true })), [
      { name: "é", tags: ["a", "b"] },
      { name: "long", tags: [] },
    ]);
  });
});

describe("legible", () => {
  it("lets no name move the cursor, turn the text or hide", () => {
    assert.equal(legible("a\u001b[2J\nb\u202ec\u200bd"), "a\ufffd[2J\ufffdb\ufffdc\ufffdd");
  });
});

describe("memberLines", () => {
  it("lets neither names nor values, however deep, move the cursor or turn the text", () => {
    const hostile = {
      "\u001b[2Ja": "b\u202e",
      list: ["c\u009b", { d: "\u009be" }],
      nested: { f: "\u202eg" },
      empty: [],
    };
    assert.deepEqual(memberLines(hostile), [
      "\ufffd[2Ja: b\ufffd",
      'list: c\ufffd {"d":"\ufffde"}',
      'nested: {"f":"\ufffdg"}',
      "empty: -",
    ]);
  });

  it("shows instants as dates, and spans with their unit", () => {
    assert.deepEqual(memberLines({ created_at: 1_700_000_000, access_token_ttl: 900, limit: 3 }), [
      "created_at: 2023-11-14T22:13:20Z",
      "access_token_ttl: 900 s",
      "limit: 3",
    ]);
  });
});

describe("describeFailure", () => {
  it("shows what somebody else wrote without what would act on a terminal", () => {
    assert.equal(describeFailure(new Error("EX\u001b[2J\nb\u202e")).text, "countersign: error: EX\ufffd[2J\nb\ufffd\n");
  });

  it("begins in lower case, one line a hint", () => {
    assert.deepEqual(describeFailure(usageFailure("Cannot do it", "do this", "or that")), {
      text: "countersign: error: cannot do it\ncountersign: hint: do this\ncountersign: hint: or that\n",
      exitCode: 2,
    });
  });

  it("is one line of JSON for machines", () => {
    const { text, exitCode } = describeFailure(usageFailure("Cannot do it", "do this"), true);
    assert.equal(exitCode, 2);
    assert.deepEqual(JSON.parse(text), { error: "cannot do it", hints: ["do this"] });
    assert.equal(text.indexOf("\n"), text.length - 1);
  });

  it("keeps names that are written in capitals", () => {
    assert.equal(describeFailure(new Error("EPERM: no")).text, "countersign: error: EPERM: no\n");
  });
});

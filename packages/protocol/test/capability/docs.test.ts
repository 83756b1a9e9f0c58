import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const repository = join(import.meta.dirname, "../../../..");

/** The examples of a page as one program, with what they say that they print. */
function program(page: string, after: string) {
  const text = readFileSync(join(repository, page), "utf8").split(after)[1] ?? "";
  const examples = [...text.matchAll(/```[jt]s\n([\s\S]*?)```/g)].map(([, code = ""]) => code).join("\n");
  const expected = [...examples.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value = ""]) => value);
  const code = examples.replace(/"(@countersign\/[^"]*)"/g, (_, name) => JSON.stringify(import.meta.resolve(name)));
  return {
    expected,
    code: `export const printed = [];\nconst console = { log: (v) => printed.push(String(v)) };\n${code}`,
  };
}

const pages: readonly (readonly [page: string, after: string, prints: number])[] = [
  ["docs/capability-tokens.md", "## One of each", 7],
  ["packages/protocol/README.md", "## Capability tokens", 1],
];

describe("examples of capability tokens", () => {
  for (const [page, after, prints] of pages) {
    it(`run and print what they say: ${page}`, async () => {
      const { code, expected } = program(page, after);
      assert.equal(expected.length, prints);
      const { printed } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
      assert.deepEqual(printed, expected);
    });
  }
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** The runnable fences of doc comments, without the comment's stars. */
function examplesOf(path: string): string[] {
  const fences = readFileSync(path, "utf8").matchAll(/^ \* ```ts run\n([\s\S]*?)^ \* ```$/gm);
  return [...fences].map(([, code = ""]) => code.replaceAll(/^ \* ?/gm, ""));
}

describe("the examples of doc comments", () => {
  it("all run", () => {
    const texts = globSync(`${src}/**/*.ts`).map((path) => readFileSync(path, "utf8"));
    const [tags, runnable] = [/^ *\* @example$/gm, /^ \* @example\n \* ```ts run$/gm].map((pattern) =>
      texts.flatMap((text) => [...text.matchAll(pattern)]),
    );
    assert.ok((runnable?.length ?? 0) >= 25, String(runnable?.length));
    assert.equal(runnable?.length, tags?.length);
  });

  for (const path of globSync(`${src}/**/*.ts`)) {
    for (const code of examplesOf(path)) {
      it(`${relative(src, path)} prints what its comments say`, () => {
        const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
        const args = ["-C", "@countersign/source", "--input-type=module-typescript", "--eval", code];
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: src, encoding: "utf8" });
        assert.equal(status, 0, stderr);
        assert.deepEqual(stdout.split("\n").filter(Boolean), expected);
      });
    }
  }
});

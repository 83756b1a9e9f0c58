import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

const packageFolder = join(import.meta.dirname, "..");
const readme = readFileSync(join(packageFolder, "README.md"), "utf8");

/** All examples as one program, for each goes on from the one before; imports come first and once. */
function program(): { readonly code: string; readonly expected: readonly string[] } {
  const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = ""]) => code).join("\n");
  const imports = examples.match(/^import .*$/gm) ?? [];
  const body = examples.replace(/^import .*$/gm, "");
  const expected = [...body.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value = ""]) => value);
  const code = `${imports.join("\n").replace(/"(@countersign\/biscuit[^"]*)"/g, (_, name) => JSON.stringify(import.meta.resolve(name)))}
export const printed = [];
const console = { log: (value) => printed.push(String(value)) };
${body}`;
  return { code, expected };
}

describe("README", () => {
  it("examples run and print what they say", async () => {
    const { code, expected } = program();
    assert.ok(expected.length >= 10);
    const { printed } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    assert.deepEqual(printed, expected);
  });

  it("examples take the time from the clock, so that a copy does not judge by a day gone by", () => {
    const examples = [...readme.matchAll(/```\w+\n([\s\S]*?)```/g)].map(([, code = ""]) => code).join("\n");
    assert.match(examples, /fact\("time", new Date\(\)\)/);
    assert.doesNotMatch(examples, /\b20\d\d-\d\d-\d\dT|new Date\("/);
  });

  it("command lines run, and the last one is allowed", (context) => {
    const folder = mkdtempSync(join(tmpdir(), "biscuit-readme-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const [, lines = ""] = /```sh\n(\(umask[\s\S]*?)```/.exec(readme) ?? [];
    const biscuit = `biscuit() { "${process.execPath}" -C @countersign/source "${join(packageFolder, "src/cli/main.ts")}" "$@"; }`;
    const { stdout, stderr, status } = spawnSync("sh", ["-euc", `${biscuit}\n${lines}`], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.deepEqual([stderr, status], ["", 0]);
    assert.match(stdout, /\nallowed: [^\n]*\n$/);
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { build } from "esbuild";
import { REASONS, STEPS } from "../src/index.ts";

const source = join(import.meta.dirname, "../src");

describe("README.md", () => {
  it("prints what it says that it prints", () => {
    const text = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    const [, code = ""] = /```ts run\n([\s\S]*?)```/.exec(text) ?? [];
    const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value]) => value);
    const folder = mkdtempSync(join(tmpdir(), "readme-"));
    try {
      const resolved = code.replace(
        /from "(@[^"]*)"/g,
        (_, name) => `from ${JSON.stringify(import.meta.resolve(name))}`,
      );
      writeFileSync(join(folder, "example.mts"), resolved);
      const flags = ["-C", "@countersign/source", join(folder, "example.mts")];
      const printed = execFileSync(process.execPath, flags, {
        encoding: "utf8",
        env: { ...process.env, NODE_NO_WARNINGS: "1" },
      });
      assert.deepEqual(printed.trim().split("\n"), expected);
      assert.equal(expected.length, 2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("what runs in browsers", () => {
  it("needs nothing of Node but what is behind /node", async () => {
    for (const entry of ["index.ts", "sources/index.ts", "simulated/index.ts"]) {
      const result = await build({
        entryPoints: [join(source, entry)],
        bundle: true,
        write: false,
        platform: "browser",
        format: "esm",
        logLevel: "silent",
      });
      assert.equal(result.errors.length, 0);
    }
    await assert.rejects(
      build({
        entryPoints: [join(source, "node.ts")],
        bundle: true,
        write: false,
        platform: "browser",
        logLevel: "silent",
      }),
    );
  });
});

describe("the tables", () => {
  it("say each thing once", () => {
    for (const table of [REASONS, STEPS]) assert.equal(new Set(Object.values(table)).size, Object.keys(table).length);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { commands } from "../src/commands/index.ts";
import { run } from "./script-world.ts";

async function scriptOf(shell: string): Promise<string> {
  const { exitCode, stdout } = await run(["completion", shell]);
  assert.equal(exitCode, 0);
  return stdout;
}

const missing = (shell: string) =>
  spawnSync(shell, ["--version"]).error === undefined ? false : `there is no ${shell} on this machine`;

describe("countersign completion", () => {
  const rows: readonly { readonly words: readonly string[]; readonly expect: readonly string[] }[] = [
    { words: ["countersign", "au"], expect: ["audit"] },
    { words: ["countersign", "k"], expect: ["keys"] },
    { words: ["countersign", "keys", "r"], expect: ["rotate", "revoke", "rewrap"] },
    { words: ["countersign", "keys", "convert", "--t"], expect: ["--to"] },
    { words: ["countersign", "serve", "--tls-k"], expect: ["--tls-key"] },
    { words: ["countersign", "serve", "--listen", "x", "--insec"], expect: ["--insecure-http"] },
    { words: ["countersign", "audit", "--fo"], expect: ["--follow"] },
  ];
  for (const { words, expect } of rows) {
    it(`bash completes ${words.join(" ")}`, { skip: missing("bash") }, async () => {
      const call = `${await scriptOf("bash")}
COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _countersign; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", call], { encoding: "utf8" });
      assert.equal(stderr, "");
      assert.deepEqual(stdout.trim().split("\n"), expect);
    });
  }

  for (const shell of ["zsh", "fish"]) {
    it(`${shell} reads its script`, { skip: missing(shell) }, async () => {
      const { status, stderr } = spawnSync(shell, ["-n"], { input: await scriptOf(shell), encoding: "utf8" });
      assert.equal(status, 0, stderr);
    });
  }

  for (const shell of ["bash", "zsh", "fish"]) {
    it(`${shell} knows every command and option of the table`, async () => {
      const script = await scriptOf(shell);
      const words = commands.flatMap(({ name, options = {} }) => [...name.split(" "), ...Object.keys(options)]);
      assert.deepEqual(
        words.filter((word) => !script.includes(word)),
        [],
      );
    });
  }
});

describe("countersign --help", () => {
  it("exists for every command and names its options", async () => {
    for (const { name, summary, options = {} } of commands) {
      const { exitCode, stdout } = await run([...name.split(" "), "--help"]);
      assert.equal(exitCode, 0);
      assert.ok(stdout.startsWith(summary), name);
      for (const option of Object.keys(options)) assert.ok(stdout.includes(`  --${option}`), `${name} ${option}`);
    }
  });
});

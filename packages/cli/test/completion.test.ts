import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

/** How each shell is made to tell what it would complete the last word to. */
const shells: Readonly<Record<string, (script: string, line: string) => readonly string[]>> = {
  bash(script, line) {
    const words = line.split(" ");
    const call = `${script}
COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; "$(complete -p \${COMP_WORDS[0]} | sed 's/.*-F \\([^ ]*\\).*/\\1/')"; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return linesOf(spawnSync("bash", ["--norc", "-c", call], { encoding: "utf8" }));
  },
  zsh(script, line) {
    const directory = mkdtempSync(join(tmpdir(), "countersign-zsh-"));
    try {
      writeFileSync(join(directory, "script"), script);
      const { stderr } = spawnSync("zsh", ["-f", "-c", zshSession, "zsh", line], {
        cwd: directory,
        encoding: "utf8",
        timeout: 20_000,
      });
      assert.equal(stderr, "");
      const found = readFileSync(join(directory, "found"), "utf8").split("\n");
      return [...new Set(found)].filter((word) => word !== "");
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
  fish(script, line) {
    const call = `${script}\ncomplete -C '${line}'`;
    const found = linesOf(spawnSync("fish", ["--no-config", "-c", call], { encoding: "utf8" }));
    return found.map((completion) => completion.split("\t")[0] ?? "");
  },
};

/** Only an interactive zsh completes: one on a terminal of its own, which writes down what it would have added. */
const zshSession = `
zmodload zsh/zpty
export TERM=xterm
zpty shell zsh -f -i
zpty -w shell 'autoload -Uz compinit; compinit -D -u; source ./script'
zpty -w shell 'compadd() { local -a found; builtin compadd -O found "$@"; print -rl -- $found >> found }'
zpty -w shell "PS1='re''ady> '"
zpty -r shell output '*ready> '
zpty -w -n shell "$1"$'\\t\\C-u'
zpty -w shell exit
while zpty -r shell output; do :; done
`;

function linesOf({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): readonly string[] {
  assert.equal(stderr, "");
  return stdout.trim().split("\n");
}

describe("countersign completion", () => {
  const rows: readonly { readonly line: string; readonly expect: readonly string[] }[] = [
    { line: "countersign aud", expect: ["audit"] },
    { line: "countersign k", expect: ["keys"] },
    { line: "countersign keys r", expect: ["revoke", "rewrap", "rotate"] },
    { line: "countersign keys convert --t", expect: ["--to"] },
    { line: "countersign serve --tls-k", expect: ["--tls-key"] },
    { line: "countersign serve --listen x --insec", expect: ["--insecure-http"] },
    { line: "countersign token get --insec", expect: ["--insecure-http"] },
    { line: "countersign audit --fo", expect: ["--follow"] },
    { line: "countersign keys rotate --algorithm E", expect: ["ES256", "EdDSA"] },
    { line: "countersign client create --assertion-audience issuer-", expect: ["issuer-or-token-endpoint"] },
    { line: "countersign client update --profile j", expect: ["jwt"] },
    { line: "countersign config ", expect: ["check"] },
    { line: "npx countersign aud", expect: ["audit"] },
    { line: "npx --no-install countersign keys convert --t", expect: ["--to"] },
  ];
  for (const [shell, complete] of Object.entries(shells)) {
    for (const { line, expect } of rows) {
      it(`${shell} completes ${line}`, { skip: missing(shell) }, async () => {
        assert.deepEqual(complete(await scriptOf(shell), line).toSorted(), expect);
      });
    }
  }

  for (const shell of Object.keys(shells)) {
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
      for (const option of Object.keys(options))
        assert.match(stdout, new RegExp(`^  (?:-., )?--${option}(?: |$)`, "m"), `${name} ${option}`);
    }
  });
});

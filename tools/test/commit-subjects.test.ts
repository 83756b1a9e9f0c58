import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const tool = fileURLToPath(new URL("../commit-subjects.mjs", import.meta.url));
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "subjects-"));
  folders.push(folder);
  return folder;
};

/** A repository whose default branch has a commit from before the rule, and the rule. */
let repository: string;

const git = (folder: string, ...args: string[]): string =>
  execFileSync(
    "git",
    ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "-C", folder, ...args],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
const commit = (subject: string): string => git(repository, "commit", "--allow-empty", "-qm", subject);

function addTool(folder: string): void {
  mkdirSync(join(folder, "tools"));
  copyFileSync(tool, join(folder, "tools/commit-subjects.mjs"));
}

beforeEach(() => {
  repository = newFolder();
  git(repository, "init", "-q", "-b", "main");
  commit("A subject from before the rule");
  addTool(repository);
  git(repository, "add", ".");
  commit("tools: judge subjects");
});

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** What the tool says in a folder. */
function judge(folder: string): { readonly status: number | null; readonly said: string } {
  const { status, stderr } = spawnSync(process.execPath, ["tools/commit-subjects.mjs"], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, said: stderr };
}

const good = ["core: issue a token", "http, node: end a connection", "bench/biscuit: measure", `a: ${"x".repeat(69)}`];
const bad = [
  "Issue a token",
  "core:issue a token",
  "core:",
  "Core: issue a token",
  `a: ${"x".repeat(70)}`,
  "fixup! core: a",
];

describe("npm run subjects", () => {
  it("passes what has an area and at most 72 characters", () => {
    git(repository, "switch", "-qc", "feature");
    for (const subject of good) commit(subject);
    assert.deepEqual(judge(repository), { status: 0, said: "" });
  });

  for (const subject of bad) {
    it(`refuses: ${subject}`, () => {
      git(repository, "switch", "-qc", "feature");
      commit(subject);
      commit("core: issue a token");
      const { status, said } = judge(repository);
      assert.equal(status, 1);
      assert.match(said, new RegExp(`^\\w+ ${subject}\n  `));
      assert.equal(said.split("\n").length, 3);
    });
  }

  it("does not judge what the default branch has", () => {
    commit("On main already");
    git(repository, "switch", "-qc", "feature");
    commit("core: issue a token");
    assert.equal(judge(repository).status, 0);
  });

  it("does not judge what is older than the rule", () => {
    git(repository, "branch", "-m", "feature");
    git(repository, "branch", "main", git(repository, "commit-tree", "-m", "Unrelated", "HEAD^{tree}").trim());
    assert.equal(judge(repository).status, 0);
  });

  it("judges against the remote's default branch before the local one", () => {
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD");
    commit("Not pushed yet");
    assert.equal(judge(repository).status, 1);
  });

  it("does not take what a shallow clone cannot see the history of for new", () => {
    commit("On main already");
    git(repository, "branch", "feature");
    commit("On main too");
    const shallow = newFolder();
    git(shallow, "clone", "-q", "--depth=1", "--no-single-branch", "--branch=feature", `file://${repository}`, ".");
    assert.deepEqual(judge(shallow), { status: 0, said: "" });
  });

  it("has nothing to judge in a shallow clone, and where there is no repository", () => {
    git(repository, "switch", "-qc", "feature");
    commit("First");
    commit("Second");
    const [shallow, exported] = [newFolder(), newFolder()];
    git(shallow, "clone", "-q", "--depth=1", "--branch=feature", `file://${repository}`, ".");
    addTool(exported);
    assert.deepEqual([shallow, exported].map(judge), [
      { status: 0, said: "" },
      { status: 0, said: "" },
    ]);
  });
});

// Judges the subjects of the commits that the default branch does not have yet: `area: what`, at most 72 characters.
// Commits older than this file are not judged. Without git or its history (an exported tree, a shallow clone) there is
// nothing to judge.
import { spawnSync } from "node:child_process";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const maxLength = 72;
const pattern = /^[a-z0-9][\w.-]*(?:[,/] ?[\w.-]+)*: \S/;

/** What git prints, or nothing when it fails. */
const git = (...args) => spawnSync("git", args, { encoding: "utf8" }).stdout?.trim() ?? "";

/** The first name of the default branch that is known here. */
const defaultBranch = () =>
  ["refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/heads/main"].find((name) =>
    git("rev-parse", "--verify", "--quiet", `${name}^{commit}`),
  );

/** The commits to judge, as `hash subject` lines. */
function commits() {
  const base = defaultBranch();
  if (base === undefined || git("rev-parse", "--is-shallow-repository") !== "false") return [];
  const file = relative(process.cwd(), fileURLToPath(import.meta.url));
  const rule = git("log", "--diff-filter=A", "--format=%H", "-1", "--", file);
  if (rule === "") return [];
  return git("log", "--no-merges", "--format=%h %s", `${base}..HEAD`, `^${rule}^@`).split("\n").filter(Boolean);
}

/** What is wrong with a subject; undefined when nothing is. */
function faultOf(subject) {
  if (!pattern.test(subject)) return "does not begin with an area and a colon (area: what)";
  return subject.length > maxLength ? `has ${subject.length} characters, more than ${maxLength}` : undefined;
}

for (const line of commits()) {
  const subject = line.slice(line.indexOf(" ") + 1);
  const fault = faultOf(subject);
  if (fault === undefined) continue;
  console.error(`${line}\n  ${fault}`);
  process.exitCode = 1;
}

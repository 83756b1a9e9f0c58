// Makes the next version of what the changesets say: node tools/version.mjs
// Changesets raises the versions of all packages, which are one group; their texts and what stands under "Unreleased"
// become the section of that version in CHANGELOG.md. Publishes and commits nothing.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const heading = "## Unreleased\n";
const changeset = fileURLToPath(import.meta.resolve("@changesets/cli/bin.js"));

function fail(message) {
  console.error(`countersign: error: ${message}`);
  process.exit(1);
}

/** A program that must succeed. */
function run(command, ...args) {
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) fail(`${command} ${args.join(" ")} failed: mend what it says above, and run this again`);
}

/** The texts of the changesets, by name of file. */
const texts = readdirSync(".changeset")
  .filter((name) => name.endsWith(".md") && name !== "README.md")
  .sort()
  .map((name) =>
    readFileSync(`.changeset/${name}`, "utf8")
      .replace(/^---\n[\s\S]*?\n---\n/, "")
      .trim(),
  );
if (texts.length === 0) fail("there is no changeset, so nothing to release: write one with npm run changeset");

const changelog = readFileSync("CHANGELOG.md", "utf8");
const at = changelog.indexOf(heading);
if (at === -1) fail(`CHANGELOG.md has no line "${heading.trim()}": put it where the next version belongs`);

run(process.execPath, changeset, "version");
const { version } = JSON.parse(readFileSync("packages/protocol/package.json", "utf8"));
const [before, after] = [changelog.slice(0, at), changelog.slice(at + heading.length)];
const next = after.search(/^## /m);
const [unreleased, older] = next === -1 ? [after, ""] : [after.slice(0, next), after.slice(next)];
const section = [unreleased.trim(), ...texts].filter(Boolean).join("\n");
writeFileSync("CHANGELOG.md", `${`${before}${heading}\n## ${version}\n\n${section}\n\n${older}`.trimEnd()}\n`);
run("npm", "install", "--package-lock-only", "--ignore-scripts", "--loglevel=error");
console.log(`${version}: see CHANGELOG.md`);

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const names = readdirSync(join(root, "packages"));
const { version: present }: { version: string } = JSON.parse(
  readFileSync(join(root, "packages/biscuit/package.json"), "utf8"),
);
/** What a minor change makes of the present version. */
const next = present.replace(/\.(\d+)\.\d+$/, (_, minor: string) => `.${Number(minor) + 1}.0`);
const folders: string[] = [];
let checkout: string;

/** The manifests of this checkout, with changes of the test's own. */
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "version-"));
  folders.push(checkout);
  for (const name of [
    "package.json",
    ".changeset/config.json",
    ...names.map((name) => `packages/${name}/package.json`),
  ])
    cpSync(join(root, name), join(checkout, name));
  writeFileSync(join(checkout, "package-lock.json"), "{}");
  mkdirSync(join(checkout, "bin"));
  writeFileSync(join(checkout, "bin/npm"), '#!/bin/sh\necho "$@" >>npm.log\n');
  chmodSync(join(checkout, "bin/npm"), 0o755);
  write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- Told before.\n\n## 0.1.0\n\n- The first.\n");
});

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const read = (file: string): string => readFileSync(join(checkout, file), "utf8");
const write = (file: string, text: string): void => writeFileSync(join(checkout, file), text);
const changeset = (name: string, bump: string, text: string): void =>
  write(`.changeset/${name}.md`, `---\n"@countersign/biscuit": ${bump}\n---\n\n${text}\n`);

function version(): { readonly status: number | null; readonly said: string } {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "tools/version.mjs")], {
    cwd: checkout,
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(checkout, "bin")}${delimiter}${process.env.PATH}` },
  });
  return { status, said: stderr };
}

/** The version of a package, and of what it wants of ours. */
function versionsOf(name: string): string[] {
  const { version, dependencies = {}, devDependencies = {} } = JSON.parse(read(`packages/${name}/package.json`));
  const wanted = Object.entries<string>({ ...dependencies, ...devDependencies });
  return [version, ...wanted.filter(([name]) => name.startsWith("@countersign/")).map(([, range]) => range)];
}

describe("npm run version-packages", () => {
  it("raises every package and moves every text to the changelog", () => {
    changeset("a-patch", "patch", "- A fault is mended.");
    changeset("b-minor", "minor", "- Something is new.\n- And more.");
    assert.deepEqual(version(), { status: 0, said: "" });
    assert.deepEqual([...new Set(names.flatMap(versionsOf))], [next]);
    assert.equal(
      read("CHANGELOG.md"),
      `# Changelog\n\n## Unreleased\n\n## ${next}\n\n- Told before.\n- A fault is mended.\n- Something is new.\n- And more.\n\n## 0.1.0\n\n- The first.\n`,
    );
    assert.deepEqual(readdirSync(join(checkout, ".changeset")), ["config.json"]);
    assert.equal(
      names.some((name) => existsSync(join(checkout, "packages", name, "CHANGELOG.md"))),
      false,
    );
    assert.match(read("npm.log"), /^install --package-lock-only /);
  });

  it("changes nothing where there is nothing to release", () => {
    const { status, said } = version();
    assert.equal(status, 1);
    assert.match(said, /no changeset/);
    assert.match(read("CHANGELOG.md"), /## Unreleased\n\n- Told before/);
  });

  it("changes nothing where the changelog has no place for it", () => {
    changeset("a", "minor", "- New.");
    write("CHANGELOG.md", "# Changelog\n");
    assert.equal(version().status, 1);
    assert.ok(existsSync(join(checkout, ".changeset/a.md")));
    assert.deepEqual([...new Set(names.flatMap(versionsOf))], [present]);
  });
});

describe("the changesets of this checkout", () => {
  const texts = readdirSync(join(root, ".changeset")).filter((name) => name.endsWith(".md"));

  for (const name of texts) {
    it(`name packages and are items of a list: ${name}`, () => {
      const text = readFileSync(join(root, ".changeset", name), "utf8");
      const [, head = "", body = ""] = /^---\n([\s\S]*?)\n---\n\n([\s\S]*)\n$/.exec(text) ?? [];
      assert.match(head, /^(?:"@countersign\/[a-z-]+": (?:patch|minor|major)\n?)+$/);
      assert.match(body, /^- /);
      assert.equal(
        body.split("\n").every((line) => /^(?:- | {2})\S/.test(line)),
        true,
        body,
      );
    });
  }
});

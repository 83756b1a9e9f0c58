// Publishes the packages of this checkout, what others depend on first: node tools/release.mjs [--dry-run]
// The command goes out twice, as @countersign/cli and under its plain name, so that `npx countersign` is ours. What is
// published already in this version is left out, so that a release that was broken off can be gone on with.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const isDry = process.argv.includes("--dry-run");
const order = ["biscuit", "attestation", "protocol", "authority", "token-keeper", "sdk", "cli"];
const plainName = "countersign";

const read = (path) => readFileSync(join(root, path), "utf8");
const manifests = order.map((name) => JSON.parse(read(`packages/${name}/package.json`)));
const [{ version, repository }] = manifests;

function fail(message) {
  console.error(`countersign: error: ${message}`);
  process.exit(1);
}

function npm(args, cwd, stdio = "inherit") {
  return spawnSync("npm", args, { cwd, stdio, encoding: "utf8", shell: process.platform === "win32" });
}

/** What would be published wrongly: every package in one version, which the changes describe, from where it says. */
function check() {
  const others = readdirSync(join(root, "packages")).filter((name) => !order.includes(name));
  if (others.length > 0) fail(`packages that are in no order: ${others.join(", ")}`);
  for (const manifest of manifests) {
    if (manifest.version !== version) fail(`${manifest.name} is ${manifest.version}, not ${version}`);
    for (const [name, wanted] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      if (name.startsWith("@countersign/") && wanted !== version) fail(`${manifest.name} wants ${name} ${wanted}`);
    }
  }
  const { GITHUB_REPOSITORY: here, GITHUB_REF_NAME: tag } = process.env;
  if (here !== undefined && repository.url !== `git+https://github.com/${here}.git`) {
    fail(`package.json says ${repository.url}, and this is ${here}: provenance would not match`);
  }
  if (isDry) return;
  if (tag !== `v${version}`) fail(`the tag is ${tag}, and the packages are ${version}`);
  if (!read("CHANGELOG.md").includes(`\n## ${version}\n`)) fail(`CHANGELOG.md has no section ${version}`);
}

const isPublished = (name) =>
  !isDry && npm(["view", `${name}@${version}`, "version"], root, "pipe").stdout.trim() === version;

function publish(name, folder) {
  if (isPublished(name)) return console.error(`${name}@${version} is published already`);
  const { status } = npm(["publish", ...(isDry ? ["--dry-run"] : [])], folder);
  if (status !== 0) fail(`cannot publish ${name}`);
}

/** The command's package, file by file, under its plain name. */
function publishPlain() {
  const folder = mkdtempSync(join(tmpdir(), "countersign-release-"));
  try {
    const { stdout, status } = npm(
      ["pack", "--silent", "--pack-destination", folder],
      join(root, "packages/cli"),
      "pipe",
    );
    if (status !== 0) fail("cannot pack the command");
    const tarball = join(folder, stdout.trim().split("\n").at(-1));
    spawnSync("tar", ["-xzf", tarball, "-C", folder], { stdio: "inherit" });
    const { scripts, devDependencies, ...manifest } = JSON.parse(
      readFileSync(join(folder, "package/package.json"), "utf8"),
    );
    const plain = { ...manifest, name: plainName };
    writeFileSync(join(folder, "package/package.json"), `${JSON.stringify(plain, undefined, 2)}\n`);
    publish(plainName, join(folder, "package"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

check();
for (const [at, name] of order.entries()) publish(manifests[at].name, join(root, "packages", name));
publishPlain();

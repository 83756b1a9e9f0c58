// Builds the package that npm packs, from nothing where there is nothing: a fresh clone included.
// Runs in the package's folder, as its `prepack`, on any Node from 20 up.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const name = basename(process.cwd());
const manifest = JSON.parse(readFileSync("package.json", "utf8"));

/** Whatever it prints goes to stderr: what `npm pack` prints is read by machines. */
function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** What an earlier build made of a source that is gone, or with other settings, would be published. */
function removeOrphans() {
  for (const file of filesIn("dist")) {
    const source = file.replace(/^dist/, "src").replace(/\.(d\.ts|js|js\.map)$/, ".ts");
    if (!basename(file).startsWith(".") && !existsSync(source)) rmSync(file);
  }
}

/**
 * `using` is optional: who compiles without ESNext.Disposable still needs its names in our types. The compiler drops such a
 * reference where it has the library anyhow.
 */
function nameLibraries() {
  for (const file of filesIn("dist").filter((path) => path.endsWith(".d.ts"))) {
    const text = readFileSync(file, "utf8");
    const line = '/// <reference lib="esnext.disposable" />\n';
    if (/Disposable\b|Symbol\.(asyncD|d)ispose/.test(text) && !text.startsWith(line)) writeFileSync(file, line + text);
  }
}

/** Types of packages that are modules alone. */
const typesOfModules = /^import type .+ from "jose"(?=;$)/gm;

/**
 * The way in for CommonJS: the same types below a package.json that says so, and for each entry a file that requires the
 * module. There is one copy of the code, however it was loaded. Node 20.19 and 22.12 can do it.
 */
function addCommonJs() {
  rmSync("dist/cjs", { recursive: true, force: true });
  for (const file of filesIn("dist").filter((path) => path.endsWith(".d.ts"))) {
    const copy = file.replace(/^dist/, "dist/cjs");
    mkdirSync(dirname(copy), { recursive: true });
    writeFileSync(copy, readFileSync(file, "utf8").replace(typesOfModules, '$& with { "resolution-mode": "import" }'));
  }
  writeFileSync("dist/cjs/package.json", '{ "type": "commonjs" }\n');
  for (const { require: way } of Object.values(manifest.exports)) {
    if (way === undefined) continue;
    const module = way.default.replace("./dist/cjs/", "");
    const up = "../".repeat(module.split("/").length);
    writeFileSync(way.default, `module.exports = require("${up}${module}");\n`);
  }
}

run("tools/install.mjs");
if (manifest.exports === undefined) {
  run("tools/bundle-cli.mjs");
} else {
  run("node_modules/typescript/bin/tsc", "-b", `packages/${name}`);
  removeOrphans();
  nameLibraries();
  addCommonJs();
}

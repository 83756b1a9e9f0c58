/**
 * Proves that the packed package installs and works alone: in this Node, in an older one where there is one, under an older
 * way of resolving types, and bundled for a browser, run where nothing of Node is.
 *
 *   node tools/consumer-token-keeper/check.mjs
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createContext, SourceTextModule } from "node:vm";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), "consumer-"));
const execute = promisify(execFile);
const run = async (command, args, cwd = folder) => {
  const { stdout, stderr } = await execute(command, args, { cwd }).catch((error) => {
    throw new Error(`${error.message}\n${error.stdout}`);
  });
  process.stderr.write(stderr);
  return stdout;
};

try {
  await run(join(root, "node_modules/.bin/tsc"), ["-b", "packages/token-keeper"], root);
  await run("npm", ["pack", "--silent", "--workspace", "packages/token-keeper", "--pack-destination", folder], root);
  for (const name of ["package.json", "consumer.ts", "browser.ts"]) cpSync(join(here, name), join(folder, name));
  // Its one dependency, from here: a machine without a network has it nowhere else.
  await run("npm", ["pack", "--silent", join(root, "node_modules/@noble/hashes"), "--pack-destination", folder], root);
  const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const install = ["install", "--silent", "--offline", "--no-audit", "--no-fund"];
  await run("npm", [...install, ...tarballs.map((name) => `./${name}`)]);

  const installed = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
  assert.deepEqual(installed, ["@countersign", "@noble"], "the package brings something more with it");
  assert.deepEqual(readdirSync(join(folder, "node_modules/@noble")), ["hashes"]);
  assert.deepEqual(readdirSync(join(folder, "node_modules/@countersign")), ["token-keeper"]);

  // Side by side: each takes one core for a second or so.
  const [, , lines] = await Promise.all([compile("nodenext", "nodenext"), compile("esnext", "bundler"), bundle()]);

  const expected = "Bearer abc fresh [redacted access token]\n";
  for (const node of [process.execPath, ...(process.env.OTHER_NODES ?? "").split(":").filter(Boolean)])
    assert.equal(await run(node, ["out/nodenext/consumer.js"]), expected);
  console.log(lines);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The consumer's program, types and all, as TypeScript resolves it in one of its ways. */
async function compile(module, moduleResolution) {
  const options = {
    target: "es2022",
    lib: "es2024,dom,dom.iterable",
    skipLibCheck: "false",
    types: "node",
    typeRoots: join(root, "node_modules/@types"),
    module,
    moduleResolution,
    outDir: `out/${module}`,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  await run(join(root, "node_modules/.bin/tsc"), ["--strict", ...args, "consumer.ts", "browser.ts"]);
}

/** The core alone, bundled as for a browser, and run. */
async function bundle() {
  const outfile = join(folder, "browser.mjs");
  const { metafile } = await build({
    entryPoints: [join(folder, "browser.ts")],
    outfile,
    bundle: true,
    minify: true,
    metafile: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
  });
  const printed = await runInBrowserLike(readFileSync(outfile, "utf8"));
  return `${printed}\nbrowser bundle: ${metafile.outputs[Object.keys(metafile.outputs)[0]].bytes} bytes`;
}

/** A realm with the web's globals and none of Node's. */
async function runInBrowserLike(code) {
  const lines = [];
  const web = {
    AbortController,
    AbortSignal,
    atob,
    btoa,
    clearTimeout,
    crypto,
    fetch,
    Headers,
    ReadableStream,
    Request,
    Response,
    setTimeout,
    TextDecoder,
    TextEncoder,
    URL,
    URLSearchParams,
  };
  const context = createContext({ ...web, performance, console: { log: (line) => lines.push(line) } });
  const module = new SourceTextModule(code, { context });
  await module.link(() => assert.fail("the bundle imports something"));
  await module.evaluate();
  assert.deepEqual(lines, ["Bearer abc"]);
  return lines.join();
}

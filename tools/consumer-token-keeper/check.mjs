/**
 * Proves that the packed package installs and works alone: in this Node, in an older one where there is one, under an older
 * way of resolving types, and bundled for a browser, run where nothing of Node is.
 *
 *   node tools/consumer-token-keeper/check.mjs
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createContext, SourceTextModule } from "node:vm";
import { build } from "esbuild";

const root = new URL("../..", import.meta.url).pathname;
const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), "consumer-"));
const run = (command, args, cwd = folder) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

try {
  run(join(root, "node_modules/.bin/tsc"), ["-b", "packages/token-keeper"], root);
  run("npm", ["pack", "--silent", "--workspace", "packages/token-keeper", "--pack-destination", folder], root);
  const packed = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  for (const name of ["package.json", "consumer.ts", "browser.ts"]) cpSync(join(here, name), join(folder, name));
  run("npm", ["install", "--silent", "--offline", "--no-audit", "--no-fund", `./${packed}`]);

  const installed = readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."));
  assert.deepEqual(installed, ["@countersign"], "the package brings something with it");
  assert.deepEqual(readdirSync(join(folder, "node_modules/@countersign")), ["token-keeper"]);

  const options = [
    "--strict",
    "--target",
    "es2022",
    "--lib",
    "es2024,dom,dom.iterable,esnext.disposable",
    "--skipLibCheck",
    "false",
  ];
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
  for (const [module, resolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    const args = [
      ...options,
      ...types,
      "--module",
      module,
      "--moduleResolution",
      resolution,
      "--outDir",
      "out",
      "consumer.ts",
      "browser.ts",
    ];
    run(join(root, "node_modules/.bin/tsc"), args);
  }

  const expected = "Bearer abc fresh [redacted access token]\n";
  assert.equal(run(process.execPath, ["out/consumer.js"]), expected);
  for (const node of (process.env.OTHER_NODES ?? "").split(":").filter(Boolean))
    assert.equal(run(node, ["out/consumer.js"]), expected);

  const bundle = join(folder, "browser.mjs");
  const { metafile } = await build({
    entryPoints: [join(folder, "browser.ts")],
    outfile: bundle,
    bundle: true,
    minify: true,
    metafile: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
  });
  console.log(await runInBrowserLike(readFileSync(bundle, "utf8")));
  console.log(`browser bundle: ${metafile.outputs[Object.keys(metafile.outputs)[0]].bytes} bytes`);
} finally {
  rmSync(folder, { recursive: true, force: true });
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

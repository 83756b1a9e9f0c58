/**
 * Runs the official samples on the packed package in every runtime and through every bundler that is at hand:
 *
 *   npm run runtimes
 *
 * Bun, Deno, Vite and webpack are installed from the registry for it; an older Node is the first other one on PATH, or
 * OTHER_NODE; the browser is `chromium` on PATH, or CHROMIUM.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { hasSamples, installPacked } from "./installed.mjs";

if (!hasSamples) throw new Error("Cannot find the official samples: set COUNTERSIGN_VECTORS");

const onPath = (name) =>
  (process.env.PATH ?? "")
    .split(":")
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file) && !file.includes("node_modules"));

const folder = installPacked();
const tools = mkdtempSync(join(tmpdir(), "consumer-tools-"));
const rows = [];

async function row(name, version, run) {
  try {
    const { passed, total, failures } = await run();
    rows.push({ name, version, samples: `${passed}/${total}`, result: failures.length === 0 ? "passed" : failures[0] });
  } catch (error) {
    rows.push({ name, version, samples: "-", result: String(error.message ?? error).slice(0, 200) });
  }
}

const output = (command, args) => execFileSync(command, args, { cwd: folder, encoding: "utf8" });
const version = (command) => output(command, ["--version"]).split("\n")[0].trim();
const program = (name, command, args = []) =>
  row(name, version(command), () => JSON.parse(output(command, [...args, "main.mjs"])));

/** Opens a bundle in the browser and waits for what its page sends. */
async function inBrowser(browser, bundle) {
  const code = readFileSync(bundle);
  const server = createServer();
  const result = new Promise((resolve) => {
    server.on("request", async (request, response) => {
      if (request.method === "POST") {
        let body = "";
        for await (const chunk of request) body += chunk;
        response.end();
        resolve(JSON.parse(body));
      } else if (request.url === "/bundle.js") response.setHeader("content-type", "text/javascript").end(code);
      else response.setHeader("content-type", "text/html").end('<script type="module" src="bundle.js"></script>');
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const profile = mkdtempSync(join(tmpdir(), "consumer-profile-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const url = `http://127.0.0.1:${server.address().port}/`;
  const child = spawn(browser, [...flags, ...quiet, `--user-data-dir=${profile}`, url], { stdio: "ignore" });
  const timeout = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("The page sent nothing within 60 seconds")), 60_000).unref();
  });
  try {
    return await Promise.race([result, timeout]);
  } finally {
    child.kill();
    await once(child, "exit");
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const bundlers = {
  async esbuild(out) {
    await build({ entryPoints: [join(folder, "page.mjs")], bundle: true, minify: true, format: "esm", outfile: out });
    return createRequire(import.meta.url)("esbuild/package.json").version;
  },
  async vite(out) {
    const require = createRequire(join(tools, "package.json"));
    const vite = await import(join(tools, "node_modules/vite/dist/node/index.js"));
    await vite.build({
      root: folder,
      configFile: false,
      logLevel: "error",
      build: {
        outDir: join(out, "../vite"),
        lib: { entry: join(folder, "page.mjs"), formats: ["es"], fileName: () => "page.js" },
      },
    });
    cpSync(join(out, "../vite/page.js"), out);
    return require("vite/package.json").version;
  },
  async webpack(out) {
    const require = createRequire(join(tools, "package.json"));
    const compiler = require("webpack")({
      mode: "production",
      entry: join(folder, "page.mjs"),
      output: { path: join(out, ".."), filename: "webpack.js" },
    });
    await new Promise((resolve, reject) => {
      compiler.run((error, stats) => {
        if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString("errors-only")));
        else resolve();
      });
    });
    return require("webpack/package.json").version;
  },
};

try {
  cpSync(join(import.meta.dirname, "package.json"), join(tools, "package.json"));
  execFileSync("npm", ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: tools });

  await program("Node", process.execPath);
  const older = process.env.OTHER_NODE ?? onPath("node");
  if (older !== undefined) await program("Node", older);
  await program("Bun", join(tools, "node_modules/@oven/bun-linux-x64/bin/bun"));
  await program("Deno", join(tools, "node_modules/.bin/deno"), ["run", "--allow-read", "--allow-env"]);
  const browser = process.env.CHROMIUM ?? onPath("chromium");
  mkdirSync(join(folder, "bundles"));
  for (const [name, bundle] of Object.entries(bundlers)) {
    const out = join(folder, "bundles", `${name}.js`);
    await row(`${name} bundle${browser ? " in Chromium" : ""}`, "", async () => {
      const used = await bundle(out);
      if (browser === undefined) return { passed: 0, total: 0, failures: [`${used} built it; no browser`] };
      return inBrowser(browser, out);
    });
    const last = rows.at(-1);
    if (browser !== undefined) last.version = version(browser);
  }
  console.table(rows);
  if (rows.some(({ result }) => result !== "passed")) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
  rmSync(tools, { recursive: true, force: true });
}

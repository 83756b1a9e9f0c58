// Judges the packages as they would be published, from their tarballs: publint reads exports and files, attw resolves the
// types as TypeScript does, a consumer of each way to import is compiled and run, every source map resolves, and the
// command runs with nothing beside it.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const packages = join(root, "packages");
const bin = (name) => join(root, "node_modules/.bin", name);
const problems = [];

/** Runs a program; what it says of a failure is a problem. */
async function run(what, command, args, options) {
  const { stdout } = await execute(command, args, options).catch((error) => {
    problems.push(`${what}: ${error.stdout ?? ""}${error.stderr ?? error.message}`);
    return { stdout: "" };
  });
  return stdout.trim();
}

/** Packs a package and unpacks the tarball into a folder. One after another: they are built of each other. */
async function unpack(name, tarballs, folder) {
  const packed = await run(`${name}: npm pack`, "npm", ["pack", "--silent", "--pack-destination", tarballs], {
    cwd: join(packages, name),
  });
  const tarball = join(tarballs, packed.split("\n").at(-1));
  mkdirSync(folder, { recursive: true });
  await run(`${name}: tar`, "tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
  return tarball;
}

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** What a package must say of itself to be published from here. */
function judgeManifest(
  name,
  { repository, keywords, publishConfig, license, description, dependencies, exports: ways },
) {
  const missing = Object.entries({ repository, keywords, publishConfig, license, description }).filter(([, it]) => !it);
  for (const [member] of missing) problems.push(`${name}: package.json has no ${member}`);
  for (const [way, { require }] of Object.entries(ways ?? {}))
    if (require === undefined) problems.push(`${name}: ${way} has no way in for CommonJS (require)`);
  if (name === "cli" && dependencies !== undefined) problems.push("cli: the command needs packages beside it");
}

/** A source map is worth its bytes when what it points to is there. */
function judgeSourceMaps(name, folder) {
  const files = readdirSync(folder, { recursive: true }).map(String);
  for (const file of files.filter((path) => path.endsWith(".map"))) {
    const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const lost = sources.filter((path, at) => !sourcesContent[at] && !existsSync(join(folder, dirname(file), path)));
    if (lost.length > 0) problems.push(`${name}: ${file} points to what is not packed: ${lost[0]}`);
  }
  const strays = files.filter((path) => /\.tsbuildinfo$|\.test\./.test(path));
  if (strays.length > 0) problems.push(`${name}: packs ${strays.join(", ")}`);
}

/** What is marked as internal is no promise to users, so their types must not have it. */
function judgeInternals(name, folder) {
  const types = readdirSync(folder, { recursive: true }).filter((path) => /\.d\.[cm]?ts$/.test(path));
  if (types.length === 0) problems.push(`${name}: packs no types`);
  for (const file of types.filter((path) => readFileSync(join(folder, path), "utf8").includes("@internal")))
    problems.push(`${name}: ${file} declares what is @internal: set stripInternal`);
}

/** Where the types of a peer that the consumer has to bring would be needed. */
const wantsPeer = new Set([
  "@countersign/token-keeper/dynamodb",
  "@countersign/biscuit/noble",
  "@countersign/sdk/hono",
  "@countersign/sdk/express",
  "@countersign/sdk/fastify",
]);

/** Every way in, in one program: it prints how many names it found behind each. */
function consumerOf(specifiers) {
  const imports = specifiers.map((specifier, at) => `import * as m${at} from "${specifier}";`);
  const names = specifiers.map((_, at) => `Object.keys(m${at}).length`);
  return `${imports.join("\n")}\nconsole.log(JSON.stringify([${names.join(", ")}]));\n`;
}

/** How consumers resolve types. None has ESNext.Disposable, and none skips the check of our declarations. */
const consumers = [
  { file: "common.cts", module: "node16", moduleResolution: "node16", runs: "common.cjs" },
  { file: "module.mts", module: "node16", moduleResolution: "node16", runs: "module.mjs" },
  { file: "bundled.ts", module: "esnext", moduleResolution: "bundler" },
];

async function judgeConsumers(folder, specifiers) {
  const common = ["--ignoreConfig", "--strict", "--skipLibCheck", "false", "--types", "node", "--target", "es2022"];
  const lib = ["--lib", "es2024,dom,dom.iterable", "--outDir", "out"];
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }');
  for (const { file, module, moduleResolution, runs } of consumers) {
    writeFileSync(join(folder, file), consumerOf(specifiers));
    const ways = ["--module", module, "--moduleResolution", moduleResolution];
    await run(`${file}: types`, bin("tsc"), [...common, ...lib, ...ways, file], { cwd: folder });
    if (runs === undefined) continue;
    const printed = await run(`${file}: run`, process.execPath, [join("out", runs)], { cwd: folder });
    const counts = printed === "" ? [0] : JSON.parse(printed);
    if (counts.includes(0)) problems.push(`${file}: finds nothing in one of ${specifiers.join(", ")}: ${printed}`);
  }
}

/** The command where nothing else is installed, above it neither. */
async function judgeCommand(tarballs) {
  const alone = join(tarballs, "alone");
  const tarball = await unpack("cli", tarballs, alone);
  const command = join(alone, manifestOf(alone).bin.countersign);
  const version = await run("cli: alone", process.execPath, [command, "--version"], { cwd: alone });
  if (!version.startsWith("countersign ")) problems.push(`cli: alone it says: ${version}`);
  await run("cli: alone", process.execPath, [command, "init", "made.toml"], { cwd: alone });
  return tarball;
}

const tarballs = mkdtempSync(join(tmpdir(), "countersign-packages-"));
// Below this workspace, so that what a package depends on is found, and above all else its own tarball.
mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
const consumer = mkdtempSync(join(root, "node_modules/.cache/consumer-"));
try {
  const names = readdirSync(packages);
  const specifiers = [];
  for (const name of names) {
    const folder = join(consumer, "node_modules/@countersign", name);
    const tarball = name === "cli" ? await judgeCommand(tarballs) : await unpack(name, tarballs, folder);
    const manifest = manifestOf(name === "cli" ? join(tarballs, "alone") : folder);
    judgeManifest(name, manifest);
    await run(`${name}: publint`, bin("publint"), ["--strict", tarball]);
    if (name === "cli") continue;
    judgeSourceMaps(name, folder);
    judgeInternals(name, folder);
    await run(`${name}: attw`, bin("attw"), ["--profile", "node16", "--format", "ascii", "--no-color", tarball]);
    specifiers.push(...Object.keys(manifest.exports).map((way) => manifest.name + way.slice(1)));
  }
  await judgeConsumers(
    consumer,
    specifiers.filter((specifier) => !wantsPeer.has(specifier)),
  );
  for (const problem of problems) console.error(problem);
  console.log(`${names.length} packages, ${problems.length === 0 ? "nothing" : "something"} wrong with them`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  rmSync(tarballs, { recursive: true });
  rmSync(consumer, { recursive: true });
}

// Judges the packages as they would be published, from their tarballs: publint reads exports and files, attw resolves the
// types as TypeScript does. Both are strict; CommonJS is left out, as the packages are ES modules alone.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const judges = { publint: ["--strict"], attw: ["--profile", "esm-only", "--format", "ascii", "--no-color"] };

/** What is wrong with a package, in the words of its judges. */
async function problemsOf(name, directory) {
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", directory], {
    cwd: join(packages, name),
  });
  const tarball = join(directory, stdout.trim().split("\n").at(-1));
  const problems = [];
  for (const [judge, flags] of Object.entries(judges)) {
    await run(judge, [...flags, tarball]).catch((error) => problems.push(`${judge}: ${error.stdout}${error.stderr}`));
  }
  return problems;
}

const directory = mkdtempSync(join(tmpdir(), "countersign-packages-"));
try {
  const names = readdirSync(packages);
  const problems = (await Promise.all(names.map((name) => problemsOf(name, directory)))).flat();
  for (const problem of problems) console.error(problem);
  console.log(`${names.length} packages, ${problems.length === 0 ? "nothing" : "something"} wrong with them`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true });
}

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const vectors = join(process.env.COUNTERSIGN_VECTORS ?? join(root, "../shared/vectors"), "biscuit");

/** Whether the official samples are at hand. */
export const hasSamples = existsSync(join(vectors, "samples.json"));

function sampleData() {
  // The samples hold 2^64 - 1, but only in the worlds, which are not compared here.
  const { root_public_key, testcases } = JSON.parse(readFileSync(join(vectors, "samples.json"), "utf8"));
  const validations = testcases.flatMap(({ filename, validations }) =>
    Object.entries(validations).map(([name, { result, authorizer_code, revocation_ids }]) => ({
      name: `${filename} ${name}`,
      token: readFileSync(join(vectors, filename)).toString("base64"),
      validation: { result, authorizer_code, revocation_ids },
    })),
  );
  return { root: root_public_key, validations };
}

/** Packs the package, and installs it from the tarball in a folder of its own, without any network. */
export function installPacked() {
  const folder = mkdtempSync(join(tmpdir(), "consumer-biscuit-"));
  const run = (command, args, cwd) =>
    execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", "packages/biscuit"], root);
  run("npm", ["pack", "--silent", "--workspace", "packages/biscuit", "--pack-destination", folder], root);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  for (const name of ["samples.mjs", "main.mjs", "page.mjs"])
    cpSync(join(import.meta.dirname, name), join(folder, name));
  writeFileSync(
    join(folder, "data.mjs"),
    `export default ${JSON.stringify(hasSamples ? sampleData() : { root: "", validations: [] })};`,
  );
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run("npm", ["install", "--silent", "--offline", "--no-audit", "--no-fund", `./${tarball}`], folder);
  return folder;
}

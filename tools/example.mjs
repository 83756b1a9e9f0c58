// Runs one example: npm run example 02-confidential-client
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { parse } from "node:path";
import { fileURLToPath } from "node:url";

const folder = new URL("../examples/", import.meta.url);
const examples = readdirSync(folder).filter((file) => /\.(ts|sh)$/.test(file));
const file = examples.find((name) => name === process.argv[2] || parse(name).name === process.argv[2]);
if (file === undefined) {
  console.error(
    `usage: npm run example NAME\n\nexamples:\n${examples.map((name) => `  ${parse(name).name}`).join("\n")}`,
  );
  process.exit(2);
}
const path = fileURLToPath(new URL(file, folder));
const [program, ...args] = file.endsWith(".sh") ? ["sh", path] : [process.execPath, "-C", "@countersign/source", path];
const { status } = spawnSync(program, args, { stdio: "inherit" });
process.exit(status ?? 1);

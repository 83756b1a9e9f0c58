// Runs one example on the TypeScript sources: npm run example 02-confidential-client
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const folder = new URL("../examples/", import.meta.url);
const examples = readdirSync(folder).filter((file) => file.endsWith(".ts"));
const file = examples.find((name) => name === process.argv[2] || name === `${process.argv[2]}.ts`);
if (file === undefined) {
  console.error(
    `usage: npm run example NAME\n\nexamples:\n${examples.map((name) => `  ${name.slice(0, -3)}`).join("\n")}`,
  );
  process.exit(2);
}
const { status } = spawnSync(process.execPath, ["-C", "@countersign/source", new URL(file, folder).pathname], {
  stdio: "inherit",
});
process.exit(status ?? 1);

import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whether the compiler takes a file as it stands in the tree. A tree without `tsconfig.base.json` has no compiler. */
export function compiles(tree: string, file: string): boolean {
  if (!existsSync(join(tree, "tsconfig.base.json"))) return true;
  const project = join(tree, "tsconfig.mutant.json");
  writeFileSync(project, JSON.stringify({ extends: "./tsconfig.base.json", compilerOptions, files: [file] }));
  const { status } = spawnSync(join(tree, "node_modules/.bin/tsc"), ["-p", project], { stdio: "ignore" });
  return status === 0;
}

/** What a mutant leaves unused is no fault of its types. */
const compilerOptions = {
  types: ["node"],
  noEmit: true,
  composite: false,
  declaration: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
  rootDir: ".",
};

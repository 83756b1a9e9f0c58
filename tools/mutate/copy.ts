import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, sep } from "node:path";

const leftOut = new Set(["node_modules", ".git", "dist", "bundle", "data", ".dev-data", "coverage"]);

/** Copies a tree to a temporary directory; what is installed is linked, and our own packages to the copy. */
export function copyTree(root: string): string {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), "mutate-")));
  cpSync(root, copy, { recursive: true, filter: (path) => path === root || !leftOut.has(basename(path)) });
  linkModules(join(root, "node_modules"), join(copy, "node_modules"), (target) => inCopy(target, root, copy));
  return copy;
}

function linkModules(from: string, to: string, place: (target: string) => string): void {
  mkdirSync(to);
  if (!existsSync(from)) return;
  for (const name of readdirSync(from)) {
    if (name.startsWith("@")) linkModules(join(from, name), join(to, name), place);
    else if (!name.startsWith(".") || name === ".bin")
      symlinkSync(place(realpathSync(join(from, name))), join(to, name));
  }
}

/** A package of the workspace is found in the copy, every other one where it is installed. */
function inCopy(target: string, root: string, copy: string): string {
  const path = relative(realpathSync(root), target);
  return path.startsWith("..") || path.split(sep).includes("node_modules") ? target : join(copy, path);
}

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ownName = /"(@countersign\/[\w/-]+)"/g;
const neighbour = /"(\.{1,2}\/[^"\s]+\.(?:ts|mjs|js))"/g;

/**
 * How far every file is that a test file imports, starts in a thread or runs as a process: 1 for what it names itself.
 * Read from the texts: a quoted path of a file that exists is taken for an import.
 */
export class ImportGraph {
  readonly #root: string;
  readonly #packages: ReadonlyMap<string, string>;
  readonly #edges = new Map<string, readonly string[]>();

  constructor(root: string) {
    this.#root = root;
    this.#packages = new Map(globSync("packages/*/package.json", { cwd: root }).flatMap((file) => entries(root, file)));
  }

  distancesFrom(start: string): ReadonlyMap<string, number> {
    const distances = new Map([[start, 0]]);
    for (const [file, distance] of distances) {
      for (const next of this.#importsOf(file)) if (!distances.has(next)) distances.set(next, distance + 1);
    }
    return distances;
  }

  #importsOf(file: string): readonly string[] {
    const known = this.#edges.get(file);
    if (known !== undefined) return known;
    const text = readFileSync(join(this.#root, file), "utf8");
    const paths = [...text.matchAll(neighbour)].map(([, path = ""]) => join(dirname(file), path));
    const names = [...text.matchAll(ownName)].flatMap(([, name = ""]) => this.#packages.get(name) ?? []);
    const found = [...paths, ...names].filter((path) => existsSync(join(this.#root, path)));
    this.#edges.set(file, found);
    return found;
  }
}

/** The entry points of a package by the names under which others import them. */
function entries(root: string, file: string): readonly (readonly [string, string])[] {
  const { name, exports = {} } = JSON.parse(readFileSync(join(root, file), "utf8"));
  return Object.entries(exports).flatMap(([path, target]) => {
    const source = sourceOf(target);
    return source === undefined ? [] : [[join(name, path), join(dirname(file), source)] as const];
  });
}

function sourceOf(target: unknown): string | undefined {
  if (typeof target !== "object" || target === null || !("@countersign/source" in target)) return undefined;
  const source = target["@countersign/source"];
  return typeof source === "string" ? source : undefined;
}

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Stretches of a text, from and to: sorted, disjoint. */
export type Stretches = readonly (readonly [number, number])[];

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** Reads from a directory that V8 filled which stretches of a file any process or thread executed. */
export function executedStretches(
  directory: string,
  tree: string,
  files: readonly string[],
): Record<string, Stretches> {
  const wanted = new Map(files.filter(isSource).map((file) => [pathToFileURL(join(tree, file)).href, file]));
  const executed = new Map<string, Uint8Array>();
  for (const report of globSync("*.json", { cwd: directory })) {
    for (const script of scriptsOf(join(directory, report))) {
      const file = wanted.get(script.url);
      if (file !== undefined) executed.set(file, either(executed.get(file), paint(script)));
    }
  }
  return Object.fromEntries([...executed].map(([file, marks]) => [file, stretches(marks)]));
}

/** What is mutated is a source, never a test. */
function isSource(file: string): boolean {
  return !/(?:^|\/)test\//.test(file);
}

export function holds(stretches: Stretches, offset: number): boolean {
  return stretches.some(([from, to]) => from <= offset && offset < to);
}

/** A process that was killed may leave half a report: what it executed is not known. */
function scriptsOf(file: string): readonly Script[] {
  try {
    return JSON.parse(readFileSync(file, "utf8")).result;
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** V8's ranges nest: the smaller one knows better. */
function paint({ functions }: Script): Uint8Array {
  const ranges = functions.flatMap((each) => each.ranges).sort((a, b) => sizeOf(b) - sizeOf(a));
  const marks = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
  for (const { startOffset, endOffset, count } of ranges) marks.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return marks;
}

function sizeOf({ startOffset, endOffset }: Range): number {
  return endOffset - startOffset;
}

function either(known: Uint8Array | undefined, marks: Uint8Array): Uint8Array {
  return known === undefined ? marks : marks.map((mark, at) => mark | (known[at] ?? 0));
}

function stretches(marks: Uint8Array): Stretches {
  const found: [number, number][] = [];
  let from = marks.indexOf(1);
  while (from !== -1) {
    const end = marks.indexOf(0, from);
    found.push([from, end === -1 ? marks.length : end]);
    from = end === -1 ? -1 : marks.indexOf(1, end);
  }
  return found;
}

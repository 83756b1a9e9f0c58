import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The files of the page by their paths, each with its type. */
export async function pageFiles(): Promise<ReadonlyMap<string, readonly [type: string, content: Uint8Array]>> {
  const { outputFiles } = await build({
    entryPoints: [here("page.ts")],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    conditions: ["@countersign/source"],
    write: false,
  });
  const [script] = outputFiles;
  return new Map([
    ["/", ["text/html; charset=utf-8", await readFile(here("index.html"))]],
    ["/page.css", ["text/css; charset=utf-8", await readFile(here("page.css"))]],
    ["/page.js", ["text/javascript; charset=utf-8", script?.contents ?? new Uint8Array()]],
  ]);
}

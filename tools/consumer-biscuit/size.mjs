import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The bytes of a browser bundle of these exports of the package's sources, minified, as it is and under gzip. */
export async function bundleSize(names) {
  const { outputFiles } = await build({
    stdin: {
      contents: `export ${names} from "@countersign/biscuit"`,
      resolveDir: fileURLToPath(new URL("../..", import.meta.url)),
    },
    bundle: true,
    minify: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    conditions: ["@countersign/source"],
    write: false,
  });
  const [{ contents }] = outputFiles;
  return { minified: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
}

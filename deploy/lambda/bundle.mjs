// Makes deploy/lambda/dist, the code of the function: node deploy/lambda/bundle.mjs [FOLDER]
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const outdir = process.argv[2] ?? `${here}dist`;

await build({
  entryPoints: { lambda: `${here}../../packages/cli/src/lambda.ts` },
  // Of what it could use where it is installed or elsewhere: a binding to libpq, and the sockets of Cloudflare.
  external: ["pg-native", "cloudflare:sockets"],
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  platform: "node",
  target: "node24",
  format: "esm",
  conditions: ["@countersign/source"],
  legalComments: "linked",
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
});

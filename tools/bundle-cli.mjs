// Makes one file of the command, with one for each of its threads: to find and read some two hundred modules is a third of
// the time that a start takes. Each file takes its place whole, so that a command that starts meanwhile reads no half.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));

/** Libraries of stores that few use: each is a file of its own, which is read when such a store is opened. */
const libraries = { pg: "pg", "aws-dynamodb": "@aws-sdk/client-dynamodb" };
/** Of what a library is made: of its modules, as CommonJS would lose the names of what it exports. */
const sources = { pg: "pg", "aws-dynamodb": "@aws-sdk/client-dynamodb/dist-es/index.js" };

/** Has the command import a library from its file beside it. */
const beside = {
  name: "beside",
  setup({ onResolve }) {
    for (const [file, name] of Object.entries(libraries)) {
      onResolve({ filter: new RegExp(`^${name}$`) }, ({ kind }) =>
        kind === "dynamic-import" ? { path: `./${file}.js`, external: true } : undefined,
      );
    }
  },
};

const { outputFiles } = await build({
  entryPoints: {
    main: `${packages}cli/src/main.ts`,
    "sqlite-writer": `${packages}authority/src/store/sqlite-writer.ts`,
    "signing-worker": `${packages}authority/src/keys/signing-worker.ts`,
    ...sources,
  },
  plugins: [beside],
  // Of what it could use where it is installed or elsewhere: a binding to libpq, and the sockets of Cloudflare.
  external: ["pg-native", "cloudflare:sockets"],
  outdir: `${packages}cli/bundle`,
  bundle: true,
  write: false,
  platform: "node",
  target: "node24",
  format: "esm",
  conditions: ["@countersign/source"],
  legalComments: "linked",
  // Of what it holds, the modules in CommonJS call `require` for modules of Node.
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  logLevel: "warning",
});

for (const { path, contents } of outputFiles) {
  const draft = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(draft, contents);
  renameSync(draft, path);
}

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A directory for PATH, with the commands of the examples as shell scripts. */
export interface Commands {
  readonly path: string;
  remove(): Promise<void>;
}

/** Puts `countersign`, on the sources, and `vault`, which speaks to `VAULT_ADDR`, into a directory of their own. */
export async function makeCommands(): Promise<Commands> {
  const path = await mkdtemp(join(tmpdir(), "countersign-commands-"));
  const scripts = { countersign: "../../packages/cli/src/main.ts", vault: "./vault-command.ts" };
  for (const [name, script] of Object.entries(scripts)) {
    const file = fileURLToPath(new URL(script, import.meta.url));
    await writeFile(join(path, name), `#!/bin/sh\nexec '${process.execPath}' -C @countersign/source '${file}' "$@"\n`);
    await chmod(join(path, name), 0o755);
  }
  return { path, remove: () => rm(path, { recursive: true }) };
}

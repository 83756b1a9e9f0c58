import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The example of the README as a program, on any port, that ends once it serves; resolves to what it printed. */
async function start(directory: string): Promise<string> {
  const child = spawn(process.execPath, ["-C", "@countersign/source", "example.mts"], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
    if (printed.includes("serving")) child.kill("SIGTERM");
  });
  const [code] = await once(child, "close");
  assert.equal(code, 0, printed);
  return printed;
}

describe("README.md of the authority", () => {
  it("has an example that serves, shows a password once, and starts again on the same data", async () => {
    const directory = await mkdtemp(join(tmpdir(), "countersign-readme-"));
    try {
      const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(await readFile(at("../README.md"), "utf8")) ?? [];
      const program = example.replace("serveAuthority(authority)", "serveAuthority(authority, { port: 0 })");
      assert.notEqual(program, example);
      await symlink(at("../../../node_modules"), join(directory, "node_modules"));
      await writeFile(join(directory, "example.mts"), `${program}\nconsole.log("serving");\n`);
      assert.match(await start(directory), /^admin password: [\w-]{32}\nserving\n$/);
      assert.equal(await start(directory), "serving\n");
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

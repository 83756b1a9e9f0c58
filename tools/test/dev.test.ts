import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const packages = ["attestation", "authority", "biscuit", "cli", "protocol", "sdk", "token-keeper"];
/** A checkout of its own, whose sources the test edits. */
const checkout = mkdtempSync(join(tmpdir(), "dev-"));
const homePage = join(checkout, "packages/authority/src/http/home.ts");

/** The sources, and everything that is installed but our own packages. */
function makeCheckout(): void {
  const modules = join(checkout, "node_modules");
  mkdirSync(join(modules, "@countersign"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules")))
    if (!name.startsWith(".") && name !== "@countersign")
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  for (const name of packages) {
    const folder = join(checkout, "packages", name);
    cpSync(join(root, "packages", name, "src"), join(folder, "src"), { recursive: true });
    cpSync(join(root, "packages", name, "package.json"), join(folder, "package.json"));
    symlinkSync(folder, join(modules, "@countersign", name));
  }
}

const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

let server: ChildProcessByStdio<null, Readable, null>;
let printed: AsyncIterator<string>;

/** What the server prints from here on, up to what it is expected to. */
async function until(pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  for (;;) {
    const match = pattern.exec(text);
    if (match !== null) return match;
    const { value, done } = await printed.next();
    assert.ok(!done, `ended before ${pattern}: ${text}`);
    text += value;
  }
}

const listening = /listening at (\S+)\n/;

/** What a server says it is. */
async function home(url: string | undefined): Promise<{ readonly edited?: unknown }> {
  const answer = await fetch(`${url}/`, { headers: { accept: "application/json" } });
  return answer.json();
}

/** Has the home page say what was edited. */
const edited = (text: string, edit: number): string =>
  text.replace(/(?:edited: \d, )?health: "/, `edited: ${edit}, health: "`);

before(async () => {
  makeCheckout();
  const [command = "", ...args] = (scripts.dev ?? "").split(" ");
  assert.equal(command, "node");
  server = spawn(process.execPath, [...args, "--listen", "127.0.0.1:0"], {
    cwd: checkout,
    stdio: ["ignore", "pipe", "ignore"],
  });
  printed = server.stdout.setEncoding("utf8")[Symbol.asyncIterator]();
  assert.equal((await home((await until(listening))[1])).edited, undefined);
});

after(async () => {
  const exited = once(server, "exit");
  server.kill();
  await exited;
  rmSync(checkout, { recursive: true, force: true, maxRetries: 5 });
});

describe("npm run dev", () => {
  it("starts anew with an edit, and with every one after it", async () => {
    writeFileSync(homePage, edited(readFileSync(homePage, "utf8"), 1));
    assert.equal((await home((await until(listening))[1])).edited, 1);
    // As editors and git save: a new file in place of the old one.
    writeFileSync(`${homePage}.new`, edited(readFileSync(homePage, "utf8"), 2));
    renameSync(`${homePage}.new`, homePage);
    assert.equal((await home((await until(listening))[1])).edited, 2);
  });

  it("starts anew with an edit of what only a thread runs", async () => {
    appendFileSync(join(checkout, "packages/authority/src/keys/signing-worker.ts"), "\n");
    await until(listening);
  });

  it("waits for the next edit after one that does not run", async () => {
    const text = readFileSync(homePage, "utf8");
    writeFileSync(homePage, "this is no module");
    await until(/Waiting for file changes/);
    writeFileSync(homePage, text);
    await until(listening);
  });
});

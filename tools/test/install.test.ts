import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const tools = fileURLToPath(new URL("..", import.meta.url));

/**
 * What stands for npm on the PATH: it refuses a folder that something is in, as `npm ci` does when it cannot remove it,
 * and ends when the file that NPM_WAITS_FOR names is there.
 */
const npm = `#!${process.execPath}
const fs = require("node:fs");
const { NPM_WAITS_FOR, NPM_FAILS, npm_config_dry_run, npm_config_workspace } = process.env;
if (npm_config_dry_run || npm_config_workspace) process.exit(0);
fs.appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n");
if (fs.existsSync("node_modules")) { console.error("npm error ENOTEMPTY: directory not empty"); process.exit(190); }
if (NPM_FAILS && fs.readFileSync("npm.log", "utf8").trim().split("\\n").length <= 1) { console.error(NPM_FAILS); process.exit(190); }
fs.mkdirSync("node_modules/half", { recursive: true });
fs.appendFileSync("npm.pid", String(process.pid));
const end = () => { fs.writeFileSync("node_modules/.package-lock.json", "{}"); process.exit(0); };
if (!NPM_WAITS_FOR) end();
setInterval(() => fs.existsSync(NPM_WAITS_FOR) && end(), 5);
`;

/** A clone as far as installing goes. */
let clone: string;
const clones: string[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "install-"));
  clones.push(clone);
  for (const folder of ["tools", "bin"]) mkdirSync(join(clone, folder));
  for (const file of ["install.mjs", "install-lock.mjs"]) copyFileSync(join(tools, file), join(clone, "tools", file));
  writeFileSync(join(clone, "package-lock.json"), "{}");
  writeFileSync(join(clone, "bin/npm"), npm);
  chmodSync(join(clone, "bin/npm"), 0o755);
});

after(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of clones) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Install {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
  /** Resolves when it has said so. */
  until(pattern: RegExp): Promise<void>;
}

function install(env: Readonly<Record<string, string>> = {}): Install {
  const child = spawn(process.execPath, [join(clone, "tools/install.mjs")], {
    env: { ...process.env, PATH: `${join(clone, "bin")}:${process.env.PATH}`, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const ended = once(child, "close").then(([code]): number | null => code);
  return {
    child,
    said: () => text,
    ended,
    async until(pattern) {
      while (!pattern.test(text)) {
        const over = await Promise.race([once(child.stderr ?? child, "data"), ended.then(() => "over")]);
        assert.ok(over !== "over" || pattern.test(text), text);
      }
    },
  };
}

const calls = () => readFileSync(join(clone, "npm.log"), "utf8").trim().split("\n").length;
const installed = () => existsSync(join(clone, "node_modules/.countersign-installed"));
const go = () => writeFileSync(join(clone, "go"), "");

/** Resolves when npm works in the clone. */
async function npmRuns(): Promise<number> {
  const path = join(clone, "npm.pid");
  // A look after the other: the events of a file system are joined, and one that came before we listened is lost.
  while (!existsSync(path) || readFileSync(path, "utf8") === "") await setTimeout(5);
  return Number(readFileSync(path, "utf8"));
}

describe("installing what is missing", () => {
  it("installs once, and again when the lock has changed", async () => {
    assert.equal(await install().ended, 0);
    assert.equal(await install().ended, 0);
    assert.equal(calls(), 1);
    appendFileSync(join(clone, "package-lock.json"), " ");
    assert.equal(await install().ended, 0);
    assert.equal(calls(), 2);
  });

  it("installs all of it whatever the npm around it was told", async () => {
    assert.equal(await install({ npm_config_dry_run: "true", npm_config_workspace: "packages/cli" }).ended, 0);
    assert.ok(installed());
  });

  it("lets the second of two wait for the first, and says for whom", async () => {
    const first = install({ NPM_WAITS_FOR: "go" });
    await npmRuns();
    const second = install();
    await second.until(new RegExp(`waiting for another install to end \\(process ${first.child.pid}, \\d+\\)`));
    go();
    assert.deepEqual(await Promise.all([first.ended, second.ended]), [0, 0]);
    assert.equal(calls(), 1);
    assert.ok(installed());
  });

  it("heals what was broken off: its holder and npm are dead", async () => {
    const first = install({ NPM_WAITS_FOR: "never" });
    const pid = await npmRuns();
    first.child.kill("SIGKILL");
    process.kill(pid, "SIGKILL");
    await first.ended;
    assert.ok(existsSync(join(clone, "node_modules/half")));
    assert.equal(await install().ended, 0);
    assert.ok(installed());
  });

  it("waits for npm where only the process that started it is dead", async () => {
    const first = install({ NPM_WAITS_FOR: "go" });
    await npmRuns();
    first.child.kill("SIGKILL");
    const second = install();
    await second.until(/waiting for another install/);
    go();
    assert.equal(await second.ended, 0);
    assert.equal(calls(), 1);
  });

  it("gives a dead holder's lock to one of many", async () => {
    const dead = { host: hostname(), pids: [2 ** 22 + 1], starts: [null] };
    writeFileSync(join(clone, ".install-lock.7"), JSON.stringify(dead));
    const many = Array.from({ length: 6 }, () => install({ NPM_WAITS_FOR: "go" }));
    await npmRuns();
    go();
    assert.deepEqual(await Promise.all(many.map(({ ended }) => ended)), [0, 0, 0, 0, 0, 0]);
    assert.equal(calls(), 1);
    assert.equal(readdirSync(clone).filter((name) => name.startsWith(".install-lock")).length, 1);
  });

  it("does not take a living holder of another host for dead", async () => {
    writeFileSync(join(clone, ".install-lock.1"), JSON.stringify({ host: "elsewhere", pids: [1], starts: [null] }));
    const waiting = install();
    await waiting.until(/waiting for another install to end \(process 1\)/);
    writeFileSync(join(clone, ".install-lock.1"), JSON.stringify({ released: true }));
    assert.equal(await waiting.ended, 0);
  });

  it("takes a process that has the number of a dead holder for another one", async () => {
    const taken = { host: hostname(), pids: [process.pid], starts: ["1"] };
    writeFileSync(join(clone, ".install-lock.1"), JSON.stringify(taken));
    const next = install();
    assert.equal(await next.ended, 0);
    assert.doesNotMatch(next.said(), /waiting/);
  });

  it("begins once more from nothing when files were in npm's way", async () => {
    const stumbling = install({ NPM_FAILS: "npm error ENOTEMPTY: directory not empty, rmdir" });
    assert.equal(await stumbling.ended, 0);
    assert.match(stumbling.said(), /once more from nothing/);
    assert.equal(calls(), 2);
  });

  it("fails with npm where npm fails, and leaves the lock free", async () => {
    const failing = install({ NPM_FAILS: "npm error ENOTFOUND" });
    assert.equal(await failing.ended, 190);
    assert.match(failing.said(), /ENOTFOUND\n.*npm ci failed/);
    assert.ok(!installed());
    assert.equal(await install().ended, 0);
  });

  it("ends with npm when it is interrupted", async () => {
    const interrupted = install({ NPM_WAITS_FOR: "never" });
    await npmRuns();
    interrupted.child.kill("SIGINT");
    assert.equal(await interrupted.ended, 1);
    assert.equal(await install().ended, 0);
  });

  it("takes what was installed by hand", async () => {
    mkdirSync(join(clone, "node_modules"));
    writeFileSync(join(clone, "node_modules/.package-lock.json"), "{}");
    assert.equal(await install().ended, 0);
    assert.ok(!existsSync(join(clone, "npm.log")));
  });
});

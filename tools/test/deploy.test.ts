import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { settingRows } from "../../packages/cli/src/settings-schema.ts";
import { unknownVariables } from "../../packages/cli/src/settings-sources.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dockerfile = readFileSync(join(root, "deploy/Dockerfile"), "utf8");

/** The words of an instruction in the form of a JSON array. */
function words(instruction: string): readonly string[] {
  const [, json = "[]"] = new RegExp(`^${instruction}.*? (\\[.*\\])$`, "m").exec(dockerfile) ?? [];
  return JSON.parse(json);
}

/** Puts what the second stage copies out of the first one where the image has it. */
function layOut(image: string): void {
  for (const [, line = ""] of dockerfile.matchAll(/^COPY --from=build (.*)$/gm)) {
    const [target = "", ...sources] = line.split(" ").reverse();
    for (const source of sources.flatMap((pattern) => globSync(pattern.replace("/src/", ""), { cwd: root }))) {
      const from = join(root, source);
      const into = target.endsWith("/") && !statSync(from).isDirectory() ? join(target, basename(source)) : target;
      cpSync(from, join(image, into), { recursive: true });
    }
  }
}

/** Whom the image runs as, where this process may start others as that user, and the user may run this Node. */
function imageUser(): { readonly uid?: number; readonly gid?: number } {
  const user = { uid: 1000, gid: 1000 };
  return spawnSync(process.execPath, ["--version"], user).status === 0 ? user : {};
}

describe("the image", () => {
  const image = mkdtempSync(join(tmpdir(), "image-"));
  before(() => {
    execFileSync(process.execPath, [join(root, "tools/bundle-cli.mjs")]);
    layOut(image);
    chmodSync(image, 0o755);
    for (const place of ["var/lib/countersign", "run/countersign"]) {
      mkdirSync(join(image, place), { recursive: true });
      // As a volume of Kubernetes is: writable for all.
      chmodSync(join(image, place), 0o777);
    }
  });
  after(() => rmSync(image, { recursive: true }));

  it("serves with what it copies and as it is told, passes its own health check, and stops", async () => {
    const args = words("CMD").map((word) => (word.startsWith("/") ? join(image, word) : word.replace(":8080", ":0")));
    const server = spawn(process.execPath, [join(image, "opt/countersign/bin/countersign.js"), ...args], {
      ...imageUser(),
      cwd: image,
      env: { PATH: process.env.PATH, COUNTERSIGN_ISSUER: "https://id.example.com" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = once(server, "exit");
    let printed = "";
    for await (const text of server.stdout.setEncoding("utf8")) {
      printed += text;
      if (/listening at \S+\n/.test(printed)) break;
    }
    const [, port = ""] = /listening at \S+:(\d+)/.exec(printed) ?? [];
    const [node = "", ...check] = words("HEALTHCHECK").map((word) => word.replace(":8080", `:${port}`));
    assert.equal(node, "node");
    assert.equal(spawnSync(process.execPath, check).status, 0, printed);
    const password = join(image, "run/countersign/admin-password");
    assert.equal(statSync(password).mode & 0o777, 0o600);
    assert.ok(!printed.includes(readFileSync(password, "utf8").trim()));
    server.kill();
    assert.deepEqual(await exited, [0, null]);
    assert.equal(spawnSync(process.execPath, check).status, 1, "the health check fails when nobody answers");
  });
});

describe("deploy/", () => {
  for (const path of globSync("deploy/**/*", { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile())) {
    it(`${path.name} names no setting that there is not`, () => {
      const text = readFileSync(join(path.parentPath, path.name), "utf8");
      const named = [...text.matchAll(/\bCOUNTERSIGN_[A-Z_]+/g)].map(([name]) => [name, ""]);
      assert.deepEqual(unknownVariables(settingRows(), Object.fromEntries(named)), []);
    });
  }
});

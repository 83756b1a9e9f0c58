import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Biscuit } from "@countersign/biscuit";
import { runCli } from "../../src/cli/cli.ts";
import { rootKey } from "../forge.ts";

const encoder = new TextEncoder();
const token = Biscuit.builder().code(`right("file1", "read");`).rootKeyId(7).buildSync(rootKey);

const HOSTILE = "x\u001b[2J\u009b1m\u202e\nallowed: all of it\r";
const hostile = Biscuit.builder().code(`check if owner({name});`, { name: HOSTILE }).buildSync(rootKey);
/** The proof, which writers put last, before the blocks. */
const reordered = Buffer.concat([token.toBytes().subarray(-36), token.toBytes().subarray(0, -36)]);

const files: Readonly<Record<string, Uint8Array>> = {
  token: encoder.encode(`${token.toBase64()}\n`),
  "token.bc": token.toBytes(),
  hostile: hostile.toBytes(),
  reordered,
  noise: Uint8Array.of(0xff, 0xfe, 0xfd),
  key: encoder.encode(`${rootKey.privateKey.revealText()}\n`),
  "key.pem": encoder.encode(rootKey.publicKey.toPem()),
  policy: encoder.encode(`operation("read"); allow if right("file1", "read");`),
};

const host = {
  readFile: async (path: string): Promise<Uint8Array> => {
    const bytes = files[path];
    if (bytes === undefined) throw Object.assign(new Error(`no such file: ${path}`), { syscall: "open" });
    return bytes;
  },
};

const run = (...words: string[]) => runCli(words, host);
const publicKey = rootKey.publicKey.toString();

describe("biscuit (the program)", () => {
  it("inspect shows a token as a tree, not verified", async () => {
    const { stdout, status } = await run("inspect", "token");
    assert.equal(status, 0);
    assert.match(stdout, /^token, not verified\n├─ root key id 7\n├─ open[^\n]*\n└─ 1 block\n\nauthority\n/);
    assert.match(stdout, /\n {5}right\("file1", "read"\);\n/);
  });

  it("inspect with a key verifies, from bytes and a PEM file too", async () => {
    const { stdout } = await run("inspect", "token.bc", "--public-key", "@key.pem", "--json");
    const json = JSON.parse(stdout);
    assert.equal(json.state, "verified");
    assert.equal(json.blocks[0].revocationId, token.revocationIds[0]);
  });

  it("keypair makes keys that parse", async () => {
    const { stdout } = await run("keypair", "--algorithm=secp256r1", "--json");
    const json = JSON.parse(stdout);
    assert.match(json.privateKey, /^secp256r1-private\/[0-9a-f]{64}$/);
    assert.match(json.publicKey, /^secp256r1\/0[23][0-9a-f]{64}$/);
  });

  it("generate makes a token that verifies", async () => {
    const { stdout } = await run(
      "generate",
      "--private-key-file",
      "key",
      "--code",
      `user("alice");`,
      "--root-key-id",
      "3",
    );
    const made = Biscuit.parse(stdout.trim()).verifySync(rootKey.publicKey);
    assert.equal(made.rootKeyId, 3);
    assert.equal(made.blocks[0]?.source, `user("alice");\n`);
  });

  it("attenuate appends a block without the root key", async () => {
    const { stdout } = await run("attenuate", "token", "--code", `check if operation("read");`);
    const narrow = Biscuit.parse(stdout.trim()).verifySync(rootKey.publicKey);
    assert.equal(narrow.blocks[1]?.source, `check if operation("read");\n`);
  });

  it("verify judges, with exit status 0 for allowed and 1 for denied", async () => {
    const allowed = await run("verify", "token", "--public-key", publicKey, "--authorizer", "@policy");
    assert.deepEqual([allowed.status, allowed.stdout.split(":")[0]], [0, "allowed"]);
    const denied = await run("verify", "token", "--public-key", publicKey, "--authorizer", "deny if true;", "--json");
    assert.deepEqual([denied.status, JSON.parse(denied.stdout).allowed], [1, false]);
  });

  it("verify of a token under another key fails with a message and status 1", async () => {
    const other = `ed25519/${"1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284"}`;
    const { stderr, status } = await run("verify", "token", "--public-key", other);
    assert.deepEqual([status, stderr], [1, "biscuit: error: Cannot verify the ed25519 signature of a block\n"]);
  });

  for (const words of [
    ["nonsense"],
    ["inspect"],
    ["inspect", "token", "--what", "x"],
    ["generate", "--code"],
    ["keypair", "--algorithm", "rsa"],
    ["keypair", "secp256r1"],
    ["verify", "token", "hostile", "--public-key", publicKey],
  ]) {
    it(`${words.join(" ")} is called wrongly: status 2 and a hint`, async () => {
      const { stderr, status } = await run(...words);
      assert.equal(status, 2);
      assert.match(stderr, /^biscuit: error: .*\nhint: run biscuit --help\n$/);
    });
  }

  it("prints nothing of a token that a terminal would obey, and a verdict on one line", async () => {
    const shown = await run("inspect", "hostile");
    assert.match(shown.stdout, /x\\u001b\[2J\\u009b1m\\u202e\n/);
    const json = await run("inspect", "hostile", "--json");
    const authorized = await run("verify", "hostile", "--public-key", publicKey, "--authorizer", "allow if true;");
    for (const { stdout } of [shown, json, authorized]) assert.doesNotMatch(stdout, /(?!\n)[\p{Cc}\p{Cf}]/u);
    assert.equal(JSON.parse(json.stdout).blocks[0].source, `check if owner("${HOSTILE}");\n`);
    assert.match(authorized.stdout, /^denied: [^\n]*\n$/);
  });

  it("reads a token in bytes whose fields are in another order", async () => {
    assert.equal((await run("verify", "reordered", "--public-key", publicKey)).stdout, "verified\n");
  });

  it("text that is not UTF-8 is an error of one line", async () => {
    for (const words of [
      ["inspect", "noise"],
      ["inspect", "token", "--public-key", "@noise"],
      ["generate", "--private-key-file", "noise", "--code", "a(1);"],
    ]) {
      assert.deepEqual(await run(...words), {
        stdout: "",
        stderr: "biscuit: error: Cannot read text that is not UTF-8: noise\n",
        status: 1,
      });
    }
  });

  it("a missing file is an error of one line", async () => {
    assert.deepEqual(await run("inspect", "nowhere"), {
      stdout: "",
      stderr: "biscuit: error: no such file: nowhere\n",
      status: 1,
    });
  });

  it("main.ts runs as a process, with the token on standard input", () => {
    const main = join(import.meta.dirname, "../../src/cli/main.ts");
    const { stdout, status } = spawnSync(process.execPath, ["-C", "@countersign/source", main, "inspect", "-"], {
      input: token.toBase64(),
      encoding: "utf8",
    });
    assert.equal(status, 0);
    assert.match(stdout, /^token, not verified/);
  });
});

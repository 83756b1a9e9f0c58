import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Biscuit, KeyPair } from "@countersign/biscuit";
import { runCli } from "../../src/cli/cli.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
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
  sealed: token.sealSync().toBytes(),
  cut: encoder.encode(token.toBase64().slice(0, 40)),
  empty: new Uint8Array(),
  p256: Biscuit.builder().code("a(1);").buildSync(KeyPair.generateSync("secp256r1")).toBytes(),
  noise: Uint8Array.of(0xff, 0xfe, 0xfd),
  key: encoder.encode(`${rootKey.privateKey.revealText()}\n`),
  "rsa.pem": encoder.encode("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"),
  "key.pem": encoder.encode(rootKey.publicKey.toPem()),
  policy: encoder.encode(`operation("read"); allow if right("file1", "read");`),
  "bad.datalog": encoder.encode("allow\nif x("),
  "-": encoder.encode(token.toBase64()),
};

const host = {
  version: "1.2.3",
  readFile: async (path: string): Promise<Uint8Array> => {
    const bytes = files[path];
    if (bytes !== undefined) return bytes;
    const code = path === "folder" ? "EISDIR" : "ENOENT";
    throw Object.assign(new Error(`${code}, open`), { syscall: "open", code });
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

  it("keypair shows one half of a new pair, or of the pair of a private key", async () => {
    const made = await run("keypair", "--only-private-key");
    assert.match(made.stdout, /^ed25519-private\/[0-9a-f]{64}\n$/);
    const shown = await run("keypair", "--private-key-file", "key", "--only-public-key");
    assert.deepEqual([shown.stdout, shown.status], [`${publicKey}\n`, 0]);
    const both = await run("keypair", "--private-key-file", "key", "--json");
    assert.deepEqual(JSON.parse(both.stdout), { privateKey: rootKey.privateKey.revealText(), publicKey });
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

  it("without a command, and with --help, lists the commands; --version is the version", async () => {
    for (const words of [[], ["--help"], ["-h"], ["help"]]) {
      const { stdout, status } = await run(...words);
      assert.equal(status, 0);
      for (const name of Object.keys(COMMANDS)) assert.match(stdout, new RegExp(`^  ${name} `, "m"));
    }
    assert.deepEqual(await run("--version"), { stdout: "biscuit 1.2.3\n", stderr: "", status: 0 });
  });

  for (const [name, { flags }] of Object.entries(COMMANDS)) {
    it(`${name} --help lists each of its options`, async () => {
      for (const word of ["--help", "-h"]) {
        const { stdout, status } = await run(name, word);
        assert.equal(status, 0);
        for (const flag of [...Object.keys(flags), "json"]) assert.match(stdout, new RegExp(`^  --${flag} `, "m"));
      }
    });
  }

  const other = "ed25519/1055c750b1a1505937af1537c626ba3263995c33a64758aaafb1275b0312e284";
  const secret = rootKey.privateKey.revealText();
  const failures: readonly {
    readonly words: readonly string[];
    readonly error: RegExp;
    readonly hint?: RegExp;
    readonly status: 1 | 2;
  }[] = [
    { words: ["nonsense"], error: /unknown command: nonsense/, hint: /biscuit --help/, status: 2 },
    { words: ["inspect"], error: /the FILE of the token is missing/, hint: /standard input/, status: 2 },
    { words: ["inspect", "token", "--what", "x"], error: /unknown option: --what/, hint: /inspect --help/, status: 2 },
    { words: ["inspect", "token", "-x"], error: /unknown option: -x/, hint: /inspect --help/, status: 2 },
    { words: ["inspect", "token", "--json=false"], error: /--json takes no value: false/, status: 2 },
    { words: ["inspect", "nowhere"], error: /cannot read nowhere: there is no such file/, status: 1 },
    { words: ["inspect", "folder"], error: /cannot read folder: it is a folder/, status: 1 },
    { words: ["inspect", "empty"], error: /cannot use empty: there is nothing in it/, status: 1 },
    { words: ["inspect", "cut"], error: /cut: cannot decode/, hint: /whole and unchanged/, status: 1 },
    { words: ["inspect", secret], error: /cannot read ed25519-private\/…: there/, status: 1 },
    { words: ["generate", "--code"], error: /--code is without its DATALOG/, hint: /--code=…/, status: 2 },
    {
      words: ["generate", "--private-key-file", "--code", "a(1);"],
      error: /is without its FILE/,
      hint: /=…/,
      status: 2,
    },
    { words: ["generate", "--code", "a(1);"], error: /--private-key-file is missing/, hint: /keypair/, status: 2 },
    { words: ["generate", "--private-key-file", "key", "--code", "a("], error: /--code: expected.*line 1/, status: 1 },
    {
      words: ["generate", "--private-key-file", "rsa.pem", "--code", "a(1);"],
      error: /rsa.pem: cannot read the key/,
      hint: /Ed25519 or P-256/,
      status: 1,
    },
    {
      words: ["generate", "--private-key-file", "key", "--code", "a(1);", "--root-key-id", "4294967296"],
      error: /not a root key id: 4294967296/,
      hint: /4294967295/,
      status: 2,
    },
    { words: ["attenuate", "token", "--code", ""], error: /--code is empty/, status: 2 },
    { words: ["attenuate", "sealed", "--code", "a(1);"], error: /sealed token/, hint: /seal/, status: 1 },
    { words: ["keypair", "--algorithm", "rsa"], error: /unknown algorithm: rsa/, hint: /ed25519/, status: 2 },
    { words: ["keypair", "--algorithm", "ed25519", "--private-key-file", "key"], error: /new pair/, status: 2 },
    { words: ["keypair", "--only-public-key", "--only-private-key"], error: /leave nothing/, status: 2 },
    { words: ["keypair", "secp256r1"], error: /one word too many: secp256r1/, hint: /keypair --help/, status: 2 },
    { words: ["verify", "token"], error: /--public-key is missing/, hint: /@FILE/, status: 2 },
    { words: ["verify", "token", "--public-key", "root.pub"], error: /--public-key: cannot/, hint: /@FILE/, status: 1 },
    { words: ["verify", "token", "--public-key", "@"], error: /a file without a name/, status: 1 },
    { words: ["verify", "-", "--public-key", "@-"], error: /asked for twice/, hint: /as a file/, status: 2 },
    {
      words: ["verify", "token", "--public-key", publicKey, "--public-key", other],
      error: /--public-key is given twice/,
      status: 2,
    },
    {
      words: ["verify", "token", "--public-key", other],
      error: /token: cannot verify the ed25519 signature of a block/,
      hint: /another root key/,
      status: 1,
    },
    {
      words: ["verify", "p256", "--public-key", other],
      error: /p256: the signature of a block has the wrong length/,
      hint: /another root key/,
      status: 1,
    },
    {
      words: ["verify", "token", "--public-key", publicKey, "--authorizer", "@bad.datalog"],
      error: /bad\.datalog: expected .* \(line 2, column 6\)/,
      status: 1,
    },
  ];
  for (const { words, error, hint, status } of failures) {
    it(`${words.join(" ").replace(secret, "KEY")} says what is wrong${hint ? ", and how to mend it" : ""}`, async () => {
      const result = await run(...words);
      const [first = "", ...rest] = result.stderr.split("\n");
      assert.match(first, new RegExp(`^biscuit: error: .*${error.source}`));
      if (hint === undefined) assert.deepEqual(rest, [""]);
      else assert.match(rest.join("\n"), new RegExp(`^biscuit: hint: .*${hint.source}.*\n$`));
      assert.deepEqual([result.stdout, result.status], ["", status]);
      assert.ok(!result.stderr.includes(secret.slice(-64)));
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
        stderr: "biscuit: error: cannot read text that is not UTF-8: noise\n",
        status: 1,
      });
    }
  });

  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const start = [process.execPath, "-C", "@countersign/source", main];

  it("main.ts runs as a process, with the token on standard input", () => {
    const [program = "", ...words] = [...start, "inspect", "-"];
    const { stdout, status } = spawnSync(program, words, { input: token.toBase64(), encoding: "utf8" });
    assert.equal(status, 0);
    assert.match(stdout, /^token, not verified/);
  });

  it("main.ts knows the version of the package", async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
    const [program = "", ...words] = [...start, "--version"];
    assert.equal(spawnSync(program, words, { encoding: "utf8" }).stdout, `biscuit ${version}\n`);
  });

  it("main.ts ends without a stack when nobody reads its answer, or there is no room for it", () => {
    const shell = (script: string) => spawnSync("sh", ["-c", script, "sh", ...start], { encoding: "utf8" });
    const closed = shell(`exec 3>&1; { "$@" --help; echo "status $?" >&3; } | true`);
    assert.deepEqual([closed.stdout, closed.stderr], ["status 0\n", ""]);
    if (!existsSync("/dev/full")) return;
    const full = shell(`"$@" --help > /dev/full; echo "status $?"`);
    assert.equal(full.stdout, "status 1\n");
    assert.match(full.stderr, /^biscuit: error: cannot write the answer: [^\n]*\n$/);
  });
});

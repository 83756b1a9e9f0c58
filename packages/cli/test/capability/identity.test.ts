import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { KeyPair } from "@countersign/biscuit";
import { systemClock } from "@countersign/protocol";
import { mintIdentity } from "@countersign/protocol/capability";
import { testAuthority } from "../../../sdk/test/support/authority.ts";
import { aHome, alice, someTls } from "./support.ts";

const tls = someTls();
const authority = await testAuthority({
  tls,
  resources: {
    invoices: {
      may: [
        [alice, "read"],
        [`${alice}:laptop`, "read"],
      ],
    },
  },
});
const files = { "ca.crt": tls.ca, "me.crt": tls.client.cert, "me.key": tls.client.key };
const homes: { remove(): void }[] = [];
after(async () => {
  await authority.close();
  for (const home of homes) home.remove();
});

function open() {
  const home = aHome(files);
  homes.push(home);
  return home;
}

/** A home whose user has authenticated; nothing but the name of the server is needed from then on. */
async function authenticated() {
  const home = open();
  const paths = ["--ca", home.at("ca.crt"), "--cert", home.at("me.crt"), "--key", home.at("me.key")];
  const { said } = await home.json(["identity", "authenticate", "--server", authority.address, ...paths]);
  return { ...home, said };
}

const folder = `.countersign/servers/127.0.0.1_${authority.port}`;
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("countersign identity authenticate", () => {
  it("saves a token, the key and what it was reached by, for this user alone", async () => {
    const home = await authenticated();
    assert.deepEqual(home.said, {
      success: true,
      server: authority.address,
      identity: alice,
      expires_in: 3600,
      token_saved_as: "default",
      token_path: home.at(`${folder}/tokens/default.token`),
    });
    for (const file of ["tokens/default.token", "ca.crt", "public_key.pem", "server.toml"]) {
      assert.equal(modeOf(home.at(`${folder}/${file}`)), 0o600, file);
    }
    assert.equal(modeOf(home.at(`${folder}/tokens`)), 0o700);
    assert.match(readFileSync(home.at(".countersign/config.toml"), "utf8"), /default_server = "127\.0\.0\.1:\d+"/);
  });

  it("says on stdout, for machines, that it failed", async () => {
    const home = open();
    const stranger = home.at("stranger");
    writeFileSync(`${stranger}.crt`, tls.stranger.cert);
    writeFileSync(`${stranger}.key`, tls.stranger.key);
    const words = ["identity", "authenticate", "--server", "127.0.0.1", "--port", `${authority.port}`];
    const paths = ["--ca", home.at("ca.crt"), "--cert", `${stranger}.crt`, "--key", `${stranger}.key`];
    const { exitCode, said } = await home.json([...words, ...paths]);
    assert.deepEqual([exitCode, said.success], [1, false]);
    assert.match(said.error, /401/);
    const without = await home.cli(words);
    assert.deepEqual([without.exitCode, without.stdout], [2, ""]);
    assert.match(without.stderr, /--cert is missing/);
  });

  it("takes paths and the server from the environment, of either name", async () => {
    for (const prefix of ["HESSRA", "COUNTERSIGN"]) {
      const home = open();
      const key = prefix === "HESSRA" ? "HESSRA_KEY" : "COUNTERSIGN_CERT_KEY";
      const env = {
        [`${prefix}_SERVER`]: "127.0.0.1",
        [`${prefix}_PORT`]: `${authority.port}`,
        [`${prefix}_CA`]: home.at("ca.crt"),
        [`${prefix}_CERT`]: home.at("me.crt"),
        [key]: home.at("me.key"),
      };
      assert.equal((await home.json(["identity", "authenticate"], "", env)).said.identity, alice);
    }
  });
});

describe("countersign identity", () => {
  it("delegates, verifies, inspects and lists, without asking the authority", async () => {
    const home = await authenticated();
    const asked = authority.seen.length;
    const made = await home.json([
      "identity",
      "delegate",
      "-i",
      `${alice}:laptop`,
      "--ttl",
      "600",
      "--save-as",
      "laptop",
    ]);
    const { token, ...rest } = made.said;
    assert.deepEqual(rest, {
      success: true,
      server: authority.address,
      delegated_identity: `${alice}:laptop`,
      ttl: 600,
      from_token: "default",
      saved: true,
      saved_as: "laptop",
      token_path: home.at(`${folder}/tokens/laptop.token`),
    });
    const saved = readFileSync(home.at(`${folder}/tokens/laptop.token`), "utf8");
    assert.equal(saved, token);
    const only = await home.cli(["identity", "delegate", "-i", `${alice}:laptop`, "--token-only"]);
    assert.match(only.stdout, /^[\w-]+=*\n$/);

    const laptop = ["identity", "verify", "--token-name", "laptop"];
    assert.deepEqual((await home.json(laptop)).said, { success: true, valid: true, identity: `${alice}:laptop` });
    const other = await home.json([...laptop, "-i", alice]);
    assert.deepEqual([other.exitCode, other.said.success, other.said.valid], [1, false, false]);
    const bare = await home.json(["identity", "verify"]);
    assert.equal(bare.said.identity, alice);

    const inspected = (await home.json(["identity", "inspect", "--token-name", "laptop"])).said;
    assert.equal(inspected.source, "saved token 'laptop'");
    assert.deepEqual([inspected.identity, inspected.status], [`${alice}:laptop`, "valid"]);
    assert.ok(inspected.expiry - systemClock.now() / 1000 <= 600, "the delegate's end, not the authority's");
    assert.equal(inspected.tree[0].children[0].name, `${alice}:laptop`);
    assert.deepEqual([inspected.tree[0].tokens, inspected.tree[0].children[0].tokens], [["default"], ["laptop"]]);
    const drawn = await home.cli(["identity", "inspect", "-v"]);
    assert.match(
      drawn.stdout,
      /^urn:example:alice: valid, in (59 minutes|1 hour) \(saved token 'default'\)\n\nurn:example:alice {2}ends/,
    );
    assert.match(drawn.stdout, /\n└─ urn:example:alice:laptop {2}ends in (9|10) minutes {2}\[laptop\]\n/);
    assert.match(drawn.stdout, /block 0: authority/);

    assert.deepEqual((await home.json(["identity", "list"])).said, { tokens: ["default", "laptop"], count: 2 });
    writeFileSync(home.at(`${folder}/tokens/broken.token`), "a");
    const { tokens } = (await home.json(["identity", "list", "--details"])).said;
    assert.deepEqual(
      tokens.map(({ name, identity, error }: Record<string, string>) => [name, identity ?? error]),
      [
        ["broken", "Invalid or corrupted token"],
        ["default", alice],
        ["laptop", `${alice}:laptop`],
      ],
    );
    assert.equal(authority.seen.length, asked);
  });

  it("refuses what is not below, and names that are paths", async () => {
    const home = await authenticated();
    const sideways = await home.json(["identity", "delegate", "-i", "urn:example:bob"]);
    assert.deepEqual([sideways.exitCode, sideways.said.success], [1, false]);
    for (const name of ["../x", "a/b", ".hidden", "", "a\nb"]) {
      const { exitCode } = await home.cli(["identity", "delegate", "-i", `${alice}:a`, "--save-as", name]);
      assert.equal(exitCode, 2, name);
    }
    for (const server of ["..", "."]) {
      assert.notEqual((await home.cli(["identity", "list", "--server", server])).exitCode, 0, server);
    }
  });

  it("reads a token of a file, with white space around it, and of stdin, needing no server", async () => {
    const home = await authenticated();
    const token = readFileSync(home.at(`${folder}/tokens/default.token`), "utf8");
    writeFileSync(home.at("token"), `\n${token}\r\n`);
    const key = readFileSync(home.at(`${folder}/public_key.pem`), "utf8");
    writeFileSync(home.at("root.pem"), key);
    const elsewhere = open();
    const verify = ["identity", "verify", "--token-file"];
    const { said } = await elsewhere.json([...verify, home.at("token"), "--public-key-file", home.at("root.pem")]);
    assert.equal(said.identity, alice);
    for (const text of [key, Buffer.from(key).toString("base64"), authority.root.publicKey.toString()]) {
      const env = { HESSRA_PUBLIC_KEY: text };
      assert.equal((await elsewhere.json([...verify, "-"], `${token}\n`, env)).said.identity, alice);
    }
    const delegate = ["identity", "delegate", "--token-file", "-", "-i", `${alice}:x`, "--public-key", key];
    assert.equal((await elsewhere.json(delegate, token)).said.saved, false);
  });

  it("refreshes without a certificate, and mints below it", async () => {
    const home = await authenticated();
    const { said } = await home.json(["identity", "refresh"]);
    assert.deepEqual([said.success, said.identity, said.expires_in, said.saved_as], [true, alice, 3600, "default"]);
    await home.cli(["identity", "delegate", "-i", `${alice}:laptop`, "--save-as", "laptop"]);
    const refused = await home.json(["identity", "refresh", "--token-name", "laptop"]);
    assert.deepEqual([refused.exitCode, refused.said.success], [1, false]);
    const minted = await home.json(["identity", "mint", "-s", `${alice}:user1`, "--ttl", "60", "--save-as", "user1"]);
    assert.deepEqual([minted.said.identity, minted.said.expires_in, minted.said.saved], [`${alice}:user1`, 60, true]);
    const outside = await home.json(["identity", "mint", "-s", "urn:example:bob"]);
    assert.deepEqual([outside.exitCode, outside.said.success], [1, false]);
  });

  it("prunes what has expired and nothing else", async () => {
    const home = await authenticated();
    const prune = ["identity", "prune"];
    const none = { checked: 1, expired: 0, removed: 0, message: "No expired tokens found" };
    assert.deepEqual((await home.json(prune)).said, none);
    const old = await mintIdentity(authority.root, { subject: alice }, { clock: { now: () => 1000 } });
    writeFileSync(home.at(`${folder}/tokens/old.token`), old.toBase64());
    const stranger = await mintIdentity(
      await KeyPair.generate("secp256r1"),
      { subject: alice },
      { clock: systemClock },
    );
    writeFileSync(home.at(`${folder}/tokens/strange.token`), stranger.toBase64());
    const counts = { checked: 3, expired: 1, errors: ["strange: cannot be verified"] };
    const dry = { ...counts, removed: 0, would_remove: ["old"], dry_run: true };
    assert.deepEqual((await home.json([...prune, "--dry-run"])).said, dry);
    assert.deepEqual((await home.json(prune)).said, { ...counts, removed: 0, cancelled: true });
    assert.deepEqual((await home.json([...prune, "-f"])).said, { ...counts, removed: 1, success: true });
    assert.deepEqual((await home.json(["identity", "list"])).said.tokens, ["default", "strange"]);
  });

  it("deletes, also what is not there", async () => {
    const home = await authenticated();
    for (const name of ["default", "default"]) {
      const { said } = await home.json(["identity", "delete", name]);
      assert.deepEqual(said, { success: true, server: authority.address, deleted: name });
    }
    const none = await home.json(["identity", "verify"]);
    assert.match(none.said.error, /no token of the name default/);
  });

  it("takes --json and -v before the command, as the original does", async () => {
    const home = await authenticated();
    const { stdout } = await home.cli(["--json", "-v", "identity", "inspect"]);
    assert.equal(JSON.parse(stdout).content.kind, "identity");
  });
});

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { randomSecret } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { openKeyEncryptionKeyFile, replaceKeyEncryptionKeyFile } from "../../src/keys/key-encryption-key.ts";

const run = promisify(execFile);
const module = new URL("../../src/keys/key-encryption-key.ts", import.meta.url).href;
const good = `${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64url")}\n`;

describe("openKeyEncryptionKeyFile", () => {
  let directory = "";
  let serial = 0;
  const aPath = () => join(directory, `kek-${serial++}`);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "countersign-kek-"));
  });
  after(() => rm(directory, { recursive: true }));

  it("makes a file for its owner alone, once", async () => {
    const path = aPath();
    const made = await openKeyEncryptionKeyFile({ path });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.match(await readFile(path, "latin1"), /^[A-Za-z0-9_-]{43}\n$/);
    assert.equal((await openKeyEncryptionKeyFile({ path })).id, made.id);
  });

  it("writes nothing where there is a key", async () => {
    const own = await mkdtemp(join(directory, "own-"));
    const path = join(own, "kek");
    await openKeyEncryptionKeyFile({ path });
    await utimes(own, 1, 1);
    await openKeyEncryptionKeyFile({ path });
    assert.equal((await stat(own)).mtimeMs, 1000);
  });

  it("lets one of many callers win, and leaves no draft behind (F4)", async () => {
    const path = aPath();
    const opened = await Promise.all(Array.from({ length: 20 }, () => openKeyEncryptionKeyFile({ path })));
    assert.equal(new Set(opened.map(({ id }) => id)).size, 1);
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.endsWith(".new")),
      [],
    );
  });

  it("lets one of several processes win (F4)", async () => {
    const path = aPath();
    const script = `import { openKeyEncryptionKeyFile } from ${JSON.stringify(module)};
      console.log((await openKeyEncryptionKeyFile({ path: ${JSON.stringify(path)} })).id);`;
    const flags = ["-C", "@countersign/source", "--input-type=module", "-e", script];
    const ids = await Promise.all(
      Array.from({ length: 4 }, async () => (await run(process.execPath, flags)).stdout.trim()),
    );
    assert.equal(new Set(ids).size, 1);
    assert.match(ids[0] ?? "", /^[A-Za-z0-9_-]{16}$/);
  });

  for (const { id, plant } of [
    { id: "a whole key", plant: (draft: string) => write(draft, good, 0o600) },
    { id: "a link to one", plant: (draft: string) => symlink(join(directory, "elsewhere"), draft) },
    {
      id: "a directory",
      plant: async (draft: string) => void (await mkdir(join(draft, "in it"), { recursive: true })),
    },
  ]) {
    it(`neither trusts nor is kept out by ${id} that stands where it would write a draft (F4)`, async () => {
      const path = aPath();
      const twin = seededRandom(7);
      randomSecret(twin, 32);
      await plant(`${path}.${randomSecret(twin, 12)}.new`);
      const { id: made } = await openKeyEncryptionKeyFile({ path, random: seededRandom(7) });
      assert.notEqual(await readFile(path, "latin1"), good);
      assert.equal((await openKeyEncryptionKeyFile({ path })).id, made);
      assert.equal((await stat(path)).nlink, 1);
    });
  }

  it("clears away the drafts that a crash has left, and nothing else", async () => {
    const path = aPath();
    const { id } = await openKeyEncryptionKeyFile({ path });
    const left = [`${path}.${"d".repeat(16)}.new`, `${path}.${"e".repeat(16)}.new`];
    await link(path, left[0] ?? "");
    await write(left[1] ?? "", good, 0o600);
    const asLong = join(directory, `${"x".repeat(basename(path).length)}.${"d".repeat(16)}.new`);
    const others = [`${path}.next`, `${path}-other`, `${path}.new`, `${path}.short.new`, asLong];
    for (const name of others) await write(name, good, 0o600);
    assert.equal((await openKeyEncryptionKeyFile({ path })).id, id);
    for (const name of left) await assert.rejects(stat(name), { code: "ENOENT" });
    for (const name of others) assert.equal(await readFile(name, "latin1"), good);
    assert.equal((await stat(path)).nlink, 1);
  });

  const rows: readonly { id: string; build: (path: string) => Promise<unknown>; expect: RegExp }[] = [
    { id: "mode 0644", build: (path) => write(path, good, 0o644), expect: /with mode 0644.*chmod it to 0600/ },
    { id: "mode 0660", build: (path) => write(path, good, 0o660), expect: /with mode 0660/ },
    { id: "mode 0602", build: (path) => write(path, good, 0o602), expect: /with mode 0602/ },
    {
      id: "a symbolic link",
      build: async (path) => {
        await write(`${path}-target`, good, 0o600);
        await symlink(`${path}-target`, path);
      },
      expect: /symbolic link/,
    },
    { id: "a dangling symbolic link", build: (path) => symlink(`${path}-nowhere`, path), expect: /symbolic link/ },
    { id: "a directory", build: (path) => mkdir(path, { mode: 0o700 }), expect: /regular file/ },
    { id: "empty", build: (path) => write(path, "", 0o600), expect: /truncated or changed/ },
    { id: "truncated", build: (path) => write(path, good.slice(0, 20), 0o600), expect: /truncated or changed/ },
    { id: "one character short", build: (path) => write(path, good.slice(1), 0o600), expect: /truncated or changed/ },
    { id: "longer", build: (path) => write(path, `${good}x`, 0o600), expect: /truncated or changed/ },
    {
      id: "another alphabet",
      build: (path) => write(path, `${"+".repeat(43)}\n`, 0o600),
      expect: /truncated or changed/,
    },
    { id: "zeros", build: (path) => write(path, `${"A".repeat(43)}\n`, 0o600), expect: /bytes are all equal/ },
  ];
  for (const { id, build, expect } of rows) {
    it(`refuses and does not overwrite: ${id} (F4)`, async () => {
      const path = aPath();
      await build(path);
      await assert.rejects(openKeyEncryptionKeyFile({ path }), expect);
      await assert.rejects(openKeyEncryptionKeyFile({ path }), expect);
    });
  }

  const unlessRoot = process.geteuid?.() === 0 ? false : "only root can give files away and become somebody else";
  /** A user that has no name and no home. */
  const nobody = 12_345;
  /** Opens the file as that user, in a process that gave up being root. */
  const openAsNobody = async (path: string) => {
    const script = `import { openKeyEncryptionKeyFile } from ${JSON.stringify(module)};
      process.setuid(${nobody});
      console.log((await openKeyEncryptionKeyFile({ path: ${JSON.stringify(path)} })).id);`;
    return run(process.execPath, ["-C", "@countersign/source", "--input-type=module", "-e", script]);
  };

  it("tells root to run as the user whose key it is, not to take it", { skip: unlessRoot }, async () => {
    const path = aPath();
    await write(path, good, 0o600);
    await chown(path, nobody, nobody);
    await assert.rejects(openKeyEncryptionKeyFile({ path }), /belongs to user 12345: .*; run this as user 12345$/);
  });

  it("makes and reads the key of a user without a name", { skip: unlessRoot }, async () => {
    const own = await mkdtemp(join(tmpdir(), "countersign-kek-"));
    await chown(own, nobody, nobody);
    const path = join(own, "kek");
    const { stdout } = await openAsNobody(path);
    assert.equal((await openAsNobody(path)).stdout, stdout);
    await rm(own, { recursive: true });
  });

  it("refuses a user the key of another one", { skip: unlessRoot }, async () => {
    const own = await mkdtemp(join(tmpdir(), "countersign-kek-"));
    await chmod(own, 0o755);
    const path = join(own, "kek");
    await write(path, good, 0o644);
    await chown(path, nobody + 1, nobody + 1);
    await assert.rejects(openAsNobody(path), /belongs to user 12346: .*; chown it to 12345/);
    await rm(own, { recursive: true });
  });

  it("accepts a key that was written by hand, with mode 0400 and no line feed", async () => {
    const path = aPath();
    await write(path, good.trim(), 0o400);
    assert.equal((await openKeyEncryptionKeyFile({ path })).id.length, 16);
  });

  /** The same bytes again and again, and how often they were asked for. */
  const stuck = () => ({
    asked: 0,
    bytes(length: number) {
      this.asked += 1;
      return Buffer.from(good.slice(0, length));
    },
  });

  it("reports a directory that does not exist, at the first draft", async () => {
    const random = stuck();
    const path = join(directory, "missing", "kek");
    await assert.rejects(openKeyEncryptionKeyFile({ path, random }), /Cannot create/);
    assert.equal(random.asked, 2);
  });

  it("gives up where every draft stands already", async () => {
    const path = aPath();
    await write(`${path}.${randomSecret(stuck(), 12)}.new`, good, 0o600);
    const random = stuck();
    await assert.rejects(openKeyEncryptionKeyFile({ path, random }), /Cannot create/);
    assert.equal(random.asked, 1 + 8);
  });
});

describe("replaceKeyEncryptionKeyFile", () => {
  const files = async (context: TestContext) => {
    const directory = await mkdtemp(join(tmpdir(), "countersign-kek-"));
    context.after(() => rm(directory, { recursive: true }));
    return { directory, path: join(directory, "kek"), nextPath: join(directory, "kek.next") };
  };

  it("puts the next key in place and keeps the one before under its id, for its owner alone", async (context) => {
    const { directory, path, nextPath } = await files(context);
    const before = await openKeyEncryptionKeyFile({ path });
    const next = await openKeyEncryptionKeyFile({ path: nextPath });
    const kept = await replaceKeyEncryptionKeyFile({ path, nextPath });
    assert.equal(kept, `${path}-${before.id}`);
    assert.deepEqual((await readdir(directory)).sort(), ["kek", `kek-${before.id}`]);
    assert.equal((await openKeyEncryptionKeyFile({ path })).id, next.id);
    assert.equal((await openKeyEncryptionKeyFile({ path: kept ?? "" })).id, before.id);
    assert.equal((await stat(kept ?? "")).mode & 0o777, 0o600);
  });

  it("only puts the key aside when no other takes its place", async (context) => {
    const { directory, path } = await files(context);
    const { id } = await openKeyEncryptionKeyFile({ path });
    await replaceKeyEncryptionKeyFile({ path });
    assert.deepEqual(await readdir(directory), [`kek-${id}`]);
  });

  it("keeps nothing where there was no key", async (context) => {
    const { directory, path, nextPath } = await files(context);
    await openKeyEncryptionKeyFile({ path: nextPath });
    assert.equal(await replaceKeyEncryptionKeyFile({ path, nextPath }), undefined);
    assert.deepEqual(await readdir(directory), ["kek"]);
  });

  it("loses no key to a file that has its name already", async (context) => {
    const { path, nextPath } = await files(context);
    const { id } = await openKeyEncryptionKeyFile({ path });
    await openKeyEncryptionKeyFile({ path: nextPath });
    await write(`${path}-${id}`, good, 0o600);
    await assert.rejects(replaceKeyEncryptionKeyFile({ path, nextPath }), /Cannot keep the key before/);
    assert.equal((await openKeyEncryptionKeyFile({ path })).id, id);
  });
});

async function write(path: string, text: string, mode: number): Promise<void> {
  await writeFile(path, text);
  await chmod(path, mode);
}

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { cachedSource, createToken, systemClock, tokenKey } from "@countersign/token-keeper";
import { aliriFileCache, fileCache, fileSource } from "@countersign/token-keeper/node";
import { FakeClock } from "@countersign/token-keeper/testing";
import { build } from "esbuild";
import { aContext, aFolder, aSource } from "../support/context.ts";
import { startTokenServer } from "../support/token-server.ts";

const windows = process.platform === "win32" ? "modes and owners are those of POSIX" : false;
const linux = process.platform === "linux";
const root = process.geteuid?.() === 0;

async function onlyFile(folder: string): Promise<string> {
  const [name, ...more] = await readdir(folder);
  assert.ok(name !== undefined && more.length === 0);
  return join(folder, name);
}

async function inPlaceOf(path: string, make: () => Promise<unknown>): Promise<void> {
  await rename(path, `${path}.real`);
  await make();
}

describe("fileCache() on disk", { skip: windows }, () => {
  it("makes its folder 0700 and its files 0600, and leaves nothing else behind", async () => {
    await using folder = await aFolder();
    const path = join(folder.path, "a", "b");
    const cache = fileCache({ folder: path });
    await cache.set("k", "v");
    await cache.set("k", "w");
    await (await cache.lease("k", 1_000))?.release();
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(await onlyFile(path))).mode & 0o777, 0o600);
  });

  it("encrypts: no part of the value is readable, and an entry under another name does not open", async () => {
    await using folder = await aFolder();
    const [first, second] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const cache = fileCache({ folder: folder.path, keys: [first] });
    await cache.set("k", "value");
    const path = await onlyFile(folder.path);
    assert.ok(!(await readFile(path, "utf8")).includes("value"));
    assert.equal(await fileCache({ folder: folder.path, keys: [second, first] }).get("k"), "value");
    await assert.rejects(fileCache({ folder: folder.path, keys: [second] }).get("k"), /Cannot open/);
    await cache.set("other", "other value");
    const other = (await readdir(folder.path)).map((name) => join(folder.path, name)).find((name) => name !== path);
    await rename(path, other ?? "");
    await assert.rejects(cache.get("other"), /Cannot open/);
  });

  const unsafe: Record<string, { readonly make: (path: string) => Promise<unknown>; readonly skip?: boolean }> = {
    "that others may read": { make: (path) => chmod(path, 0o644) },
    "that its group may read": { make: (path) => chmod(path, 0o640) },
    "that is a symbolic link": { make: (path) => inPlaceOf(path, () => symlink(`${path}.real`, path)) },
    "that is a dangling link": { make: (path) => inPlaceOf(path, () => symlink("/nowhere", path)) },
    "that has a second name": { make: (path) => link(path, `${path}.again`) },
    "that is a folder": { make: (path) => inPlaceOf(path, () => mkdir(path)) },
    "that is a pipe": {
      make: (path) => inPlaceOf(path, async () => assert.equal(spawnSync("mkfifo", ["-m", "600", path]).status, 0)),
    },
    "that has another owner": { make: async (path) => spawnSync("chown", ["65534", path]), skip: !root },
    "that is too large": { make: (path) => truncate(path, 2_000_000) },
  };
  for (const [name, { make, skip = false }] of Object.entries(unsafe)) {
    it(`refuses a file ${name}, asks the source, and writes anew`, {
      skip: skip && "changing owners takes root",
    }, async () => {
      await using folder = await aFolder();
      await using server = await startTokenServer();
      const cache = fileCache({ folder: folder.path });
      const source = cachedSource(aSource(server), { caches: [cache] });
      await source.request(aContext({ clock: systemClock }));
      await make(await onlyFile(folder.path));
      const context = aContext({ clock: systemClock });
      assert.equal((await source.request(context)).accessToken.reveal(), "token-2");
      assert.ok(context.events.some(({ type }) => type === "cache_failed"));
      const rewritten = (await readdir(folder.path)).find((entry) => entry.endsWith(".json"));
      const found = await lstat(join(folder.path, rewritten ?? ""));
      // A folder stays in the way; anything else is replaced by a file of our own.
      if (!found.isDirectory()) {
        assert.ok(found.isFile());
        assert.equal((await source.request(aContext({ clock: systemClock }))).accessToken.reveal(), "token-2");
      }
    });
  }

  for (const mode of [0o777, 0o720, 0o702]) {
    it(`refuses a folder that others may write, mode ${mode.toString(8)}`, async () => {
      await using folder = await aFolder();
      await chmod(folder.path, mode);
      await assert.rejects(fileCache({ folder: folder.path }).set("k", "v"), /chmod 700/);
    });
  }

  it("refuses a folder of another owner", { skip: !root && "changing owners takes root" }, async () => {
    await using folder = await aFolder();
    await chown(folder.path, 65_534, 65_534);
    await assert.rejects(fileCache({ folder: folder.path }).set("k", "v"), /another owner/);
  });

  it("leaves no temporary file behind when it cannot replace the value", async () => {
    await using folder = await aFolder();
    const cache = fileCache({ folder: folder.path });
    await cache.set("k", "v");
    const path = await onlyFile(folder.path);
    await unlink(path);
    await mkdir(path);
    await assert.rejects(cache.set("k", "v"));
    assert.equal(await onlyFile(folder.path), path);
  });

  it("does not take a process of another host for dead because this host has none of its number", async () => {
    await using folder = await aFolder();
    const clock = new FakeClock();
    const cache = fileCache({ folder: folder.path, clock });
    await cache.lease("k", 5_000);
    const path = await onlyFile(folder.path);
    const holder = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...holder, host: "elsewhere", pid: 2 ** 22 + 1 }));
    assert.equal(await cache.lease("k", 5_000), undefined);
  });

  it("refuses a folder that is a link", async () => {
    await using folder = await aFolder();
    await symlink(folder.path, join(folder.path, "link"));
    await assert.rejects(fileCache({ folder: join(folder.path, "link") }).set("k", "v"), /EEXIST|no folder/);
  });

  it("takes over the lock of a dead process at once, and of a silent one after its life", async () => {
    await using folder = await aFolder();
    const clock = new FakeClock();
    const cache = fileCache({ folder: folder.path, clock });
    await cache.lease("k", 5_000);
    const path = await onlyFile(folder.path);
    const holder = JSON.parse(await readFile(path, "utf8"));

    await writeFile(path, JSON.stringify({ ...holder, pid: 2 ** 22 + 1 }));
    const lease = await cache.lease("k", 5_000);
    assert.equal(lease?.takenOver, true);

    await writeFile(path, JSON.stringify({ ...holder, host: "elsewhere", until: clock.now() + 9e9 }));
    assert.equal(await cache.lease("k", 5_000), undefined);
    await clock.advance(4_999);
    assert.equal(await cache.lease("k", 5_000), undefined);
    await clock.advance(1);
    const leases = await Promise.all(Array.from({ length: 10 }, () => cache.lease("k", 5_000)));
    assert.equal(leases.filter((lease) => lease !== undefined).length, 1);
  });

  it("takes no copied lock, and none of another host of its name, for a dead process's", async () => {
    await using folder = await aFolder();
    const cache = fileCache({ folder: folder.path, clock: new FakeClock() });
    await cache.lease("k", 60_000);
    const path = await onlyFile(folder.path);
    const holder = JSON.parse(await readFile(path, "utf8"));
    const gone = { ...holder, pid: 2 ** 22 + 1, thread: 2 ** 22 + 1 };
    const forged = [
      { ...gone, host: hostname() },
      { ...gone, ino: undefined },
    ];
    for (const lock of forged) {
      await writeFile(path, JSON.stringify(lock));
      assert.equal(await cache.lease("k", 60_000), undefined);
    }
    await writeFile(path, JSON.stringify(gone));
    await copyFile(path, `${path}.copy`);
    await rename(`${path}.copy`, path);
    assert.equal(await cache.lease("k", 60_000), undefined);
  });

  it("takes over at once the lock of a thread that was ended in this process", { skip: !linux }, async () => {
    await using folder = await aFolder();
    const script = `
      import { parentPort, workerData } from "node:worker_threads";
      import { fileCache } from "@countersign/token-keeper/node";
      await fileCache({ folder: workerData }).lease("k", 600_000);
      parentPort.postMessage("held");
      setInterval(() => undefined, 1_000);`;
    const program = join(folder.path, "worker.mjs");
    await build({
      stdin: { contents: script, resolveDir: import.meta.dirname },
      outfile: program,
      bundle: true,
      platform: "node",
      format: "esm",
      conditions: ["@countersign/source"],
    });
    const worker = new Worker(program, { workerData: join(folder.path, "tokens") });
    await once(worker, "message");
    const cache = fileCache({ folder: join(folder.path, "tokens") });
    assert.equal(await cache.lease("k", 600_000), undefined);
    await worker.terminate();
    assert.equal((await cache.lease("k", 600_000))?.takenOver, true);
  });

  it("release() leaves alone a successor's lock that came while it looked", async () => {
    await using folder = await aFolder();
    const cache = fileCache({ folder: folder.path, clock: new FakeClock() });
    const lease = await cache.lease("k", 60_000);
    const path = await onlyFile(folder.path);
    // A successor judges the lock just now.
    await writeFile(`${path}.break`, "", { mode: 0o600 });
    const released = lease?.release();
    // Long enough for one that did not wait to have removed it.
    for (let i = 0; i < 20; i++) await readFile(path, "utf8");
    const holder = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...holder, nonce: "successor" }));
    await unlink(`${path}.break`);
    await released;
    assert.equal(JSON.parse(await readFile(path, "utf8")).nonce, "successor");
  });

  for (const code of ["EPERM", "EINVAL", "ENOTSUP", "EIO"]) {
    const works = code !== "EIO";
    it(`${works ? "keeps tokens on" : "keeps nothing on"} a file system whose fsync answers ${code}`, async (context) => {
      await using folder = await aFolder();
      const handle = await open(join(folder.path, "probe"), "w");
      await handle.close();
      const refuse = () => Promise.reject(Object.assign(new Error(code), { code }));
      context.mock.method(Object.getPrototypeOf(handle), "sync", refuse);
      const cache = fileCache({ folder: join(folder.path, "tokens") });
      await cache.set("k", "v").catch((error) => assert.equal(error.code, works ? "none" : code));
      assert.equal(await cache.get("k"), works ? "v" : undefined);
    });
  }

  it("takes over a lock whose process number was given to another process", async () => {
    await using folder = await aFolder();
    const cache = fileCache({ folder: folder.path });
    await cache.lease("k", 60_000);
    const path = await onlyFile(folder.path);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), started: "1" }));
    assert.equal((await cache.lease("k", 60_000))?.takenOver, true);
  });

  it("leaves a lock alone that another took over while this one judged the lock before", async () => {
    await using folder = await aFolder();
    const clock = new FakeClock();
    await fileCache({ folder: folder.path }).lease("k", 5_000);
    const path = await onlyFile(folder.path);
    const live = await readFile(path, "utf8");
    await writeFile(path, JSON.stringify({ ...JSON.parse(live), host: "elsewhere", nonce: "old", until: 0 }));
    let judged = 0;
    // The old lock is found to be over by this clock; from that moment on the file is the live holder's.
    const judging = {
      sleep: clock.sleep.bind(clock),
      now() {
        if (JSON.parse(readFileSync(path, "utf8")).nonce === "old" && ++judged === 2) writeFileSync(path, live);
        return clock.now();
      },
    };
    assert.equal(await fileCache({ folder: folder.path, clock: judging }).lease("k", 5_000), undefined);
    assert.equal(judged, 2);
    assert.equal(await readFile(path, "utf8"), live);
  });

  it("takes over a lock that was never written", async () => {
    await using folder = await aFolder();
    const clock = new FakeClock();
    const cache = fileCache({ folder: folder.path, clock });
    await (await cache.lease("k", 60_000))?.release();
    await cache.lease("k", 60_000);
    await truncate(await onlyFile(folder.path), 0);
    assert.equal(await cache.lease("k", 60_000), undefined);
    await clock.advance(5_000);
    assert.equal((await cache.lease("k", 60_000))?.takenOver, true);
  });
});

describe("aliriFileCache()", () => {
  const identity = { issuer: "https://a.example", clientId: "c", grant: "client_credentials" };
  const record = {
    access_token: "from-aliri",
    id_token: null,
    lifetime: 86_400,
    issued: 1_700_000_000,
    stale: 1_700_064_800,
    expiry: 1_700_086_400,
  };

  it("reads aliri's file for its own identity, and writes nothing for another", async () => {
    await using folder = await aFolder();
    const path = join(folder.path, "token.json");
    await writeFile(path, JSON.stringify(record, undefined, 2), { mode: 0o600 });
    const cache = aliriFileCache({ path, identity });
    const source = { identity, request: () => Promise.reject(new Error("not asked")) };
    const token = await cachedSource(source, { caches: [cache] }).request(aContext());
    assert.equal(token.accessToken.reveal(), "from-aliri");
    assert.deepEqual([token.issuedAt, token.staleAt, token.expiresAt], [1.7e12, 1_700_064_800_000, 1_700_086_400_000]);
    const other = tokenKey({ ...identity, audience: "other" });
    assert.equal(await cache.get(other), undefined);
    await cache.set("k", "v");
    await cache.set(other, (await cache.get(tokenKey(identity)))?.replace(tokenKey(identity), other) ?? assert.fail());
    const bound = {
      ...source,
      request: async () => createToken({ accessToken: "d", tokenType: "DPoP" }, { issuedAt: 1.8e12, lifetimeMs: 9 }),
    };
    await cachedSource(bound, { caches: [cache] }).request(aContext({ rejected: token.accessToken }));
    assert.equal(JSON.parse(await readFile(path, "utf8")).access_token, "from-aliri");
  });

  it("writes what the crate reads: its six members in its order, whole seconds, two spaces, mode 0600", async () => {
    await using folder = await aFolder();
    const path = join(folder.path, "token.json");
    await writeFile(path, JSON.stringify(record), { mode: 0o644 });
    const context = aContext();
    context.clock.jump(700);
    const fresh = {
      identity,
      request: async () => createToken({ accessToken: "ours" }, { issuedAt: 1_700_000_000_700, lifetimeMs: 3_600_900 }),
    };
    const cache = aliriFileCache({ path, identity });
    await cachedSource(fresh, { caches: [cache] }).request(context);
    assert.equal(
      await readFile(path, "utf8"),
      `{
  "access_token": "ours",
  "id_token": null,
  "lifetime": 3601,
  "issued": 1700000000,
  "stale": 1700002701,
  "expiry": 1700003601
}`,
    );
    assert.equal((await lstat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder.path), ["token.json"]);
    const read = await cachedSource(fresh, { caches: [cache] }).request(aContext());
    assert.deepEqual([read.accessToken.reveal(), read.expiresAt], ["ours", 1_700_003_601_000]);
  });

  it("clamps a staleness that aliri's arithmetic put behind expiry", async () => {
    await using folder = await aFolder();
    const path = join(folder.path, "token.json");
    await writeFile(path, JSON.stringify({ ...record, stale: 1_700_000_030, expiry: 1_700_000_010 }), { mode: 0o600 });
    const token = await fileSource({ path }).request(aContext());
    assert.equal(token.staleAt, token.expiresAt);
  });
});

describe("fileSource()", () => {
  it("reads a bare JWT by its own times", async () => {
    await using folder = await aFolder();
    const path = join(folder.path, "token");
    const jwt = `e30.${Buffer.from(JSON.stringify({ iat: 1_700_000_000, exp: 1_700_003_600 })).toString("base64url")}.c2ln`;
    await writeFile(path, `${jwt}\n`, { mode: 0o600 });
    const token = await fileSource({ path }).request(aContext());
    assert.deepEqual([token.accessToken.reveal(), token.lifetimeMs], [jwt, 3_600_000]);
  });

  it("refuses a link and a shared file unless told", { skip: windows }, async () => {
    await using folder = await aFolder();
    const [path, linked] = [join(folder.path, "token"), join(folder.path, "link")];
    const jwt = `e30.${Buffer.from(JSON.stringify({ exp: 1_700_003_600 })).toString("base64url")}.c2ln`;
    await writeFile(path, jwt, { mode: 0o644 });
    await symlink(path, linked);
    await assert.rejects(fileSource({ path }).request(aContext()), /chmod 600/);
    await assert.rejects(fileSource({ path: linked }).request(aContext()), /symbolic link/);
    assert.equal((await fileSource({ path: linked, shared: true }).request(aContext())).accessToken.reveal(), jwt);
  });

  it("tells a file without a token, and no file", async () => {
    await using folder = await aFolder();
    const path = join(folder.path, "token");
    await assert.rejects(fileSource({ path }).request(aContext()), { code: "invalid_response" });
    await writeFile(path, "{}", { mode: 0o600 });
    await assert.rejects(fileSource({ path }).request(aContext()), { code: "invalid_response" });
  });
});

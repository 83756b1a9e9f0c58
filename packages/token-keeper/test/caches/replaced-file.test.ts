import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileCache } from "@countersign/token-keeper/node";
import { aFolder } from "../support/context.ts";

describe("fileCache() under concurrent writers", () => {
  it("reads a whole value or another, and never an error, while it is replaced", async () => {
    await using folder = await aFolder();
    const caches = Array.from({ length: 4 }, () => fileCache({ folder: folder.path }));
    const values = caches.map((_, index) => `${index}`.repeat(10_000));
    await caches[0]?.set("k", values[0] ?? "");
    let writing = true;
    const readers = Promise.all(
      caches.map(async (cache) => {
        while (writing) assert.ok(values.includes((await cache.get("k")) ?? ""));
      }),
    );
    for (let round = 0; round < 100; round++)
      await Promise.all(caches.map((cache, index) => cache.set("k", values[index] ?? "")));
    writing = false;
    await readers;
  });

  it("grants leases that come and go quickly to one at a time, and never fails", async () => {
    await using folder = await aFolder();
    let [holders, most, granted] = [0, 0, 0];
    const contend = async () => {
      const cache = fileCache({ folder: folder.path });
      while (granted < 300) {
        const lease = await cache.lease("k", 60_000);
        if (lease === undefined) continue;
        assert.equal(lease.takenOver, false);
        granted++;
        most = Math.max(most, ++holders);
        await cache.get("k");
        holders--;
        await lease.release();
      }
    };
    await Promise.all(Array.from({ length: 8 }, contend));
    assert.equal(most, 1);
  });

  it("lets one of 20 take over a dead process's lock, 20 times", async () => {
    await using folder = await aFolder();
    const leases = Array.from({ length: 20 }, () => fileCache({ folder: folder.path }));
    await leases[0]?.lease("k", 60_000);
    const path = join(folder.path, (await readdir(folder.path))[0] ?? "");
    const dead = { ...JSON.parse(await readFile(path, "utf8")), pid: 2 ** 22 + 1 };
    for (let round = 0; round < 20; round++) {
      // The winner of the round before made a file of its own, whose inode need not be that of the first.
      const { ino } = await stat(path);
      await writeFile(path, JSON.stringify({ ...dead, ino, nonce: `${round}` }), { mode: 0o600 });
      let won = 0;
      // Tried until somebody has it: of those who only saw the breaking, none is refused for good.
      while (won === 0) {
        const tried = await Promise.all(leases.map((cache) => cache.lease("k", 60_000)));
        won += tried.filter((lease) => lease !== undefined).length;
      }
      assert.equal(won, 1);
    }
  });
});

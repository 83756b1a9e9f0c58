import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type DiskRecord, readDiskLog, shimEnvironment, shimMissing } from "./disk-shim.ts";
import { openAt, temporaryDirectory } from "./stores.ts";

const child = fileURLToPath(new URL("./faults-child.ts", import.meta.url));

interface Batch {
  readonly id: string;
  readonly turn: string;
  readonly outcome: "acknowledged" | "refused";
  readonly acknowledged: readonly string[];
}

describe("openSqliteStore: failing disk (J3)", { skip: shimMissing() }, () => {
  it("refuses what it cannot keep, keeps what it acknowledged, and recovers on a new handle", async (context) => {
    const directory = temporaryDirectory(context);
    const path = join(directory, "store.db");
    const { env, log } = shimEnvironment(directory, "store.db");
    const args = ["-C", "@countersign/source", child, path];
    const output = execFileSync(process.execPath, args, {
      maxBuffer: 1 << 26,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const batches: Batch[] = JSON.parse(output);

    await context.test("each kind of fault reached the store", () => {
      for (const id of ["write EIO", "write ENOSPC", "fsync EIO", "fsync ENOSPC", "disk full for a while"]) {
        assert.ok(
          batches.some((batch) => batch.id === id && batch.outcome === "refused"),
          id,
        );
      }
    });
    await context.test("a short write is completed", () => {
      const short = batches.filter(({ id }) => id === "short write");
      assert.ok(short.length > 0 && short.every(({ outcome }) => outcome === "acknowledged"));
    });
    await context.test("the batch after a refused one is written", () => {
      for (const [index, { outcome, turn }] of batches.entries()) {
        if (outcome === "refused" && turn !== "third") assert.equal(batches[index + 1]?.outcome, "acknowledged");
      }
    });
    await context.test("no call is made on the log's handle after one failed, until it is opened anew", () => {
      const records = readDiskLog(log);
      const failures = records.flatMap(({ kind }, index) => (kind === "failed" ? [index] : []));
      assert.ok(failures.length > 20);
      for (const index of failures) assert.equal(nextUse(records, index), "opened");
    });
    await context.test(
      "everything acknowledged is there when another process looks, and the file is whole",
      async () => {
        const store = await openAt(path, context);
        const acknowledged = batches.flatMap((batch) => batch.acknowledged);
        assert.ok(acknowledged.length > 10_000);
        for (const key of acknowledged) assert.notEqual(await store.get(key), undefined, key);
        using database = new DatabaseSync(path);
        assert.equal(database.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
      },
    );
  });
});

/** What happened first to the log after a record. */
function nextUse(records: readonly DiskRecord[], index: number): DiskRecord["kind"] | undefined {
  return records.slice(index + 1).find(({ name }) => name === "store.db-wal")?.kind;
}

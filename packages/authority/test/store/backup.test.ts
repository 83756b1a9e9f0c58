import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { systemClock } from "@countersign/protocol";
import { openAt, storePath } from "./stores.ts";

/** In another process, as the operator's sqlite3 does it: closing the file in this one would drop the store's locks. */
const vacuum = `
  import { DatabaseSync } from "node:sqlite";
  new DatabaseSync(process.argv[1]).exec(\`VACUUM INTO '\${process.argv[2]}'\`);
`;

describe("openSqliteStore: a backup while it writes (J11)", () => {
  it("holds all that was acknowledged before it began, nothing by halves, and opens as a store", async (context) => {
    const path = storePath(context);
    const copy = storePath(context);
    const store = await openAt(path, context);
    const write = (name: string, n: number) => store.swap(`${name}${n}`, 0, { value: name, owner: name });
    await Promise.all(Array.from({ length: 500 }, (_, n) => write("before", n)));
    const backup = spawn(process.execPath, ["--input-type=module", "-e", vacuum, path, copy], { stdio: "inherit" });
    const exited = once(backup, "exit");
    let written = 0;
    while (backup.exitCode === null) {
      // The two of a turn are in one commit.
      await Promise.all([write("left", written), write("right", written)]);
      written += 1;
    }
    assert.deepEqual(await exited, [0, null]);
    assert.ok(written > 0);
    {
      using database = new DatabaseSync(copy);
      assert.equal(database.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
    }
    const restored = await openAt(copy, context, { clock: systemClock });
    for (let n = 0; n < 500; n++) assert.ok(await restored.get(`before${n}`), `before${n}`);
    for (let n = 0; n < written; n++) {
      const [left, right] = await Promise.all([restored.get(`left${n}`), restored.get(`right${n}`)]);
      assert.equal(left === undefined, right === undefined, `half of turn ${n}`);
    }
    assert.ok(await restored.swap("after", 0, { value: 1 }));
    assert.ok(await store.swap("after", 0, { value: 1 }));
  });
});

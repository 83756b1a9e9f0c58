// Runs under the shim: rotates families on the store, or on its connection with a weaker setting as a control, and
// writes to a journal what was acknowledged. The shim records the journal among the other writes.
import assert from "node:assert/strict";
import { openSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "@countersign/protocol";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Unit } from "../../src/store/sqlite-batch.ts";
import { WritingConnection } from "../../src/store/sqlite-connection.ts";
import { prepareFile } from "../../src/store/sqlite-file.ts";

const families = 64;
const [path = "", synchronous = "", count = ""] = process.argv.slice(2);
const generations = Number(count) / families;
const journal = openSync(`${path}.journal`, "a");
const owner = "o".repeat(40);

function acknowledge(family: number, generation: number): void {
  writeSync(journal, `${family} ${generation}\n`);
}

async function rotateOnStore(): Promise<void> {
  const store = await openSqliteStore({ path, clock: systemClock });
  const rotate = async (_: unknown, family: number) => {
    let version = 0;
    for (let generation = 1; generation <= generations; generation++) {
      version = (await store.swap(`family ${family}`, version, { value: generation, owner })) ?? 0;
      assert.notEqual(version, 0);
      acknowledge(family, generation);
    }
  };
  await Promise.all(Array.from({ length: families }, rotate));
  await store.close();
}

/** The same work with the same statements, where only `synchronous` differs. */
function rotateOnConnection(): void {
  const exec = DatabaseSync.prototype.exec;
  const settings: unknown[] = [];
  DatabaseSync.prototype.exec = function (sql) {
    exec.call(this, sql.replace("PRAGMA synchronous = FULL", `PRAGMA synchronous = ${synchronous}`));
    settings.push(this.prepare("PRAGMA synchronous").get()?.synchronous);
  };
  using _lock = prepareFile(path).lock;
  using connection = new WritingConnection({ path, busyTimeoutMs: 0 });
  assert.equal(settings.at(-1), synchronous === "OFF" ? 0 : 1);
  const versions = Array.from({ length: families }, () => 0);
  for (let generation = 1; generation <= generations; generation++) {
    for (const half of [0, 1]) {
      const chosen = Array.from({ length: families / 2 }, (_, index) => 2 * index + half);
      const units = chosen.map((family): Unit => {
        return [["write", `family ${family}`, versions[family] ?? 0, owner, null, `${generation}`]];
      });
      const outcomes = connection.commit(units, 0);
      for (const [place, family] of chosen.entries()) {
        versions[family] = Number(outcomes[place]);
        assert.ok(Number(outcomes[place]) > 0);
        acknowledge(family, generation);
      }
    }
    if (generation % 32 === 0) connection.checkpoint("PASSIVE");
  }
}

if (synchronous === "FULL") await rotateOnStore();
else rotateOnConnection();

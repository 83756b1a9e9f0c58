import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { openSqliteStore } from "@countersign/authority";
import { systemClock } from "@countersign/protocol";
import { run, start } from "./script-world.ts";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const skip = process.platform === "win32" ? "Windows removes no file that is open" : false;

function aDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "countersign-lost-"));
  context.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "data");
}

const words = (data: string) => ["serve", "--listen", "localhost:0", "--data", data];

/** A server in this process that has begun to serve, and what it printed. */
async function serve(data: string) {
  const server = start(words(data), { COUNTERSIGN_LOG_LEVEL: "silent" });
  assert.ok(await server.printed("listening at"), server.stderr());
  return server;
}

/** A data directory whose server was stopped after its first start. */
async function stopped(context: TestContext): Promise<string> {
  const data = aDirectory(context);
  const server = await serve(data);
  assert.match(server.stdout(), /^admin password: /m);
  server.stop();
  assert.equal(await server.exitCode, 0, server.stderr());
  return data;
}

const rows: readonly { readonly id: string; readonly lose: (database: string) => void; readonly says: RegExp }[] = [
  { id: "removed", lose: (database) => rmSync(database), says: /the database of this authority is gone: / },
  { id: "emptied", lose: (database) => truncateSync(database), says: /the database of this authority is empty: / },
  {
    id: "replaced by the one of a start that was not completed",
    lose: (database) => cpSync(`${database}.before`, database),
    says: /the database of this authority has lost what it held: /,
  },
];

describe("countersign serve without the database it had (J5)", () => {
  for (const { id, lose, says } of rows) {
    it(`starts no new authority when it was ${id}, and tells how to go on`, async (context) => {
      const data = await stopped(context);
      const database = join(data, "countersign.db");
      await (await openSqliteStore({ path: `${database}.before`, clock: systemClock })).close();
      cpSync(database, `${database}.backup`);
      lose(database);
      const before = readdirSync(data);
      const { exitCode, stdout, stderr } = await run(words(data));
      assert.equal(exitCode, 1);
      assert.equal(stdout, "");
      assert.match(stderr, says);
      assert.match(stderr, /hint: restore it from a backup/);
      assert.match(stderr, /hint: to start a new authority on purpose, move .*first-start/);
      assert.deepEqual(
        readdirSync(data).filter((name) => !before.includes(name) && !name.endsWith(".lock")),
        [],
      );
      cpSync(`${database}.backup`, database);
      const restored = await serve(data);
      assert.doesNotMatch(restored.stdout(), /admin password/);
      restored.stop();
      await restored.exitCode;
    });
  }

  it("begins anew where the marker was moved away on purpose", async (context) => {
    const data = await stopped(context);
    for (const name of readdirSync(data)) renameSync(join(data, name), `${data}-${name}`);
    const server = await serve(data);
    assert.match(server.stdout(), /^admin password: /m);
    server.stop();
    await server.exitCode;
    for (const name of readdirSync(join(data, ".."))) rmSync(join(data, "..", name), { recursive: true });
  });

  it("makes the marker where an older version made the database", async (context) => {
    const data = await stopped(context);
    rmSync(join(data, "first-start"));
    const server = await serve(data);
    server.stop();
    await server.exitCode;
    assert.ok(existsSync(join(data, "first-start")));
  });

  it("does not go on without the log that was removed before a kill, until it is told to", {
    skip,
  }, async (context) => {
    const data = aDirectory(context);
    const child: ChildProcess = spawn(process.execPath, ["-C", "@countersign/source", main, ...words(data)], {
      stdio: "ignore",
      env: { PATH: process.env.PATH },
    });
    while (!existsSync(join(data, "first-start"))) await new Promise((resolve) => setTimeout(resolve, 5));
    rmSync(join(data, "countersign.db-wal"));
    child.kill("SIGKILL");
    await once(child, "close");
    const refused = await run(words(data));
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /its log .*countersign\.db-wal is missing/);
    rmSync(join(data, "countersign.db-open"));
    const next = start(words(data), { COUNTERSIGN_LOG_LEVEL: "silent" });
    await next.printed("listening at");
    next.stop();
    await next.exitCode;
    assert.doesNotMatch(next.stdout(), /admin password/);
  });
});

describe("countersign serve whose files are taken away while it runs (J5)", { skip }, () => {
  for (const name of ["countersign.db.lock", "countersign.db", "countersign.db-wal"]) {
    it(`stops when ${name} is removed, and says why`, async (context) => {
      const data = aDirectory(context);
      const server = await serve(data);
      while (!existsSync(join(data, "first-start"))) await new Promise((resolve) => setTimeout(resolve, 5));
      rmSync(join(data, name));
      assert.equal(await server.exitCode, 1);
      assert.match(server.stderr(), new RegExp(`the server has stopped: .*${name} was removed or replaced`));
      assert.match(server.stderr(), /hint: see that no other server runs/);
    });
  }
});

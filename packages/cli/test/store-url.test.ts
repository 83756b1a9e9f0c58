import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { randomSecret, systemRandom } from "@countersign/protocol";
import { postgresServer } from "../../authority/test/store/postgres-server.ts";
import { run, start } from "./script-world.ts";

const server = await postgresServer();
const directory = await mkdtemp(join(tmpdir(), "countersign-store-"));
after(async () => {
  await server?.stop();
  await rm(directory, { recursive: true });
});

const serving = (data: string, ...more: readonly string[]) => [
  "serve",
  "--listen",
  "127.0.0.1:0",
  "--data",
  data,
  ...more,
];

describe("store.url", () => {
  const wrong = [
    { url: "mysql://u:hunter2@h/db", expect: /store\.url names no engine: mysql:/ },
    { url: "postgres", expect: /must be sqlite:DIR, postgres:/ },
    { url: "postgres://u:hunter2@h/db?sslmode=require", expect: /sslmode is require/ },
  ];
  for (const { url, expect } of wrong) {
    it(`is refused, and tells no password: ${url.slice(0, 12)}`, async () => {
      const data = join(directory, "refused");
      const { exitCode: code, stderr } = await run(serving(data, "--store", url), {});
      assert.notEqual(code, 0);
      assert.match(stderr, expect);
      assert.ok(!stderr.includes("hunter2"), stderr);
    });
  }

  it("sqlite:DIR keeps the database there, and the key in the data directory", async () => {
    const [data, database] = [join(directory, "keys"), join(directory, "database")];
    const { stop, printed, exitCode } = start(serving(data, "--store", `sqlite:${database}`), {});
    assert.ok(await printed("listening"));
    stop();
    assert.equal(await exitCode, 0);
    assert.ok(existsSync(join(database, "countersign.db")) && existsSync(join(data, "kek")));
    assert.ok(!existsSync(join(data, "countersign.db")));
  });
});

describe("countersign serve on PostgreSQL", { skip: server === undefined }, () => {
  const key = randomSecret(systemRandom);
  const keysAt = async (printed: string): Promise<unknown> => {
    const [, port] = /listening at http:\/\/localhost:(\d+)/.exec(printed) ?? [];
    return (await fetch(`http://localhost:${port}/.well-known/jwks.json`)).json();
  };

  it("runs two nodes on one store, with one key ring and nothing in a data directory", async () => {
    const data = join(directory, "none");
    const url = server?.location() ?? "";
    const nodes = [1, 2].map(() => start(serving(data, "--store", url), { COUNTERSIGN_KEY: key }));
    for (const node of nodes) assert.ok(await node.printed("listening"), node.stderr());
    const [one, other] = await Promise.all(nodes.map((node) => keysAt(node.stdout())));
    assert.deepEqual(one, other);
    for (const node of nodes) node.stop();
    for (const node of nodes) assert.equal(await node.exitCode, 0);
    assert.ok(!existsSync(data));
  });

  it("lets no node make a key of its own where the ring is sealed under another", async () => {
    const url = server?.location() ?? "";
    const first = start(serving(join(directory, "first"), "--store", url), {});
    assert.ok(await first.printed("listening"), first.stderr());
    first.stop();
    assert.equal(await first.exitCode, 0);
    const { exitCode: code, stderr } = await run(serving(join(directory, "second"), "--store", url), {});
    assert.notEqual(code, 0);
    assert.match(stderr, /cannot find the key that seals[\s\S]*set COUNTERSIGN_KEY to the same key on every node/);
  });
});

describe("countersign store", { skip: server === undefined }, () => {
  const keysAt = async (printed: string): Promise<unknown> => {
    const [, port] = /listening at http:\/\/localhost:(\d+)/.exec(printed) ?? [];
    return (await fetch(`http://localhost:${port}/.well-known/jwks.json`)).json();
  };

  it("moves an authority from its file to PostgreSQL and back: the same keys, and no first start", async () => {
    const data = join(directory, "moved");
    const first = start(serving(data), {});
    assert.ok(await first.printed("listening"), first.stderr());
    const before = await keysAt(first.stdout());
    first.stop();
    await first.exitCode;
    const url = server?.location() ?? "";
    const copied = await run(["store", "copy", `sqlite:${data}`, url], {});
    assert.equal(copied.exitCode, 0, copied.stderr);
    assert.match(`${copied.stdout}${copied.stderr}`, /copied \d+ items from sqlite to postgres/);
    const second = start(serving(data, "--store", url), {});
    assert.ok(await second.printed("listening"), second.stderr());
    assert.deepEqual(await keysAt(second.stdout()), before);
    assert.ok(!second.stdout().includes("password"), second.stdout());
    second.stop();
    await second.exitCode;
    const back = await run(["store", "copy", url, `sqlite:${join(directory, "back")}`], {});
    assert.equal(back.exitCode, 0, back.stderr);
    const again = await run(["store", "copy", `sqlite:${data}`, url], {});
    assert.notEqual(again.exitCode, 0);
    assert.match(again.stderr, /not empty/);
  });

  it("makes, migrates and checks", async () => {
    const url = server?.location() ?? "";
    for (const verb of ["create", "migrate", "check"]) {
      const { exitCode, stdout, stderr } = await run(["store", verb, "--store", url], {});
      assert.equal(exitCode, 0, stderr);
      assert.match(`${stdout}${stderr}`, /postgres/);
    }
    const { exitCode } = await run(["store", "check", "--store", "postgres://127.0.0.1:1/none"], {});
    assert.notEqual(exitCode, 0);
  });
});

import assert from "node:assert/strict";
import { after, describe, it, type TestContext } from "node:test";
import { systemClock } from "@countersign/protocol";
import pg from "pg";
import { openPostgresStore, type PostgresStoreOptions } from "../../src/store/postgres.ts";
import type { Change, Store } from "../../src/store/store.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { freshSchema, type PostgresServer, postgresServer } from "./postgres-server.ts";

const isGiven = (process.env.COUNTERSIGN_POSTGRES_URL ?? "") !== "";
const server = await postgresServer();
after(() => server?.stop());

const write = (key: string, expectedVersion: number, value: unknown = key): Change => {
  return { key, expectedVersion, draft: { value } };
};
const unavailable = { code: "temporarily_unavailable" };

async function opened(
  location: string,
  context: TestContext,
  options: Partial<PostgresStoreOptions> = {},
): Promise<Store> {
  const store = await openPostgresStore({ location, clock: systemClock, ...options });
  context.after(() => store.close());
  return store;
}

/** A store behind a proxy, and another one beside it on the same tables. */
async function behindProxy(server: PostgresServer, context: TestContext) {
  const location = server.location();
  const beside = await opened(location, context);
  const proxy = await FaultProxy.start(server.port, "countersign_commit");
  context.after(() => proxy[Symbol.asyncDispose]());
  const near = location.replace(`:${server.port}/`, `:${proxy.port}/`);
  const store = await opened(near, context, { patienceMs: 1500 });
  // Prepares the statement on a connection.
  await store.swap("first", 0, { value: 1 });
  return { proxy, store, beside, location };
}

function faultTests(server: PostgresServer): void {
  describe("PostgreSQL: an answer that is lost", () => {
    it("is asked for again, and the write that was made is recognised", async (context) => {
      const { proxy, store, beside } = await behindProxy(server, context);
      Object.assign(proxy, { mode: "lose answer", left: 1 });
      const version = await store.swap("k", 0, { value: 1 });
      assert.equal(proxy.faults, 1);
      assert.deepEqual(await beside.get("k"), { key: "k", version, value: 1 });
    });

    it("costs no commit of many its effect, nor gives it two", async (context) => {
      const { proxy, store, beside } = await behindProxy(server, context);
      proxy.mode = "lose answer";
      for (let round = 0; round < 5; round++) {
        proxy.left = 2;
        const made = await Promise.all(
          Array.from({ length: 40 }, async (_, n) => {
            const count = await store.get<number>(`count ${n}`);
            const next = (count?.value ?? 0) + 1;
            return store.commit([write(`count ${n}`, count?.version ?? 0, next), write(`audit ${round} ${n}`, 0)]);
          }),
        );
        assert.ok(made.every(({ failed }) => failed === undefined));
      }
      assert.ok(proxy.faults >= 5, `${proxy.faults}`);
      for (let n = 0; n < 40; n++) assert.equal((await beside.get(`count ${n}`))?.value, 5);
    });

    it("leaves a commit in doubt when what it wrote was changed since", async (context) => {
      const { proxy, store, beside } = await behindProxy(server, context);
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(proxy, { mode: "lose answer", left: 1, gate: promise });
      const swapped = store.swap("k", 0, { value: "ours" });
      await until(async () => (await beside.get("k")) !== undefined);
      const item = await beside.get("k");
      await beside.swap("k", item?.version ?? 0, { value: "theirs" });
      resolve();
      await assert.rejects(swapped, unavailable);
      assert.equal((await beside.get("k"))?.value, "theirs");
    });

    it("is known by another item of the commit, though one was changed since", async (context) => {
      const { proxy, store, beside } = await behindProxy(server, context);
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(proxy, { mode: "lose answer", left: 1, gate: promise });
      const committed = store.commit([write("k", 0, "ours"), write("audit", 0)]);
      await until(async () => (await beside.get("k")) !== undefined);
      await beside.take("k");
      resolve();
      assert.equal((await committed).version, (await beside.get("audit"))?.version);
    });

    it("of a commit that lost is a lost race, where its expectation shows it", async (context) => {
      const { proxy, store, beside } = await behindProxy(server, context);
      const version = (await beside.swap("kept", 0, { value: 1 })) ?? 0;
      await beside.swap("taken", 0, { value: 1 });
      Object.assign(proxy, { mode: "lose answer", left: 1 });
      assert.deepEqual(await store.commit([write("kept", version, 2), write("taken", 0, 2)]), { failed: ["taken"] });
      assert.equal(proxy.faults, 1);
    });

    it("of a replacement that was never made has it made", async (context) => {
      const { proxy, store, beside } = await behindProxy(server, context);
      const before = (await store.swap("k", 0, { value: 1 })) ?? 0;
      Object.assign(proxy, { mode: "lose request", left: 1 });
      const version = await store.swap("k", before, { value: 2 });
      assert.equal(proxy.faults, 1);
      assert.equal((await beside.get("k"))?.version, version);
    });

    it("of a creation does not bring back what was taken since", async (context) => {
      const { proxy, store, beside } = await behindProxy(server, context);
      const { promise, resolve } = Promise.withResolvers<void>();
      Object.assign(proxy, { mode: "lose answer", left: 1, gate: promise });
      const created = store.swap("k", 0, { value: "once" });
      await until(async () => (await beside.take("k")) !== undefined);
      resolve();
      await assert.rejects(created, unavailable);
      assert.equal(await beside.get("k"), undefined);
    });
  });

  describe("PostgreSQL: a server that cannot be used", () => {
    it("is a 503 with Retry-After within seconds, shows in the health, and is forgotten when it is back", async (context) => {
      const { proxy, store } = await behindProxy(server, context);
      proxy.mode = "partition";
      proxy.cut();
      const refused = { ...unavailable, retryAfterMs: 1000 };
      await Promise.all([
        assert.rejects(store.get("first"), refused),
        assert.rejects(store.take("first"), refused),
        assert.rejects(store.list("o", { limit: 1 }), refused),
        assert.rejects(store.swap("k", 0, { value: 1 }), refused),
      ]);
      assert.match((await store.failure?.()) ?? "", /Cannot/);
      proxy.mode = "pass";
      await until(async () => (await store.failure?.()) === undefined);
      assert.ok(await store.swap("k", 0, { value: 1 }));
    });

    it("that answers nothing keeps nobody waiting for ever", async (context) => {
      const { proxy, store } = await behindProxy(server, context);
      proxy.mode = "black hole";
      await assert.rejects(store.swap("k", 0, { value: 1 }), unavailable);
      proxy.mode = "pass";
      proxy.cut();
      await until(async () => (await store.get("first").catch(() => undefined)) !== undefined);
    });

    it("has no more commits waiting than it was given room for", async (context) => {
      const store = await opened(server.location(), context, { maxWaiting: 10 });
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, n) => store.swap(`k${n}`, 0, { value: n })),
      );
      const refused = results.filter(({ status }) => status === "rejected");
      assert.equal(refused.length, 20);
      for (const one of refused) assert.equal(one.status === "rejected" && one.reason.retryAfterMs, 1000);
    });
  });

  describe("PostgreSQL: several stores on one schema", () => {
    const three = async (context: TestContext) => {
      const location = server.location();
      return Promise.all([1, 2, 3].map(() => opened(location, context)));
    };

    it("are made by whoever comes first, all at once", async (context) => {
      const [first, second] = await three(context);
      await first?.swap("k", 0, { value: 1 });
      assert.equal((await second?.get("k"))?.value, 1);
    });

    it("let no guard of an absence pass beside its creation", async (context) => {
      const [a, b] = await three(context);
      for (let round = 0; round < 60; round++) {
        const [left, right] = [`left ${round}`, `right ${round}`];
        const outcomes = await Promise.all([
          a?.commit([write(left, 0), { key: right, expectedVersion: 0 }]),
          b?.commit([write(right, 0), { key: left, expectedVersion: 0 }]),
        ]);
        assert.equal(outcomes.filter((outcome) => outcome?.failed === undefined).length, 1, `round ${round}`);
      }
    });

    it("lose nothing of what they add to the same few items, created, replaced and removed at random", async (context) => {
      const stores = await three(context);
      const names = ["a", "b", "c", "d"];
      const totals = { added: 0, removed: 0 };
      const worker = async (store: Store, seed: number) => {
        for (let turn = 0; turn < 60; turn++) {
          const some = names.filter((_, n) => (seed * 31 + turn * 17 + n * 7) % 5 < 3);
          const items = await Promise.all(some.map((name) => store.get<number>(name)));
          const removes = (seed + turn) % 7 === 0;
          const { failed } = await store.commit(
            some.map((key, n): Change => {
              const expectedVersion = items[n]?.version ?? 0;
              return removes
                ? { key, expectedVersion, remove: true }
                : write(key, expectedVersion, (items[n]?.value ?? 0) + 1);
            }),
          );
          if (failed !== undefined) continue;
          if (removes) totals.removed += items.reduce((sum, item) => sum + (item?.value ?? 0), 0);
          else totals.added += some.length;
        }
      };
      await Promise.all(stores.flatMap((store, n) => [0, 1, 2, 3].map((k) => worker(store, 4 * n + k))));
      const left = await Promise.all(names.map((name) => stores[0]?.get<number>(name)));
      assert.ok(totals.added > 100, `${totals.added}`);
      assert.equal(left.reduce((sum, item) => sum + (item?.value ?? 0), 0) + totals.removed, totals.added);
    });

    it("answer alike to a commit that two of them send under one id", async (context) => {
      const [a, b] = await three(context);
      for (let round = 0; round < 20; round++) {
        const changes = [write(`k${round}`, 0), write(`l${round}`, 0)];
        const [one, other] = await Promise.all([
          a?.commit(changes, { id: `i${round}` }),
          b?.commit(changes, { id: `i${round}` }),
        ]);
        assert.deepEqual(one, other);
        assert.ok(one?.version);
      }
    });
  });

  describe("PostgreSQL: what a server must be", () => {
    const weaknesses = [
      ["synchronous_commit = off", /synchronous_commit = off/],
      ["synchronous_commit = local", /synchronous_commit = local/],
    ] as const;
    for (const [setting, expect] of weaknesses) {
      it(`refuses one with ${setting}`, { skip: isGiven }, async () => {
        const name = freshSchema();
        await query(server, `CREATE DATABASE ${name}`);
        await query(server, `ALTER DATABASE ${name} SET ${setting}`);
        const location = server.location().replace("/postgres?", `/${name}?`);
        await assert.rejects(openPostgresStore({ location, clock: systemClock }), expect);
      });
    }

    it("verifies the certificate of a server, its chain and its name", {
      skip: server.certificate === undefined,
    }, async () => {
      const at = (host: string, rest: string) =>
        openPostgresStore({ location: server.location().replace("127.0.0.1", host) + rest, clock: systemClock });
      const trusted = `&sslmode=verify-full&sslrootcert=${server.certificate}`;
      const store = await at("localhost", trusted);
      await store.close();
      await assert.rejects(at("localhost", "&sslmode=verify-full"), /self-signed certificate/);
      await assert.rejects(at("127.0.0.1", trusted), /does not match certificate's altnames/);
    });

    it("refuses a schema of a newer program, and leaves it as it is", async () => {
      const schema = freshSchema();
      const store = await openPostgresStore({ location: server.location(schema), clock: systemClock });
      await store.close();
      await query(server, `INSERT INTO "${schema}".migration (version) VALUES (1000)`);
      await assert.rejects(
        openPostgresStore({ location: server.location(schema), clock: systemClock }),
        /schema version 1000 is newer than 1/,
      );
    });

    it("says how to mend a role that may make no schema", { skip: isGiven }, async () => {
      const role = freshSchema();
      await query(server, `CREATE ROLE ${role} LOGIN`);
      const location = server.location().replace("//postgres@", `//${role}@`);
      await assert.rejects(openPostgresStore({ location, clock: systemClock }), /42501.*countersign store create/);
    });

    it("erases what expired more than a day ago, and nothing else", async (context) => {
      const schema = freshSchema();
      const clock = {
        ...systemClock,
        sleeps: 0,
        async sleep(_ms: number, signal?: AbortSignal) {
          if (this.sleeps++ > 0) await systemClock.sleep(20, signal);
        },
      };
      const before = await openPostgresStore({ location: server.location(schema), clock: systemClock });
      const now = systemClock.now();
      await before.swap("old", 0, { value: 1, expiresAt: now - 86_400_001 });
      await before.swap("late", 0, { value: 1, expiresAt: now - 3_600_000 });
      await before.swap("alive", 0, { value: 1, expiresAt: now + 3_600_000 });
      await before.commit([write("k", 0), { key: "guarded absence", expectedVersion: 0 }]);
      await before.close();
      await opened(server.location(schema), context, { clock });
      const rows = async () =>
        (await query(server, `SELECT convert_from(key, 'UTF8') AS key FROM "${schema}".item ORDER BY key`)).map(
          ({ key }) => key,
        );
      await until(async () => (await rows()).length === 3);
      assert.deepEqual(await rows(), ["alive", "k", "late"]);
    });
  });

  describe("PostgreSQL: a server that is killed under load", { skip: isGiven }, () => {
    it("has every acknowledged write when it is back, and none twice", async (context) => {
      const store = await opened(server.location(), context);
      const acknowledged = new Map<string, number>();
      let stop = false;
      const worker = async (name: string) => {
        for (let n = 0; !stop; n++) {
          try {
            const version = await store.swap(`${name} ${n}`, 0, { value: n });
            if (version === undefined) throw new Error(`somebody else wrote ${name} ${n}`);
            acknowledged.set(`${name} ${n}`, version);
          } catch (error) {
            assert.equal(error instanceof Error && "code" in error && error.code, "temporarily_unavailable");
          }
        }
      };
      const workers = Array.from({ length: 16 }, (_, n) => worker(`w${n}`));
      for (let kill = 0; kill < 3; kill++) {
        const before = acknowledged.size;
        await until(() => acknowledged.size > before + 200);
        await server.kill();
        await server.start();
      }
      stop = true;
      await Promise.all(workers);
      for (const [key, version] of acknowledged) assert.equal((await store.get(key))?.version, version, key);
      assert.ok(new Set(acknowledged.values()).size === acknowledged.size, "a version was given twice");
    });
  });
}

async function query(server: PostgresServer, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.location("public").replace(/\?.*/, "") });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Polls, for what shows only in the store. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1500; attempt++) {
    if (await isSo()) return;
    await systemClock.sleep(10);
  }
  assert.fail("It never came to be");
}

if (server === undefined)
  it("PostgreSQL", { skip: "no PostgreSQL here: install it, or give COUNTERSIGN_POSTGRES_URL" });
else faultTests(server);

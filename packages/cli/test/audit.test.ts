import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemoryStore, type Page, prepareFirstStart, type Store } from "@countersign/authority";
import { serveAuthority } from "@countersign/authority/node";
import { type TestAuthority, testAuthority } from "@countersign/authority/testing";
import { systemClock } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { runCli } from "../src/cli.ts";
import { aWorld, run } from "./script-world.ts";

/** Runs `audit --follow`, and between two looks what happens meanwhile; ends after the last of it was shown. */
async function follow(
  authority: TestAuthority,
  words: readonly string[],
  meanwhile: readonly (() => Promise<void>)[],
): Promise<readonly string[]> {
  const { adminPassword = "", confirmShown } = await prepareFirstStart(authority.services);
  await confirmShown();
  const served = await serveAuthority(authority, { port: 0 });
  let printed = "";
  let looks = 0;
  const code = await runCli(["audit", "--follow", "--json", "--name", "user", ...words], {
    ...aWorld(),
    env: { COUNTERSIGN_URL: served.url, COUNTERSIGN_PASSWORD: adminPassword },
    stdout: {
      write(text) {
        printed += text;
      },
    },
    clock: {
      ...systemClock,
      async sleep() {
        const next = meanwhile[looks++];
        if (next === undefined) throw new Error("seen enough");
        await next();
      },
    },
  });
  assert.equal(code, 1);
  await served.close();
  await authority.close();
  return printed
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).fields.userId);
}

function happen(authority: TestAuthority, ...ids: readonly string[]): Promise<void> {
  return ids.reduce(
    (before, userId) => before.then(() => authority.services.audit.record("user.deleted", { userId, actor: "a" })),
    Promise.resolve(),
  );
}

type List = Store["list"];

/** A store whose trail is listed in another way. */
function withTrail(clock: FakeClock, list: (memory: Store) => List): Store {
  const memory = createMemoryStore({ clock });
  const listTrail = list(memory);
  return {
    get: (key) => memory.get(key),
    commit: (changes, options) => memory.commit(changes, options),
    swap: (key, version, draft) => memory.swap(key, version, draft),
    take: (key, version) => memory.take(key, version),
    list: (owner, page) => (owner.startsWith("A#") ? listTrail(owner, page) : memory.list(owner, page)),
    close: () => memory.close(),
  };
}

/** A store to whose trail 200,000 records of others can be added, later than all that were read. */
function withOthers(clock: FakeClock): { readonly store: Store; readonly addOthers: () => void } {
  let left = 0;
  const store = withTrail(clock, (memory) => async <Value>(owner: string, page: Page) => {
    if (left === 0) return memory.list<Value>(owner, page);
    const event = { name: "user.deleted", at: clock.now(), fields: { userId: "other", actor: "a" } };
    // Before all that are there for whoever reads backwards; behind the last that was read for whoever reads forwards.
    const place = page.reverse ? `${owner}#zzzzzzzzzz` : (page.after?.split("-")[0] ?? `${owner}#0000000000`);
    const key = () => `${place}-${String(page.reverse ? left-- : 300_000 - left--).padStart(6, "0")}`;
    return Array.from({ length: page.limit }, () => ({ key: key(), version: 1, value: event as Value }));
  });
  const addOthers = () => {
    left = 200_000;
  };
  return { store, addOthers };
}

describe("countersign audit --follow", () => {
  it("shows all that happened between two looks, however much", async () => {
    const authority = await testAuthority();
    const ids = Array.from({ length: 2500 }, (_, at) => `user_${at}`);
    await happen(authority, "before");
    await authority.clock.advance(2000);
    const shown = await follow(authority, ["--limit", "1"], [() => happen(authority, ...ids)]);
    assert.deepEqual(shown.slice(1), ids);
  });

  it("begins at the limit, and goes only forward from there", async () => {
    const authority = await testAuthority();
    await happen(authority, "first", "second", "third");
    const more = () => happen(authority, "fourth");
    const shown = await follow(authority, ["--limit", "1", "--name", "user.deleted"], [more, async () => {}]);
    assert.deepEqual(shown, ["third", "fourth"]);
  });

  it("looks at what is new only, however long ago the last that it shows", async () => {
    const clock = new FakeClock();
    const lists: number[] = [];
    const store = withTrail(clock, (memory) => async (owner, page) => {
      const items = await memory.list<never>(owner, page);
      lists.push(items.length);
      return items;
    });
    const authority = await testAuthority({ store, clock });
    await happen(authority, "wanted");
    const others = Array.from({ length: 100 }, () => "other");
    const second = async () => {
      lists.length = 0;
      await clock.advance(1000);
      await happen(authority, ...others);
    };
    for (let seconds = 0; seconds < 50; seconds++) await second();
    const wanted = async () => {
      await second();
      await happen(authority, "wanted");
      await happen(authority, ...others);
    };
    const shown = await follow(authority, ["--about", "wanted"], [second, second, wanted]);
    assert.deepEqual(shown, ["wanted", "wanted"]);
    // What the last look read: what is new, of 5,000 that there are.
    assert.equal(
      lists.reduce((sum, read) => sum + read, 0),
      201,
    );
  });

  it("shows what lies behind more records than the authority looks at for one answer", async () => {
    const clock = new FakeClock();
    const { store, addOthers } = withOthers(clock);
    const authority = await testAuthority({ store, clock });
    const wanted = async () => {
      addOthers();
      await happen(authority, "wanted");
    };
    assert.deepEqual(await follow(authority, ["--about", "wanted"], [wanted]), ["wanted"]);
  });

  it("goes on when its token has expired", async () => {
    const authority = await testAuthority();
    const later = async () => {
      await authority.clock.advance(3_600_000);
      await happen(authority, "later");
    };
    const shown = await follow(authority, [], [later, async () => {}]);
    assert.equal(shown.at(-1), "later");
  });
});

describe("countersign audit --follow, under a clock that is put back", () => {
  it("loses nothing", async () => {
    const authority = await testAuthority();
    const back = (ms: number, id: string) => async () => {
      authority.clock.jump(-ms);
      await happen(authority, id);
    };
    const steps = [back(20_000, "one"), back(20_000, "two"), back(-60_000, "three"), back(500, "four"), async () => {}];
    const shown = await follow(authority, ["--name", "user.deleted"], steps);
    assert.deepEqual(shown, ["one", "two", "three", "four"]);
  });

  it("has no end that could be given", async () => {
    const { exitCode, stderr } = await run(["audit", "--follow", "--until", "1h"], {});
    assert.equal(exitCode, 2);
    assert.match(stderr, /--follow has no end/);
  });
});

describe("countersign audit", () => {
  it("finds what lies behind more records than the authority looks at for one answer", async (context) => {
    const clock = new FakeClock();
    const { store, addOthers } = withOthers(clock);
    const authority = await testAuthority({ store, clock });
    const served = await serveAuthority(authority, { port: 0 });
    context.after(async () => {
      await served.close();
      await authority.close();
    });
    await happen(authority, "wanted");
    await clock.advance(600_000);
    addOthers();
    const { client, secret } = await authority.client({ scopes: ["superuser"] });
    const fields = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
    const { body } = await authority.form("/oauth/token", { ...fields, scope: "superuser" });
    const env = { COUNTERSIGN_URL: served.url, COUNTERSIGN_TOKEN: String(body.access_token) };
    const { stdout, stderr } = await run(["audit", "--about", "wanted"], env);
    assert.equal(stderr, "");
    assert.match(stdout, /^\S+ user\.deleted userId="wanted" actor="a"\n$/);
    const [record] = await authority.services.audit.read({ about: "wanted", limit: 1 });
    const { stdout: line } = await run(["audit", "--about", "wanted", "--json"], env);
    assert.equal(JSON.parse(line).at, Number(record?.at) / 1000);
  });
});

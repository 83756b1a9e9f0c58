import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { testAuthority } from "../../src/testing.ts";
import { openAt } from "./stores.ts";
import { storeOfVersion1, version1 } from "./version-1.ts";

async function open(context: TestContext) {
  const path = storeOfVersion1(context);
  const clock = new FakeClock(version1.now);
  const authority = await testAuthority({ store: await openAt(path, context, { clock }), clock });
  context.after(() => authority.services.keys.close());
  return { path, authority, ...authority.services };
}

describe("a database of schema version 1", () => {
  it("can be read and written in every row, those of a clock in the year 2626 included", async (context) => {
    const { path, store } = await open(context);
    using database = new DatabaseSync(path, { readOnly: true });
    const rows = database.prepare("SELECT key FROM item WHERE expires_at IS NULL").all();
    assert.ok(rows.length >= 10);
    for (const { key } of rows) {
      const item = await store.get(String(key));
      assert.ok(item !== undefined && Number.isSafeInteger(item.version), String(key));
      const { version, key: _, ...draft } = item;
      assert.ok(await store.swap(item.key, version, draft), item.key);
    }
  });

  it("has its users, clients and logins", async (context) => {
    const { authority, users } = await open(context);
    const { password = "", app = "", ahead = "", refresh = "" } = version1;
    for (const username of ["alice", "RÖBERT", "carol"])
      await users.authenticate({ username, password, clientId: "app" });
    const own = { grant_type: "client_credentials", client_id: "ahead", client_secret: ahead };
    assert.equal((await authority.form("/oauth/token", own)).status, 200);
    const again = { grant_type: "refresh_token", client_id: "app", client_secret: app, refresh_token: refresh };
    assert.equal((await authority.form("/oauth/token", again)).status, 200);
  });

  it("keeps the logins of clients that were deleted dead, and those of others alive", async (context) => {
    const { authority } = await open(context);
    const { remade = "", refreshOfRemoved = "", app = "", spent = "" } = version1;
    const form = (id: string, secret: string, token: string) =>
      authority.form("/oauth/token", {
        grant_type: "refresh_token",
        client_id: id,
        client_secret: secret,
        refresh_token: token,
      });
    assert.equal((await form("remade", remade, refreshOfRemoved)).body.error, "invalid_grant");
    assert.equal((await form("app", app, spent)).body.error, "invalid_grant");
    assert.ok(authority.events.some(({ name }) => name === "family.reused"));
  });

  it("knows no access token of before any more, for it cannot tell whose they are", async (context) => {
    const { authority } = await open(context);
    for (const token of [version1.superuser, version1.superuserOfRemoved]) {
      const headers = { authorization: `Bearer ${token}` };
      const request = new Request("http://localhost:8080/api/v1/client", { headers });
      assert.equal((await authority.fetch(request, { address: "127.0.0.1" })).status, 401);
    }
  });

  it("has free names and an invitation where processes were killed in a registration", async (context) => {
    const { users } = await open(context);
    const { password = "", invitation = "", carol = "", alice = "" } = version1;
    const person = (username: string) => ({ username, password, fullName: "X", scopes: [] });
    await users.register({ ...person("dave"), invitation }, "test");
    await users.register(person("alicia"), "test");
    await users.rename(carol, { username: "caroline" }, "test");
    await users.rename(alice, { username: "carol" }, "test");
    assert.equal((await users.byUsername("carol"))?.userId, alice);
    assert.equal(await users.byId("user_lost"), undefined);
  });

  it("has its audit trail, with what was recorded in the year 2626, and goes on with it", async (context) => {
    const { audit } = await open(context);
    const before = await audit.page({ limit: 100 });
    // With the root key of capability tokens, which that version did not have.
    assert.equal(before.records.length, 16);
    assert.ok(before.records.some(({ name, at }) => name === "client.created" && at > Date.UTC(2600)));
    await audit.record("user.deleted", { userId: "u", actor: "a" });
    const [latest] = await audit.read({ limit: 1 });
    assert.equal(latest?.name, "user.deleted");
    const { records } = await audit.page({ limit: 100, after: before.cursor ?? "" });
    assert.deepEqual(records, [latest]);
    const paged = [];
    for (let next: string | undefined = ""; next !== undefined; ) {
      const page: Awaited<ReturnType<typeof audit.page>> = await audit.page({
        limit: 4,
        ...(next === "" ? {} : { before: next }),
      });
      paged.push(...page.records);
      next = page.next;
    }
    assert.equal(paged.length, 17);
    const since = await audit.read({ limit: 100, until: Date.UTC(2026, 11, 1) });
    assert.ok(since.length > 0 && since.every(({ at }) => at < Date.UTC(2026, 11, 1)));
  });
});

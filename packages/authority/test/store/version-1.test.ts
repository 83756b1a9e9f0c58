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
});

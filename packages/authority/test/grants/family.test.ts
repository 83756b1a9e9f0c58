import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { testAuthority } from "../../src/testing.ts";
import { openAt, storePath } from "../store/stores.ts";

const password = "correct horse battery";

/** A login on an embedded store that tells of its commits. */
async function aLogin(context: TestContext) {
  const clock = new FakeClock();
  const commits: number[] = [];
  const onCommit = (writes: number) => commits.push(writes);
  const authority = await testAuthority({
    store: await openAt(storePath(context), context, { clock, onCommit }),
    clock,
  });
  context.after(() => authority.services.keys.close());
  const scopes = ["offline_access"];
  const { client } = await authority.client({ scopes, grants: ["password", "refresh_token"], authMethod: "none" });
  await authority.services.users.register({ username: "alice", password, fullName: "Alice", scopes: [] }, "test");
  const asApp = { client_id: client.clientId };
  const login = { ...asApp, grant_type: "password", username: "alice", password, scope: "offline_access" };
  const { body } = await authority.form("/oauth/token", login);
  const token = String(body.refresh_token);
  const refresh = () => authority.form("/oauth/token", { ...asApp, grant_type: "refresh_token", refresh_token: token });
  const logOut = () => authority.form("/oauth/revoke", { ...asApp, token });
  const lastEvent = async () => (await authority.services.audit.read({ limit: 1 }))[0]?.name;
  return { clock, commits, refresh, logOut, lastEvent };
}

describe("the end of a login", () => {
  it("is one commit with its alarm when a spent refresh token shows theft (C9)", async (context) => {
    const { clock, commits, refresh, lastEvent } = await aLogin(context);
    assert.equal((await refresh()).status, 200);
    await clock.advance(3_600_000);
    commits.length = 0;
    assert.equal((await refresh()).body.error, "invalid_grant");
    assert.deepEqual(commits, [2]);
    assert.equal(await lastEvent(), "family.reused");
  });

  it("is one commit with its record when the device logs out", async (context) => {
    const { commits, logOut, refresh, lastEvent } = await aLogin(context);
    commits.length = 0;
    assert.equal((await logOut()).status, 200);
    assert.deepEqual(commits, [2]);
    assert.equal(await lastEvent(), "token.revoked");
    assert.equal((await logOut()).status, 200);
    assert.deepEqual(commits, [2], "who is out already is not logged out again");
    assert.equal((await refresh()).body.error, "invalid_grant");
  });
});

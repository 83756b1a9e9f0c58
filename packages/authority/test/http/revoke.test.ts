import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { testAuthority } from "../../src/testing.ts";
import { openAt, storePath } from "../store/stores.ts";

describe("POST /oauth/revoke: access tokens (RFC 7009)", () => {
  it("commits the end of a token with its record", async (context) => {
    const clock = new FakeClock();
    const commits: number[] = [];
    const onCommit = (writes: number) => commits.push(writes);
    const store = await openAt(storePath(context), context, { clock, onCommit });
    const authority = await testAuthority({ store, clock });
    context.after(() => authority.services.keys.close());
    const { client, secret } = await authority.client({ scopes: ["read"] });
    const asClient = { client_id: client.clientId, client_secret: secret };
    const { body } = await authority.form("/oauth/token", { ...asClient, grant_type: "client_credentials" });
    const token = String(body.access_token);
    commits.length = 0;
    assert.equal((await authority.form("/oauth/revoke", { ...asClient, token })).status, 200);
    assert.deepEqual(commits, [4]);
    assert.equal((await authority.services.audit.read({ limit: 1 }))[0]?.name, "token.revoked");
    assert.deepEqual((await authority.form("/oauth/introspect", { ...asClient, token })).body, { active: false });
  });

  for (const path of ["/oauth/revoke", "/oauth/introspect"]) {
    it(`${path} says so when it failed, and when the text is no token does not`, async (context) => {
      const authority = await testAuthority();
      context.after(() => authority.close());
      const { client, secret } = await authority.client({ scopes: ["read"] });
      const asClient = { client_id: client.clientId, client_secret: secret };
      const { body } = await authority.form("/oauth/token", { ...asClient, grant_type: "client_credentials" });
      const fields = { ...asClient, token: String(body.access_token) };
      assert.equal((await authority.form(path, { ...asClient, token: "a.b.c" })).status, 200);
      const { keys } = authority.services;
      const published = keys.published.bind(keys);
      Object.assign(keys, { published: () => assert.fail("the ring cannot be read") });
      const failed = await authority.form(path, fields);
      assert.deepEqual([failed.status, failed.body.error], [500, "server_error"]);
      Object.assign(keys, { published });
      assert.equal((await authority.form(path, fields)).status, 200);
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readResponse, TEST_ISSUER, type TestAuthority, testAuthority } from "../../src/testing.ts";
import { prepareFirstStart } from "../../src/users/first-start.ts";

/** The requests that the README of the older auth service shows, header by header and member by member. */
describe("the published examples of the auth service", () => {
  it("run in their order: token on the loopback client, read it, create a restricted client", async () => {
    const authority = await testAuthority();
    const { adminPassword = "" } = await prepareFirstStart(authority.services);
    assert.match(adminPassword, /^[A-Za-z0-9_-]{32}$/);

    const token = await authority.form("/api/v1/token", {
      grant_type: "password",
      username: "admin",
      password: adminPassword,
      client_id: "loopback",
      scope: "superuser",
    });
    assert.equal(token.status, 200);
    assert.equal(token.body.expires_in, 900);
    const accessToken = String(token.body.access_token);

    const client = await request(authority, "GET", "/api/v1/client/loopback", accessToken);
    assert.equal(client.status, 200);
    assert.deepEqual(client.body, {
      client_id: "loopback",
      client_name: "loopback",
      grants: ["password"],
      scopes: ["superuser"],
    });

    const created = await request(authority, "POST", "/api/v1/client", accessToken, {
      client_name: "foo",
      scopes: ["superuser"],
      grants: ["password", "refresh_token"],
    });
    assert.equal(created.status, 200);
    assert.deepEqual(Object.keys(created.body), ["client_id"]);
    await authority.close();
  });
});

describe("the other operations of the auth service", () => {
  it("register, show, rename, change password and permission levels", async () => {
    const authority = await testAuthority({ config: { registration: { mode: "open", scopes: ["read"] } } });
    const admin = await adminToken(authority);
    const person = { username: "Alice", password: "correct horse battery", full_name: "Alice A." };
    assert.equal((await request(authority, "POST", "/api/v1/register", undefined, person)).status, 204);

    const byName = await request(authority, "GET", "/api/v1/username/alice", admin);
    const userId = String(byName.body.user_id);
    const shown = await request(authority, "GET", `/api/v1/user/${userId}`, admin);
    assert.deepEqual(
      [shown.body.username, shown.body.full_name, shown.body.scopes, shown.body.disabled],
      ["alice", "Alice A.", ["read"], false],
    );

    const renamed = await request(authority, "PATCH", "/api/v1/username/alice", undefined, {
      new_username: "alicia",
      current_password: person.password,
      new_password: "another fine password",
    });
    assert.equal(renamed.status, 204);
    assert.equal((await request(authority, "GET", "/api/v1/username/alicia", admin)).body.user_id, userId);
    assert.equal((await request(authority, "GET", "/api/v1/username/alice", admin)).status, 404);

    const changed = await request(authority, "PATCH", "/api/v1/username/alicia/password", undefined, {
      current_password: "another fine password",
      new_password: "a third fine password",
    });
    assert.equal(changed.status, 204);
    const levels = await request(authority, "PATCH", "/api/v1/username/alicia/scopes", admin, {
      scopes: ["read", "write"],
    });
    assert.equal(levels.status, 204);
    assert.deepEqual((await request(authority, "GET", `/api/v1/user/${userId}`, admin)).body.scopes, ["read", "write"]);
    await authority.close();
  });

  it("change, disable, list, search and delete clients, and rotate a secret with an overlap", async () => {
    const authority = await testAuthority();
    const admin = await adminToken(authority);
    const created = await request(authority, "POST", "/api/v1/client", admin, {
      client_name: "billing",
      scopes: ["read"],
      grants: ["client_credentials"],
      credential: true,
    });
    const { client_id: id, client_credential: first } = created.body;
    assert.equal(await grants(authority, String(id), String(first)), 200);

    const rotated = await request(authority, "POST", `/api/v1/client/${id}/secret`, admin, { overlap_seconds: 60 });
    const second = String(rotated.body.client_secret);
    assert.deepEqual(
      [await grants(authority, String(id), String(first)), await grants(authority, String(id), second)],
      [200, 200],
    );
    await authority.clock.advance(60_000);
    assert.deepEqual(
      [await grants(authority, String(id), String(first)), await grants(authority, String(id), second)],
      [401, 200],
    );

    assert.equal((await request(authority, "PATCH", `/api/v1/client/${id}`, admin, { scopes: ["write"] })).status, 204);
    const shown = await request(authority, "GET", `/api/v1/client/${id}`, admin);
    assert.deepEqual([shown.body.client_name, shown.body.scopes], ["billing", ["write"]]);
    const found = await request(authority, "GET", "/api/v1/client?search=bill", admin);
    assert.deepEqual(
      (found.body.clients as { client_id: string }[]).map((client) => client.client_id),
      [id],
    );

    assert.equal((await request(authority, "PATCH", `/api/v1/client/${id}`, admin, { disabled: true })).status, 204);
    assert.equal(await grants(authority, String(id), second), 401);
    assert.equal((await request(authority, "DELETE", `/api/v1/client/${id}`, admin)).status, 204);
    assert.equal((await request(authority, "GET", `/api/v1/client/${id}`, admin)).status, 404);
    assert.equal((await request(authority, "PATCH", `/api/v1/client/${id}`, admin, { scopes: [] })).status, 404);
    await authority.close();
  });

  it("lists a user's logins by device and ends one or all", async () => {
    const authority = await testAuthority();
    const { client } = await authority.client({
      authMethod: "none",
      grants: ["password", "refresh_token"],
      scopes: ["offline_access"],
    });
    const user = await authority.services.users.register(
      { username: "bob", password: "correct horse battery", fullName: "Bob", scopes: [] },
      "test",
    );
    const login = (device: string) =>
      authority.form("/oauth/token", {
        grant_type: "password",
        client_id: client.clientId,
        username: "bob",
        password: "correct horse battery",
        scope: "offline_access",
        device_name: device,
        resource: TEST_ISSUER,
      });
    const [phone] = [await login("phone"), await login("laptop"), await login("tablet")];
    const own = String(phone.body.access_token);
    const path = `/api/v1/user/${user.userId}/tokens`;
    const devices = async () => {
      const answer = await request(authority, "GET", path, own);
      return (answer.body.tokens as { device_name: string; family_id: string }[]) ?? [];
    };
    assert.deepEqual((await devices()).map((device) => device.device_name).sort(), ["laptop", "phone", "tablet"]);

    const laptop = (await devices()).find((device) => device.device_name === "laptop");
    assert.equal((await request(authority, "DELETE", `${path}/${laptop?.family_id}`, own)).status, 204);
    assert.deepEqual((await devices()).map((device) => device.device_name).sort(), ["phone", "tablet"]);
    assert.equal((await request(authority, "DELETE", path, own)).status, 204);
    const refreshed = await authority.form("/oauth/token", {
      grant_type: "refresh_token",
      client_id: client.clientId,
      refresh_token: String(phone.body.refresh_token),
    });
    assert.equal(refreshed.body.error, "invalid_grant");
    await authority.close();
  });

  it("registers by invitation once, and not at all when closed", async () => {
    const person = (username: string, invitation?: string) => ({
      username,
      password: "correct horse battery",
      full_name: username,
      ...(invitation === undefined ? {} : { invitation }),
    });
    const closed = await testAuthority();
    assert.equal((await request(closed, "POST", "/api/v1/register", undefined, person("eve"))).status, 403);
    await closed.close();

    const authority = await testAuthority({ config: { registration: { mode: "invitation" } } });
    const admin = await adminToken(authority);
    const { invitation } = (await request(authority, "POST", "/api/v1/invitation", admin, {})).body;
    const register = async (body: object) =>
      (await request(authority, "POST", "/api/v1/register", undefined, body)).status;
    assert.equal(await register(person("eve")), 403);
    assert.equal(await register(person("eve", String(invitation))), 204);
    assert.equal(await register(person("mallory", String(invitation))), 403);
    await authority.close();
  });
});

async function grants(authority: TestAuthority, id: string, secret: string): Promise<number> {
  const fields = { grant_type: "client_credentials", client_id: id, client_secret: secret };
  return (await authority.form("/oauth/token", fields)).status;
}

async function adminToken(authority: TestAuthority): Promise<string> {
  const { adminPassword = "" } = await prepareFirstStart(authority.services);
  const answer = await authority.form("/oauth/token", {
    grant_type: "password",
    username: "admin",
    password: adminPassword,
    client_id: "loopback",
    scope: "superuser",
  });
  return String(answer.body.access_token);
}

/** The token stands alone in the header, as the older service's examples send it. */
async function request(authority: TestAuthority, method: string, path: string, token?: string, body?: object) {
  const headers = {
    ...(token === undefined ? {} : { authorization: token }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return readResponse(await authority.fetch(new Request(`${TEST_ISSUER}${path}`, init), { address: "127.0.0.1" }));
}

import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import { keys } from "../../src/store/keys.ts";
import type { ClientRecord } from "../../src/store/records.ts";
import { TEST_ISSUER } from "../../src/testing.ts";
import { invalidGrant, invalidScope, passwordForm, refreshOf } from "./logins.ts";
import { canary, type Scene, type SecurityRow, securityTable, serviceForm } from "./table.ts";

const mangled: Readonly<Record<string, (token: string) => string>> = {
  unknown: () => `csr_${"A".repeat(22)}.0.${"A".repeat(43)}.${"A".repeat(22)}`,
  truncated: (token) => token.slice(0, -1),
  extended: (token) => `${token}A`,
  "bit-flipped": (token) => token.slice(0, -5) + (token.at(-5) === "A" ? "B" : "A") + token.slice(-4),
  "another generation": (token) => token.replace(".0.", ".1."),
  garbage: () => canary,
};

const mangledTokens: readonly SecurityRow[] = Object.entries(mangled).map(([name, mangle]) => ({
  id: "C7",
  name: `refresh token ${name}`,
  build: async (scene) => scene.refresh(mangle((await scene.login()).refresh)),
  expect: invalidGrant,
}));

const changes: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  "user disabled": ({ authority, alice }) => authority.services.users.setDisabled(alice.userId, true, "test"),
  "password changed": ({ authority, alice }) =>
    authority.services.users.setPassword(alice.userId, "another fine password", "test"),
  "scopes changed": ({ authority, alice }) => authority.services.users.setScopes(alice.userId, ["read"], "test"),
  "user deleted": ({ authority, alice }) => authority.services.users.delete(alice.userId, "test"),
  "all families revoked": ({ authority, alice }) => authority.services.users.revokeAllFamilies(alice.userId, "test"),
};

/** Makes a client look as if chance had given it the incarnation of another. */
async function takeIncarnation({ authority: { services } }: Scene, clientId: string, of: string): Promise<void> {
  const { store } = services;
  const [item, other] = await Promise.all([clientId, of].map((id) => store.get<ClientRecord>(keys.client(id))));
  assert.ok(item !== undefined && other !== undefined);
  const { owner = "", value } = item;
  const taken = { ...value, incarnation: other.value.incarnation };
  assert.ok(await store.swap(item.key, item.version, { value: taken, owner }));
}

const afterChange: readonly SecurityRow[] = Object.entries(changes).map(([name, change]) => ({
  id: "C13",
  name: `refresh after ${name}`,
  async build(scene) {
    const { refresh } = await scene.login();
    await change(scene);
    return scene.refresh(refresh);
  },
  expect: invalidGrant,
}));

/** Refreshes that began before a change may win or lose against it; what they gave is dead once it is acknowledged. */
const duringChange: readonly SecurityRow[] = Object.entries(changes).map(([name, change]) => ({
  id: "C13",
  name: `refreshes while ${name}`,
  async build(scene) {
    const logins: { readonly refresh: string }[] = [];
    for (let n = 0; n < 6; n++) logins.push(await scene.login());
    const before = logins.slice(0, 3).map(({ refresh }) => scene.refresh(refresh));
    const changed = change(scene);
    const after = logins.slice(3).map(({ refresh }) => scene.refresh(refresh));
    await changed;
    const answers = await Promise.all([...before, ...after]);
    const given = answers.filter(({ status }) => status === 200).map(refreshOf);
    const tried = await Promise.all(
      [...given, ...logins.map(({ refresh }) => refresh)].map((one) => scene.refresh(one)),
    );
    assert.deepEqual(new Set(tried.map(({ body }) => body.error)), new Set(["invalid_grant"]));
    return tried[0] ?? assert.fail("no refresh was tried");
  },
  expect: invalidGrant,
}));

const allowAudiences = ({ authority, app }: Scene, audience: readonly string[]) =>
  authority.services.clients.update(app.id, { token: { audience } }, "test");

const withdrawnAudience: readonly SecurityRow[] = [
  {
    id: "C8",
    name: "a login for an audience that was withdrawn from the client gives no token, and is not consumed",
    async build(scene) {
      await allowAudiences(scene, ["orders"]);
      const { refresh } = await scene.login();
      await allowAudiences(scene, ["billing"]);
      const answer = await scene.refresh(refresh);
      await allowAudiences(scene, ["orders"]);
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C8",
    name: "a login for several audiences goes on for those that are left to the client",
    async build(scene) {
      await allowAudiences(scene, ["orders", "billing"]);
      const form = passwordForm(scene, { scope: "read offline_access" });
      const login = await scene.post({ ...form, resource: ["orders", "billing"] });
      await allowAudiences(scene, ["billing"]);
      const refused = await scene.refresh(refreshOf(login), { resource: "orders" });
      assert.equal(refused.body.error, "invalid_target");
      return scene.refresh(refreshOf(login));
    },
    expect: { status: 200 },
    also: ({ body }) => assert.equal(decodeJwt(String(body.access_token)).aud, "billing"),
  },
];

const issuerAudience: SecurityRow = {
  id: "C8",
  name: "a login for the issuer goes on for it, which every client may ask for",
  async build(scene) {
    await allowAudiences(scene, ["orders"]);
    const form = passwordForm(scene, { scope: "read offline_access" });
    return scene.refresh(refreshOf(await scene.post({ ...form, resource: TEST_ISSUER })));
  },
  expect: { status: 200 },
  also: ({ body }) => assert.equal(decodeJwt(String(body.access_token)).aud, TEST_ISSUER),
};

const keptAudience: SecurityRow = {
  id: "C8",
  name: "a refresh that names no target keeps all the audiences of the login (RFC 8707 section 2.2)",
  async build(scene) {
    await allowAudiences(scene, ["orders", "billing"]);
    const form = passwordForm(scene, { scope: "read offline_access" });
    const login = await scene.post({ ...form, resource: ["orders", "billing"] });
    return scene.refresh(refreshOf(login));
  },
  expect: { status: 200 },
  also: ({ body }) => assert.deepEqual(decodeJwt(String(body.access_token)).aud, ["orders", "billing"]),
};

/** RFC 7009 section 2.2: a refresh token that nobody was given is no error, and ends nothing. */
const foreignRevocations: readonly SecurityRow[] = Object.entries(mangled).map(([name, mangle]) => ({
  id: "C7",
  name: `revoking a refresh token ${name}`,
  async build(scene) {
    const { refresh } = await scene.login();
    const answer = await scene.post({ client_id: scene.app.id, token: mangle(refresh) }, { path: "/oauth/revoke" });
    assert.equal((await scene.refresh(refresh)).status, 200);
    return answer;
  },
  expect: { status: 200 },
}));

const rows: readonly SecurityRow[] = [
  ...foreignRevocations,
  keptAudience,
  issuerAudience,
  ...withdrawnAudience,
  ...mangledTokens,
  {
    id: "C7",
    name: "another client's refresh token is neither consumed nor revoked",
    async build(scene) {
      const { refresh } = await scene.login();
      const other = await scene.authority.client({ authMethod: "none", grants: ["refresh_token"], scopes: ["read"] });
      const answer = await scene.refresh(refresh, { client_id: other.client.clientId });
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C8",
    name: "a wider scope is refused and the token is not consumed",
    async build(scene) {
      const { refresh } = await scene.login();
      const narrow = await scene.refresh(refresh, { scope: "read" });
      assert.equal(narrow.body.scope, "read");
      const answer = await scene.refresh(refreshOf(narrow), { scope: "read superuser" });
      assert.equal((await scene.refresh(refreshOf(narrow))).status, 200);
      return answer;
    },
    expect: invalidScope,
  },
  {
    id: "C8",
    name: "a scope that client and user have, and the login has not: the log says so",
    async build(scene) {
      const login = await scene.post(passwordForm(scene, { scope: "read offline_access" }));
      return scene.refresh(refreshOf(login), { scope: "read write" });
    },
    expect: invalidScope,
    also(_answer, { authority }) {
      const event = authority.events.findLast(({ name }) => name === "token.refused");
      assert.match(JSON.stringify(event), /not allowed: write \(the login lacks it\)/);
    },
  },
  ...afterChange,
  ...duringChange,
  {
    id: "C13",
    name: "refresh after the client was deleted",
    async build(scene) {
      const { refresh } = await scene.login();
      await scene.authority.services.clients.delete(scene.app.id, "test");
      return scene.refresh(refresh);
    },
    expect: { status: 401, error: "invalid_client" },
  },
  {
    id: "C13",
    name: "refresh after the client was deleted and another of the same id made",
    async build(scene) {
      const { client } = await scene.authority.client({
        clientId: "phoenix",
        authMethod: "none",
        grants: ["password", "refresh_token"],
        scopes: ["offline_access"],
      });
      const login = await scene.post(passwordForm(scene, { client_id: client.clientId, scope: "offline_access" }));
      await scene.authority.clock.advance(1);
      await scene.authority.services.clients.delete(client.clientId, "test");
      await scene.authority.client({
        clientId: "phoenix",
        authMethod: "none",
        grants: ["password", "refresh_token"],
        scopes: ["offline_access"],
      });
      return scene.refresh(refreshOf(login), { client_id: "phoenix" });
    },
    expect: invalidGrant,
  },
  {
    id: "C13",
    name: "refresh by another client whose incarnation is by chance the same",
    async build(scene) {
      const { client } = await scene.authority.client({
        authMethod: "none",
        grants: ["password", "refresh_token"],
        scopes: ["offline_access"],
      });
      await takeIncarnation(scene, client.clientId, scene.app.id);
      const { refresh } = await scene.login();
      const answer = await scene.refresh(refresh, { client_id: client.clientId });
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C36",
    name: "revoking another client's refresh token has no effect",
    async build(scene) {
      const { refresh } = await scene.login();
      const answer = await scene.post({ ...serviceForm(scene), token: refresh }, { path: "/oauth/revoke" });
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: { status: 200 },
  },
  {
    id: "C36",
    name: "revoking one's own refresh token that is spent ends the family",
    async build(scene) {
      const { refresh } = await scene.login();
      const successor = refreshOf(await scene.refresh(refresh));
      const fields = { client_id: scene.app.id, token: refresh };
      assert.equal((await scene.post(fields, { path: "/oauth/revoke" })).status, 200);
      return scene.refresh(successor);
    },
    expect: invalidGrant,
  },
  {
    id: "C36",
    name: "revoking one's own refresh token under a wrong hint ends the family",
    async build(scene) {
      const { refresh } = await scene.login();
      const fields = { client_id: scene.app.id, token: refresh, token_type_hint: "access_token" };
      assert.equal((await scene.post(fields, { path: "/oauth/revoke" })).status, 200);
      return scene.refresh(refresh);
    },
    expect: invalidGrant,
  },
];

securityTable("Section C: refresh tokens", rows);

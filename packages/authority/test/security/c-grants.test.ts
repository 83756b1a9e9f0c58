import assert from "node:assert/strict";
import { keys } from "../../src/store/keys.ts";
import type { TestResponse } from "../../src/testing.ts";
import { invalidGrant, invalidScope, passwordForm } from "./logins.ts";
import { basic, canary, type Scene, type SecurityRow, securityTable, serviceForm } from "./table.ts";

const badLogins: Readonly<Record<string, (scene: Scene) => Promise<TestResponse>>> = {
  "wrong password": (scene) => scene.post(passwordForm(scene, { password: `${canary} wrong` })),
  "unknown user": (scene) => scene.post(passwordForm(scene, { username: `nobody${canary}` })),
  "disabled user": async (scene) => {
    await scene.authority.services.users.setDisabled(scene.alice.userId, true, "test");
    return scene.post(passwordForm(scene));
  },
  "right password while the account is delayed": async (scene) => {
    for (let n = 0; n < 5; n++) await scene.post(passwordForm(scene, { password: `${canary} wrong` }));
    return scene.post(passwordForm(scene));
  },
  "deleted user": async (scene) => {
    await scene.authority.services.users.delete(scene.alice.userId, "test");
    return scene.post(passwordForm(scene));
  },
};

let firstRefusal: unknown;

const logins: readonly SecurityRow[] = Object.entries(badLogins).map(([name, build]) => ({
  id: "C1",
  name,
  build,
  expect: invalidGrant,
  also(answer) {
    const seen = [answer.body, ...answer.headers];
    firstRefusal ??= seen;
    assert.deepEqual(seen, firstRefusal);
  },
}));

const badScopes: Readonly<Record<string, string>> = {
  tab: "read\twrite",
  quote: 'read"',
  backslash: "read\\",
  "non-ASCII": "réad",
  "ten thousand": Array.from({ length: 10_000 }, (_, index) => `s${index}`).join(" "),
  "leading space": " read",
  "double space": "read  write",
};

const scopeSyntax: readonly SecurityRow[] = Object.entries(badScopes).map(([name, scope]) => ({
  id: "C4",
  name: `scope with ${name}`,
  build: (scene) => scene.post(serviceForm(scene, { scope })),
  expect: invalidScope,
}));

const confusedScopes = ["read:admin", "*", "rea", "READ", "superuser", "write read2"];

const scopeConfusion: readonly SecurityRow[] = confusedScopes.map((scope) => ({
  id: "C5",
  name: `scope ${scope} where read and write are allowed`,
  build: (scene) => scene.post(serviceForm(scene, { scope })),
  expect: invalidScope,
}));

/** What each grant cannot do without (RFC 6749 sections 4.3.2 and 6). */
const incompleteForms: readonly Readonly<Record<string, string>>[] = [
  { grant_type: "password" },
  { grant_type: "password", username: "alice" },
  { grant_type: "password", password: canary },
  { grant_type: "refresh_token" },
];

const incomplete: readonly SecurityRow[] = incompleteForms.map((form) => ({
  id: "C1",
  name: `${Object.keys(form).join(", ")} and no more`,
  build: (scene) => scene.post({ client_id: scene.app.id, ...form }),
  expect: { status: 400, error: "invalid_request" },
}));

const sameIdTwice: SecurityRow = {
  id: "B16",
  name: "the same client id in the header and in the body is one client",
  build: ({ post, service }) =>
    post({ grant_type: "client_credentials", client_id: service.id }, { headers: basic(service.id, service.secret) }),
  expect: { status: 200 },
};

const rows: readonly SecurityRow[] = [
  sameIdTwice,
  ...incomplete,
  ...logins,
  {
    id: "C2",
    name: "the password grant is off for a client that does not name it",
    async build(scene) {
      const { client } = await scene.authority.client({ authMethod: "none", grants: ["refresh_token"] });
      return scene.post(passwordForm(scene, { client_id: client.clientId }));
    },
    expect: { status: 400, error: "unauthorized_client" },
  },
  {
    id: "C3",
    name: "superuser for a user and client without it",
    build: (scene) => scene.post(passwordForm(scene, { scope: "read superuser" })),
    expect: invalidScope,
  },
  {
    id: "C3",
    name: "a scope the client has and the user has not",
    async build(scene) {
      const { client } = await scene.authority.client({
        authMethod: "none",
        grants: ["password"],
        scopes: ["read", "admin"],
      });
      return scene.post(passwordForm(scene, { client_id: client.clientId, scope: "admin" }));
    },
    expect: invalidScope,
  },
  {
    id: "C3",
    name: "superuser is never granted without being asked for",
    async build(scene) {
      const { client, secret } = await scene.authority.client({ scopes: ["read", "superuser"] });
      return scene.post({ grant_type: "client_credentials", client_id: client.clientId, client_secret: secret });
    },
    expect: { status: 200 },
    also: (answer) => assert.equal(answer.body.scope, "read"),
  },
  ...scopeSyntax,
  {
    id: "C4",
    name: "duplicate scopes collapse",
    build: (scene) => scene.post(serviceForm(scene, { scope: "read read" })),
    expect: { status: 200 },
    also: (answer) => assert.equal(answer.body.scope, "read"),
  },
  ...scopeConfusion,
  {
    id: "C6",
    name: "client_credentials gives no refresh token",
    async build(scene) {
      const grants = ["client_credentials", "refresh_token"];
      const { client, secret } = await scene.authority.client({ scopes: ["offline_access"], grants });
      return scene.post({
        grant_type: "client_credentials",
        client_id: client.clientId,
        client_secret: secret,
        scope: "offline_access",
      });
    },
    expect: { status: 200 },
    also: (answer) => assert.deepEqual([answer.body.refresh_token, answer.body.scope], [undefined, undefined]),
  },
  {
    id: "C6",
    name: "a client without the refresh_token grant gets no refresh token that it could not use, and the scope says so",
    async build(scene) {
      const settings = { authMethod: "none", grants: ["password"], scopes: ["read", "offline_access"] } as const;
      const { client } = await scene.authority.client(settings);
      return scene.post(passwordForm(scene, { client_id: client.clientId, scope: "read offline_access" }));
    },
    expect: { status: 200 },
    async also({ body }, { authority, alice }) {
      assert.deepEqual([body.refresh_token, body.scope], [undefined, "read"]);
      assert.deepEqual(await authority.services.users.families(alice.userId), []);
    },
  },
  {
    id: "C38",
    name: "a device name is never cut inside a character",
    async build(scene) {
      const answer = await scene.post(
        passwordForm(scene, { scope: "read offline_access", device_name: `${"a".repeat(199)}\u{1F600}b` }),
      );
      const [family] = await scene.authority.services.users.families(scene.alice.userId);
      assert.equal(family?.value.deviceName, "a".repeat(199));
      return answer;
    },
    expect: { status: 200 },
  },
  {
    id: "C6",
    name: "client_credentials for a public client that was registered with it",
    async build(scene) {
      const item = await scene.authority.client({ authMethod: "none", grants: ["password"] });
      const { store } = scene.authority.services;
      const stored = await store.get(keys.client(item.client.clientId));
      assert.ok(stored);
      const draft = { value: { ...item.client, grants: ["client_credentials"] }, owner: stored.owner ?? "" };
      assert.ok(await store.swap(stored.key, stored.version, draft));
      return scene.post({ grant_type: "client_credentials", client_id: item.client.clientId });
    },
    expect: { status: 400, error: "unauthorized_client" },
  },
  {
    id: "C36",
    name: "revoking an unknown token",
    build: (scene) => scene.post({ ...serviceForm(scene), token: canary }, { path: "/oauth/revoke" }),
    expect: { status: 200 },
  },
  {
    id: "C37",
    name: "introspection without authentication",
    build: (scene) => scene.post({ client_id: scene.app.id, token: canary }, { path: "/oauth/introspect" }),
    expect: { status: 401, error: "invalid_client" },
  },
  {
    id: "C37",
    name: "introspection of an unknown token says nothing but inactive",
    build: (scene) => scene.post({ ...serviceForm(scene), token: canary }, { path: "/oauth/introspect" }),
    expect: { status: 200 },
    also: (answer) => assert.deepEqual(answer.body, { active: false }),
  },
  {
    id: "C37",
    name: "introspection of a token that is another client's business",
    async build(scene) {
      const { access } = await scene.login();
      return scene.post(
        { token: access },
        { path: "/oauth/introspect", headers: basic(scene.service.id, scene.service.secret) },
      );
    },
    expect: { status: 200 },
    also: (answer) => assert.deepEqual(answer.body, { active: false }),
  },
  {
    id: "C37",
    name: "introspection of an expired token",
    async build(scene) {
      const issued = await scene.post(serviceForm(scene));
      await scene.authority.clock.advance(900_000);
      return scene.post(
        { ...serviceForm(scene), token: String(issued.body.access_token) },
        { path: "/oauth/introspect" },
      );
    },
    expect: { status: 200 },
    also: (answer) => assert.deepEqual(answer.body, { active: false }),
  },
  {
    id: "C38",
    name: "line breaks in a device name end in no header and one audit record",
    build: (scene) =>
      scene.post(passwordForm(scene, { scope: "read offline_access", device_name: "a\r\nSet-Cookie: x" })),
    expect: { status: 400, error: "invalid_request" },
  },
];

securityTable("Section C: the grants", rows);

import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { Authority } from "../../src/authority.ts";
import { keys } from "../../src/store/keys.ts";
import type { ClientRecord, FamilyRecord } from "../../src/store/records.ts";
import { readResponse, type TestResponse, testIssuer } from "../../src/testing.ts";
import { anotherNode } from "./another-node.ts";
import { basic, canary, issuedTokens, type Scene, type SecurityRow, securityTable, serviceForm } from "./table.ts";

const invalidGrant = { status: 400, error: "invalid_grant" };
const invalidScope = { status: 400, error: "invalid_scope" };

const passwordForm = (scene: Scene, more: Readonly<Record<string, string>> = {}) => ({
  grant_type: "password",
  client_id: scene.app.id,
  username: scene.alice.username,
  password: scene.alice.password,
  ...more,
});

const refreshOf = (answer: TestResponse) => String(answer.body.refresh_token);

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

/** The family as it is, and how to put it back so. */
async function restorable({ authority: { services } }: Scene, refresh: string): Promise<() => Promise<void>> {
  const key = keys.family(refresh.slice(4, 26));
  const before = await services.store.get<FamilyRecord>(key);
  assert.ok(before);
  const { owner = "", expiresAt = 0, value } = before;
  return async () => {
    const now = await services.store.get<FamilyRecord>(key);
    assert.ok(await services.store.swap(key, now?.version ?? 0, { value, owner, expiresAt }));
  };
}

/** Makes a family look as if it had been refreshed so many times more. */
async function growOld({ authority: { services } }: Scene, refresh: string, times: number): Promise<void> {
  const item = await services.store.get<FamilyRecord>(keys.family(refresh.slice(4, 26)));
  assert.ok(item);
  const { owner = "", expiresAt = 0, value } = item;
  const older = { ...value, generation: value.generation + times };
  assert.ok(await services.store.swap(item.key, item.version, { value: older, owner, expiresAt }));
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

async function refreshAt({ fetch }: Pick<Authority, "fetch">, { app }: Scene, token: string): Promise<TestResponse> {
  const body = new URLSearchParams({ grant_type: "refresh_token", client_id: app.id, refresh_token: token });
  return readResponse(await fetch(new Request(`${testIssuer}/oauth/token`, { method: "POST", body })));
}

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
    return scene.refresh(refreshOf(await scene.post({ ...form, resource: testIssuer })));
  },
  expect: { status: 200 },
  also: ({ body }) => assert.equal(decodeJwt(String(body.access_token)).aud, testIssuer),
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
  ...foreignRevocations,
  keptAudience,
  issuerAudience,
  ...withdrawnAudience,
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
      const { client, secret } = await scene.authority.client({ scopes: ["offline_access"] });
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
  {
    id: "C9",
    name: "reuse outside the window kills the family",
    async build(scene) {
      const { refresh } = await scene.login();
      const next = await scene.refresh(refresh);
      await scene.authority.clock.advance(10_000);
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(refreshOf(next))).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
    also: (_answer, scene) => assert.ok(scene.authority.events.some((event) => event.name === "family.reused")),
  },
  {
    id: "C9",
    name: "a spent token many generations back kills the family",
    async build(scene) {
      const { refresh } = await scene.login();
      let current = refresh;
      for (let generation = 0; generation < 20; generation++) current = refreshOf(await scene.refresh(current));
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(current)).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C9",
    name: "a spent token kills the family however far back it is",
    async build(scene) {
      const { refresh } = await scene.login();
      const current = refreshOf(await scene.refresh(refreshOf(await scene.refresh(refresh))));
      await growOld(scene, current, 100_000);
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(current)).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
    also: (_answer, scene) => assert.ok(scene.authority.events.some((event) => event.name === "family.reused")),
  },
  {
    id: "C9",
    name: "a token given after the backup that was restored is refused, and is no theft",
    async build(scene) {
      const { refresh } = await scene.login();
      const restore = await restorable(scene, refresh);
      const later = refreshOf(await scene.refresh(refresh));
      await restore();
      const answer = await scene.refresh(later);
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C9",
    name: "a forged token of an old family costs no more than one of a young family, and ends nothing",
    async build(scene) {
      const { refresh } = await scene.login();
      await growOld(scene, refresh, 4000);
      const { keys } = scene.authority.services;
      const derive = keys.derive.bind(keys);
      let derivations = 0;
      Object.assign(keys, {
        derive: (...input: Parameters<typeof derive>) => {
          derivations += 1;
          return derive(...input);
        },
      });
      const answer = await scene.refresh(refresh.replace(/[^.]{43}/, "A".repeat(43)));
      assert.ok(derivations <= 1, `${derivations} derivations`);
      assert.equal((await scene.refresh(refresh)).status, 200);
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C9",
    name: "reuse is theft also when the clock was put back after the rotation",
    async build(scene) {
      const { clock, services } = scene.authority;
      const { refresh } = await scene.login();
      clock.jump(3_600_000);
      await services.keys.reload();
      const next = await scene.refresh(refresh);
      clock.jump(-3_600_000);
      await services.keys.reload();
      await clock.advance(600_000);
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(refreshOf(next))).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C10",
    name: "a retry inside the window gets the same successor",
    async build(scene) {
      const { refresh } = await scene.login();
      const first = await scene.refresh(refresh);
      await scene.authority.clock.advance(9_999);
      const retried = await scene.refresh(refresh);
      assert.equal(refreshOf(retried), refreshOf(first));
      assert.equal((await scene.authority.services.users.families(scene.alice.userId)).length, 1);
      return scene.refresh(refreshOf(retried));
    },
    expect: { status: 200 },
  },
  {
    id: "C11",
    name: "a replay after the successor was used is theft",
    async build(scene) {
      const { refresh } = await scene.login();
      const second = refreshOf(await scene.refresh(refresh));
      const third = refreshOf(await scene.refresh(second));
      const answer = await scene.refresh(refresh);
      assert.equal((await scene.refresh(third)).body.error, "invalid_grant");
      return answer;
    },
    expect: invalidGrant,
  },
  {
    id: "C12",
    name: "200 parallel refreshes leave one lineage and nobody logged out",
    async build(scene) {
      const { refresh } = await scene.login();
      const before = issuedTokens(scene);
      const answers = await Promise.all(Array.from({ length: 200 }, () => scene.refresh(refresh)));
      assert.equal(
        issuedTokens(scene) - before,
        answers.length,
        "the trail counts the tokens that were given, no others",
      );
      const successors = new Set(answers.filter((answer) => answer.status === 200).map(refreshOf));
      assert.equal(successors.size, 1);
      assert.ok(
        answers.every((answer) => answer.status === 200),
        "everybody keeps a session",
      );
      assert.equal((await scene.authority.services.users.families(scene.alice.userId)).length, 1);
      return scene.refresh([...successors][0] ?? "");
    },
    expect: { status: 200 },
  },
  {
    id: "C12",
    name: "200 parallel refreshes on four nodes leave one lineage",
    async build(scene) {
      const { refresh } = await scene.login();
      const others = await Promise.all([11, 12, 13].map((seed) => anotherNode(scene.authority, seed)));
      const nodes = [scene.authority, ...others];
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) => refreshAt(nodes[n % 4] ?? scene.authority, scene, refresh)),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const [successor, ...different] = new Set(answers.map(refreshOf));
      assert.deepEqual(different, []);
      for (const node of others) await node.services.keys.close();
      return scene.refresh(successor ?? "");
    },
    expect: { status: 200 },
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
    id: "C14",
    name: "the idle lifetime ends a family",
    config: { tokens: { refresh_idle_ttl: 3600 } },
    async build(scene) {
      const { refresh } = await scene.login();
      await scene.authority.clock.advance(3_600_000);
      return scene.refresh(refresh);
    },
    expect: invalidGrant,
  },
  {
    id: "C14",
    name: "the absolute lifetime ends a family that is refreshed all the time",
    config: { tokens: { refresh_idle_ttl: 3600, refresh_absolute_ttl: 7200 } },
    async build(scene) {
      let { refresh } = await scene.login();
      for (let half = 0; half < 3; half++) {
        await scene.authority.clock.advance(1_800_000);
        refresh = refreshOf(await scene.refresh(refresh));
      }
      await scene.authority.clock.advance(1_800_000);
      return scene.refresh(refresh);
    },
    expect: invalidGrant,
  },
  {
    id: "C15",
    name: "the store holds no refresh token, and what it holds cannot be replayed",
    async build(scene) {
      const { refresh } = await scene.login();
      const [family] = await scene.authority.services.users.families(scene.alice.userId);
      const dump = JSON.stringify(family);
      const [, , secret = refresh, mark] = refresh.split(".");
      assert.ok(!dump.includes(secret));
      const forged = `csr_${family?.value.familyId}.0.${family?.value.currentHash}.${mark}`;
      return scene.refresh(forged);
    },
    expect: invalidGrant,
  },
  {
    id: "C36",
    name: "revoking an unknown token",
    build: (scene) => scene.post({ ...serviceForm(scene), token: canary }, { path: "/oauth/revoke" }),
    expect: { status: 200 },
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
    name: "revoking one's own refresh token under a wrong hint ends the family",
    async build(scene) {
      const { refresh } = await scene.login();
      const fields = { client_id: scene.app.id, token: refresh, token_type_hint: "access_token" };
      assert.equal((await scene.post(fields, { path: "/oauth/revoke" })).status, 200);
      return scene.refresh(refresh);
    },
    expect: invalidGrant,
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

import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Connection } from "../../src/caller.ts";
import { routesOf } from "../../src/http/routes.ts";
import { readResponse, TEST_ISSUER, type TestAuthority, type TestResponse, testAuthority } from "../../src/testing.ts";

const alice = { username: "alice", password: "correct horse battery" };

/** An authority with alice, who holds the scopes, and her token for the management API. */
async function withAlice(context: TestContext, scopes: readonly string[]) {
  const authority = await testAuthority();
  context.after(() => authority.close());
  const { client } = await authority.client({ authMethod: "none", grants: ["password"], scopes });
  const { userId } = await authority.services.users.register({ ...alice, fullName: "Alice", scopes }, "test");
  const fields = { grant_type: "password", client_id: client.clientId, ...alice };
  const issued = await authority.form("/oauth/token", { ...fields, scope: scopes.join(" "), resource: TEST_ISSUER });
  const token = String(issued.body.access_token);
  const send = (method: string, path: string, body?: object) => call(authority, { method, path, token, body });
  return { authority, userId, clientId: client.clientId, token, send };
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: object | undefined;
}

async function call(authority: TestAuthority, { method, path, token, body }: Sent): Promise<TestResponse> {
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return readResponse(await authority.fetch(new Request(`${TEST_ISSUER}${path}`, init), { address: "127.0.0.1" }));
}

describe("the management API: who may do what", () => {
  it("refuses every operation on others to a user who is no superuser, and to nobody at all", async (context) => {
    const { authority, send } = await withAlice(context, ["read"]);
    const operations = routesOf(authority.services.config).filter(({ doc }) => doc.security === "bearer");
    assert.ok(operations.length >= 20);
    for (const { method, path } of operations) {
      const target = path.replace(/:(\w+)/g, "admin_id");
      const answer = await send(method, target);
      assert.deepEqual([answer.status, answer.body.error], [403, "insufficient_scope"], `${method} ${path}`);
      assert.equal((await call(authority, { method, path: target })).status, 401, `${method} ${path}`);
    }
  });

  it("takes no token that is meant for another: who it was shown to must not act as its user here", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const elsewhere = "https://api.example";
    const settings = { authMethod: "none", grants: ["password"], scopes: ["read"] } as const;
    const { client } = await authority.client({ ...settings, token: { audience: [elsewhere] } });
    const { userId } = await authority.services.users.register(
      { ...alice, fullName: "Alice", scopes: ["read"] },
      "test",
    );
    const path = `/api/v1/user/${userId}`;
    const statusFor = async (resource: string) => {
      const fields = { grant_type: "password", client_id: client.clientId, ...alice, resource };
      const { body } = await authority.form("/oauth/token", fields);
      return (await call(authority, { method: "GET", path, token: String(body.access_token) })).status;
    };
    assert.deepEqual([await statusFor(TEST_ISSUER), await statusFor(elsewhere)], [200, 401]);
  });

  it("asks for a token who shows none, and tells who shows a bad one of its error (RFC 6750 section 3.1)", async (context) => {
    const { authority } = await withAlice(context, ["read"]);
    const challenge = async (sent: { readonly token?: string }) =>
      (await call(authority, { method: "GET", path: "/api/v1/client", ...sent })).headers.get("www-authenticate");
    assert.equal(await challenge({}), 'Bearer realm="countersign"');
    assert.equal(await challenge({ token: "bad" }), 'Bearer error="invalid_token"');
  });
});

describe("the management API: what is another's (D9)", () => {
  it("is refused to a client that acts for itself as what is not there", async (context) => {
    const { authority } = await withAlice(context, ["read"]);
    const { client, secret } = await authority.client({ scopes: ["read"] });
    const fields = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
    const { body } = await authority.form("/oauth/token", fields);
    const token = String(body.access_token);
    for (const name of ["alice", "nobody"]) {
      const answer = await call(authority, { method: "GET", path: `/api/v1/username/${name}`, token });
      assert.deepEqual([answer.status, answer.body.error], [403, "insufficient_scope"], name);
    }
  });

  it("is refused to a user as what is not there, byte for byte", async (context) => {
    const { authority, send } = await withAlice(context, ["read"]);
    const bob = await authority.services.users.register(
      { ...alice, username: "bob", fullName: "Bob", scopes: [] },
      "test",
    );
    const paths: readonly (readonly [method: string, there: string, notThere: string])[] = [
      ["GET", `/api/v1/user/${bob.userId}`, "/api/v1/user/user_none"],
      ["DELETE", `/api/v1/user/${bob.userId}`, "/api/v1/user/user_none"],
      ["GET", `/api/v1/user/${bob.userId}/tokens`, "/api/v1/user/user_none/tokens"],
      ["DELETE", `/api/v1/user/${bob.userId}/tokens`, "/api/v1/user/user_none/tokens"],
      ["GET", "/api/v1/username/bob", "/api/v1/username/nobody"],
      ["GET", "/api/v1/client/loopback", "/api/v1/client/none"],
    ];
    for (const [method, there, notThere] of paths) {
      const [refused, missing] = [await send(method, there), await send(method, notThere)];
      assert.equal(refused.status, 403, there);
      assert.deepEqual(
        [missing.status, missing.body, ...missing.headers],
        [refused.status, refused.body, ...refused.headers],
      );
    }
    assert.ok(await authority.services.users.byId(bob.userId));
  });
});

describe("the management API: JSON that readers disagree about", () => {
  for (const [id, body] of [
    ["two members of one name", '{"client_name":"a","scopes":[],"grants":[],"client_name":"b"}'],
    ["two members of one name, one escaped", '{"client_name":"a","scopes":[],"grants":[],"client_n\\u0061me":"b"}'],
    [
      "two members of one name further in",
      '{"client_name":"a","scopes":[],"grants":[],"jwks":{"keys":[{"kty":"EC","kty":"RSA"}]}}',
    ],
    ["half of a surrogate pair", '{"client_name":"\\ud800","scopes":[],"grants":[]}'],
    ["a byte order mark", '\uFEFF{"client_name":"a","scopes":[],"grants":[]}'],
    ["nesting without end", `{"client_name":${"[".repeat(5000)}`],
  ] as const) {
    it(`refuses ${id}, and changes nothing`, async (context) => {
      const { authority, token } = await withAlice(context, ["superuser"]);
      const count = async () => (await authority.services.clients.list({ limit: 100 })).length;
      const before = await count();
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      const request = new Request(`${TEST_ISSUER}/api/v1/client`, { method: "POST", headers, body });
      const answer = await readResponse(await authority.fetch(request, { address: "127.0.0.1" }));
      assert.deepEqual([answer.status, answer.body.error], [400, "invalid_request"]);
      assert.match(String(answer.body.error_description), /^The body is not JSON as it is read here: /);
      assert.equal(await count(), before);
    });
  }
});

describe("the management API: what is wrong with a body", () => {
  for (const [body, says] of [
    [{ client_name: "a", surprise: 1 }, /^The body is wrong: .*unknown members are not allowed/],
    [{ client_name: "a", scopes: [1], grants: [] }, /^The body is wrong: scopes\.0: [^;]+$/],
    [[], /^The body is wrong: body: [^;]+$/],
  ] as const) {
    it(`${JSON.stringify(body)}: ${says.source}`, async (context) => {
      const { send } = await withAlice(context, ["superuser"]);
      const answer = await send("POST", "/api/v1/client", body);
      assert.equal(answer.body.error, "invalid_request");
      assert.match(String(answer.body.error_description), says);
    });
  }
});

describe("the management API: settings that nobody may give (D7, D8)", () => {
  const client = { client_name: "x", scopes: ["read"], grants: ["client_credentials"], credential: true };
  const rows: readonly (readonly [id: string, change: object])[] = [
    ["a redirection address, which no client has here", { redirect_uris: ["javascript:alert(1)"] }],
    ["an unknown grant", { grants: ["implicit"] }],
    ["a grant of a prototype", { grants: ["constructor"] }],
    ["a public client for client_credentials", { token_endpoint_auth_method: "none", credential: false }],
    ["101 scopes", { scopes: Array.from({ length: 101 }, (_, n) => `s${n}`) }],
    ["a scope with a space", { scopes: ["read write"] }],
    ["the id of a user", { client_id: "user_x" }],
    ["an id that reaches into other keys", { client_id: "x#U#admin" }],
    ["line breaks in its name", { client_name: "a\r\nSet-Cookie: x" }],
    ["a secret of its own", { client_secret: "x" }],
    ["internal members", { secrets: [], createdAt: 0 }],
  ];
  for (const [id, change] of rows) {
    it(`refuses a client with ${id}, and makes none`, async (context) => {
      const { authority, send } = await withAlice(context, ["superuser"]);
      const before = await authority.services.clients.list({ limit: 10 });
      const answer = await send("POST", "/api/v1/client", { ...client, ...change });
      assert.equal(answer.status, 400);
      assert.match(String(answer.body.error), /^invalid_(request|client_metadata|scope)$/);
      assert.deepEqual(await authority.services.clients.list({ limit: 10 }), before);
    });
  }

  it("takes the same client without them", async (context) => {
    const { send } = await withAlice(context, ["superuser"]);
    assert.equal((await send("POST", "/api/v1/client", client)).status, 200);
  });

  for (const member of [{ scopes: ["superuser"] }, { id: "admin_id" }, { user_id: "admin_id" }, { disabled: false }]) {
    it(`refuses a registration with ${JSON.stringify(member)}`, async (context) => {
      const authority = await testAuthority({ config: { registration: { mode: "open" } } });
      context.after(() => authority.close());
      const body = { ...alice, full_name: "Alice" };
      const register = (more: object) =>
        call(authority, { method: "POST", path: "/api/v1/register", body: { ...body, ...more } });
      assert.equal((await register(member)).status, 400);
      assert.equal(await authority.services.users.byUsername("alice"), undefined);
      assert.equal((await register({})).status, 204);
    });
  }
});

describe("the management API: a scope that was withdrawn", () => {
  it("opens nothing more, though the token still says it, and introspection does not show it", async (context) => {
    for (const from of ["user", "client"]) {
      const { authority, userId, clientId, token, send } = await withAlice(context, ["superuser", "read"]);
      await authority.client({ scopes: ["superuser"] });
      const { client, secret } = await authority.client({ scopes: ["introspect"] });
      const fields = { client_id: client.clientId, client_secret: secret, token };
      const scope = async () => (await authority.form("/oauth/introspect", fields)).body.scope;
      assert.equal((await send("GET", "/api/v1/client")).status, 200);
      assert.equal(await scope(), "superuser read");
      const { users, clients } = authority.services;
      if (from === "user") await users.setScopes(userId, ["read"], "test");
      else await clients.update(clientId, { scopes: ["read"] }, "test");
      assert.equal((await send("GET", "/api/v1/client")).body.error, "insufficient_scope", from);
      assert.equal((await send("GET", `/api/v1/user/${userId}`)).status, 200);
      assert.equal(await scope(), "read");
    }
  });
});

describe("the management API: a client that was deleted", () => {
  it("stays closed to its tokens when another client of the same id is made", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    await authority.client({ scopes: ["superuser"] });
    const settings = { clientId: "ops", scopes: ["superuser"] };
    const issueAgain = async () => {
      const { secret } = await authority.services.clients.rotateSecret("ops", 0, "test");
      return tokenWith(secret);
    };
    const issue = async () => tokenWith((await authority.client(settings)).secret);
    const tokenWith = async (secret: string) => {
      const fields = { grant_type: "client_credentials", client_id: "ops", client_secret: secret, scope: "superuser" };
      return String((await authority.form("/oauth/token", fields)).body.access_token);
    };
    const status = async (token: string) =>
      (await call(authority, { method: "GET", path: "/api/v1/keys", token })).status;
    const former = await issue();
    assert.equal(await status(former), 200);
    await authority.services.clients.delete("ops", "test");
    assert.equal(await status(former), 401);
    await authority.clock.advance(1500);
    assert.equal(await status(await issue()), 200);
    assert.equal(await status(former), 401);
    authority.clock.jump(-60_000);
    assert.equal(await status(await issueAgain()), 200, "the clock was put back");
  });
});

describe("the management API: listings", () => {
  for (const { path, member, id } of [
    { path: "/api/v1/client", member: "clients", id: "client_id" },
    { path: "/api/v1/user", member: "users", id: "user_id" },
  ]) {
    it(`names where to go on exactly while something follows: ${path}`, async (context) => {
      const { authority, send } = await withAlice(context, ["superuser"]);
      for (const name of ["bob", "carol", "dave"]) {
        await authority.client({ clientName: name });
        await authority.services.users.register({ ...alice, username: name, fullName: name, scopes: [] }, "test");
      }
      const pages: { rows: readonly string[]; next: unknown }[] = [];
      for (let after = ""; pages.length < 3; after = `&after=${pages.at(-1)?.next}`) {
        const { body } = await send("GET", `${path}?limit=2${after}`);
        const rows = body[member];
        assert.ok(Array.isArray(rows));
        pages.push({ rows: rows.map((row) => row[id]), next: body.next });
        if (body.next === undefined) break;
      }
      assert.deepEqual(
        pages.map(({ rows, next }) => [rows.length, next]),
        [
          [2, pages[0]?.rows.at(-1)],
          [2, undefined],
        ],
      );
      assert.equal(new Set(pages.flatMap(({ rows }) => rows)).size, 4);
    });
  }
});

describe("PATCH /api/v1/client/:id", () => {
  it("keeps what two changes at once name apart, and records what each one named", async (context) => {
    const { authority, clientId, send } = await withAlice(context, ["superuser"]);
    const path = `/api/v1/client/${clientId}`;
    const changes = [{ access_token_ttl: 60 }, { audience: ["orders"] }, { client_name: "Orders" }];
    const answers = await Promise.all(changes.map((change) => send("PATCH", path, change)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [204, 204, 204],
    );
    const client = await authority.services.clients.byId(clientId);
    assert.deepEqual(client?.token, { accessTokenTtlMs: 60_000, audience: ["orders"] });
    assert.equal(client?.clientName, "Orders");
    const records = await authority.services.audit.read({ limit: 10, name: "client.changed" });
    const named = records.map(({ fields }) => "what" in fields && fields.what);
    assert.deepEqual(named.toSorted(), ["clientName", "token", "token"]);
  });
});

describe("PATCH /api/v1/username/:username", () => {
  it("changes nothing when the new password is refused", async (context) => {
    const { authority, userId, send } = await withAlice(context, ["read"]);
    const change = { new_username: "alicia", current_password: alice.password, new_password: "short" };
    const answer = await send("PATCH", "/api/v1/username/alice", change);
    assert.deepEqual([answer.status, answer.body.error], [400, "invalid_password"]);
    assert.equal((await authority.services.users.byUsername("alice"))?.userId, userId);
  });
});

describe("the management API: keys before their first use", () => {
  it("publishes the key of an algorithm when a client is set to it, before any token is signed", async (context) => {
    const { authority, send } = await withAlice(context, ["superuser"]);
    const published = () => authority.services.keys.published("jwks").keys.map(({ alg }) => alg);
    const settings = { client_name: "x", scopes: [], grants: ["client_credentials"], credential: true };
    assert.deepEqual(published(), ["ES256"]);
    await send("POST", "/api/v1/client", { ...settings, client_id: "x", access_token_signing_alg: "EdDSA" });
    assert.deepEqual(published(), ["ES256", "EdDSA"]);
    await send("PATCH", "/api/v1/client/x", { access_token_signing_alg: "PS256" });
    assert.deepEqual(published(), ["ES256", "EdDSA", "PS256"]);
    const inSeconds = Math.ceil((authority.clock.now() + 19 * 60_000) / 1000);
    assert.equal((await send("GET", "/api/v1/client/x")).body.access_token_signing_from, inSeconds);
  });
});

describe("fetch under a server that hands over things of its own", () => {
  it("takes what is no connection for nobody", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    // As Bun's server looks; no type lets it through.
    const server: Connection = JSON.parse('{"address":{"address":"127.0.0.1","family":"IPv4","port":1}}');
    assert.equal((await authority.fetch(new Request(`${TEST_ISSUER}/status`), server)).status, 200);
    assert.equal((await authority.fetch(new Request(`${TEST_ISSUER}/metrics`), server)).status, 404);
  });
});

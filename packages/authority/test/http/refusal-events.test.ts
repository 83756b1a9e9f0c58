import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { testAuthority } from "@countersign/authority/testing";

const canary = "canary-7f3a";
const person = { username: "alice", password: "a long password", fullName: "Alice", scopes: ["read"] };

/** An authority with a user and a client, and what it tells of the events of a name. */
async function scene(context: TestContext) {
  const authority = await testAuthority({ config: { limits: { login_attempts: 1 } } });
  context.after(() => authority.close());
  const { userId } = await authority.services.users.register(person, "test");
  const { client, secret } = await authority.client({ clientId: "shop", grants: ["password", "client_credentials"] });
  const ask = (fields: Readonly<Record<string, string>>) =>
    authority.form("/oauth/token", { client_id: client.clientId, client_secret: secret, ...fields });
  const told = (name: string) => authority.events.filter((event) => event.name === name).map(({ fields }) => fields);
  return { authority, userId, clientId: client.clientId, ask, told };
}

describe("token.refused", () => {
  const address = "127.0.0.1";
  const rows = [
    {
      id: "names a client that proved who it is",
      fields: { grant_type: "client_credentials", scope: "read" },
      expect: {
        grant: "client_credentials",
        code: "invalid_scope",
        detail: "not allowed: read (client shop lacks it)",
      },
      isKnown: true,
    },
    {
      id: "says of which client the proof was wrong",
      fields: { grant_type: "client_credentials", client_secret: canary },
      expect: {
        grant: "client_credentials",
        code: "invalid_client",
        detail: "client shop (client_secret_basic): the secret is wrong or expired",
      },
      isKnown: false,
    },
    {
      id: "names the id that no client has",
      fields: { grant_type: "client_credentials", client_id: "shoop" },
      expect: { grant: "client_credentials", code: "invalid_client", detail: "no client has the id shoop" },
      isKnown: false,
    },
    ...[
      { username: "bob", detail: "unknown user" },
      { username: "alice", detail: "wrong password" },
    ].map(({ username, detail }) => ({
      id: `tells the log, and nobody else, that it is the ${detail}`,
      fields: { grant_type: "password", username, password: canary },
      expect: { grant: "password", code: "invalid_grant", detail },
      isKnown: true,
    })),
    ...["A".repeat(43), "two words", "..", `csr_${"A".repeat(80)}`].map((id) => ({
      id: `repeats nothing that is no id or could be a secret: ${id.slice(0, 9)}`,
      fields: { grant_type: "client_credentials", client_id: id },
      expect: { grant: "client_credentials", code: "invalid_client", detail: "no client has the id that was sent" },
      isKnown: false,
    })),
  ];
  for (const { id, fields, expect, isKnown } of rows) {
    it(id, async (context) => {
      const { ask, told, clientId } = await scene(context);
      await ask(fields);
      assert.deepEqual(told("token.refused"), [{ ...expect, ...(isKnown ? { clientId } : {}), address }]);
    });
  }
});

describe("login.locked", () => {
  for (const [id, username, isKnown] of [
    ["names the user whose account is tried", "alice", true],
    ["does not repeat a name that nobody has", canary, false],
    ["does not repeat a name that nobody can have", `${canary} `, false],
  ] as const) {
    it(id, async (context) => {
      const { ask, told, clientId, userId, authority } = await scene(context);
      for (const password of ["wrong", "again"]) await ask({ grant_type: "password", username, password });
      const user = isKnown ? { userId } : {};
      assert.deepEqual(told("login.locked"), [{ clientId, ...user, address: "127.0.0.1" }]);
      assert.ok(!JSON.stringify(authority.events).includes(canary));
    });
  }
});

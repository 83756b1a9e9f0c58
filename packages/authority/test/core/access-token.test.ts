import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { readIfAccessToken } from "../../src/core/access-token.ts";
import { TEST_ISSUER, type TestAuthority, type TestResponse, testAuthority } from "../../src/testing.ts";

const password = "correct horse battery";
const settings = { clientId: "console", scopes: ["superuser"] } as const;
const elsewhere = { address: "192.0.2.1" };

interface Scene {
  readonly authority: TestAuthority;
  readonly userId: string;
}

/** What happens to a token's client or user after it was issued, and whether the token is in force then. */
const rows: readonly {
  readonly name: string;
  readonly act: (scene: Scene) => Promise<unknown>;
  readonly inForce: { readonly ofUser: boolean; readonly ofClient: boolean };
}[] = [
  { name: "nothing", act: async () => {}, inForce: { ofUser: true, ofClient: true } },
  {
    name: "the user was disabled",
    act: ({ authority, userId }) => authority.services.users.setDisabled(userId, true, "test"),
    inForce: { ofUser: false, ofClient: true },
  },
  {
    name: "the user was deleted",
    act: ({ authority, userId }) => authority.services.users.delete(userId, "test"),
    inForce: { ofUser: false, ofClient: true },
  },
  {
    name: "the clients were disabled",
    act: ({ authority }) => changeClients(authority, { disabled: true }),
    inForce: { ofUser: false, ofClient: false },
  },
  {
    name: "the clients were deleted and others of the same ids made",
    async act({ authority }) {
      await authority.clock.advance(1000);
      for (const clientId of ["console", "portal"]) {
        await authority.services.clients.delete(clientId, "test");
        await authority.client({ ...settings, clientId });
      }
    },
    inForce: { ofUser: false, ofClient: false },
  },
];

describe("readIfAccessToken", () => {
  it("takes no failure of this server for a text that is no token", async (context) => {
    const authority = await testAuthority();
    context.after(() => authority.close());
    const { secret } = await authority.client(settings);
    const fields = { grant_type: "client_credentials", client_id: "console", client_secret: secret };
    const token = await issued(authority.form("/oauth/token", fields));
    const { clock, config } = authority.services;
    const published = () => {
      throw new CountersignError("temporarily_unavailable");
    };
    const services = { clock, config, keys: { ...authority.services.keys, published } };
    await assert.rejects(readIfAccessToken(token, services), { code: "temporarily_unavailable" });
    assert.equal(await readIfAccessToken("no token", services), undefined);
  });
});

async function changeClients(authority: TestAuthority, changes: { scopes?: readonly string[]; disabled?: boolean }) {
  for (const id of ["console", "portal"]) await authority.services.clients.update(id, changes, "test");
}

async function issued(answer: Promise<TestResponse>): Promise<string> {
  const { status, body } = await answer;
  assert.equal(status, 200, JSON.stringify(body));
  return String(body.access_token);
}

describe("clientInForce", () => {
  for (const { name, act, inForce } of rows) {
    it(`tells at introspection and at the management API, after ${name}`, async () => {
      const authority = await testAuthority();
      const watcher = await authority.client({ clientId: "watcher", scopes: ["introspect"] });
      // The last one who can be superuser could not be disabled or deleted.
      await authority.client({ ...settings, clientId: "spare" });
      const { secret } = await authority.client(settings);
      await authority.client({ ...settings, clientId: "portal", grants: ["password"], authMethod: "none" });
      const registration = { username: "alice", password, fullName: "Alice", scopes: ["superuser"] };
      const { userId } = await authority.services.users.register(registration, "test");
      const scope = "superuser";
      const form = (fields: Readonly<Record<string, string>>) => authority.form("/oauth/token", { ...fields, scope });
      const user = { grant_type: "password", client_id: "portal", username: "alice", password };
      const client = { grant_type: "client_credentials", client_id: "console", client_secret: secret };
      const tokens = { ofUser: await issued(form(user)), ofClient: await issued(form(client)) };
      await act({ authority, userId });
      for (const whose of ["ofUser", "ofClient"] as const) {
        const headers = { authorization: `Bearer ${tokens[whose]}` };
        const opened = await authority.fetch(new Request(`${TEST_ISSUER}/api/v1/client`, { headers }), elsewhere);
        assert.equal(opened.status, inForce[whose] ? 200 : 401, `management, ${whose}`);
        const fields = { client_id: "watcher", client_secret: watcher.secret, token: tokens[whose] };
        const { body } = await authority.form("/oauth/introspect", fields);
        if (inForce[whose]) assert.equal(body.active, true, `introspection, ${whose}`);
        else assert.deepEqual(body, { active: false }, `introspection, ${whose}`);
      }
      await authority.close();
    });
  }
});

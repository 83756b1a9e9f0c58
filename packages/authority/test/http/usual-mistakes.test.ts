import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { SignJWT } from "jose";
import { readResponse, TEST_ISSUER, type TestAuthority, type TestResponse, testAuthority } from "../../src/testing.ts";

const page = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");

const person = { username: "alice", password: "a long password", fullName: "Alice", scopes: ["read"] };
const { publicKey, privateKey } = generateKeyPairSync("ed25519");

/** An authority with the clients of an integrator, and how to ask it. */
async function makeScene() {
  const authority = await testAuthority();
  await authority.services.users.register(person, "test");
  const { secret } = await authority.client({ clientId: "shop", scopes: ["read", "write", "superuser"] });
  await authority.client({ clientId: "app", authMethod: "none", grants: ["password"], scopes: ["read", "write"] });
  const jwk = { ...publicKey.export({ format: "jwk" }), kty: "OKP" };
  await authority.client({ clientId: "signer", authMethod: "private_key_jwt", jwks: { keys: [jwk] } });
  const shop = { grant_type: "client_credentials", client_id: "shop", client_secret: secret };
  const login = { grant_type: "password", client_id: "app", username: "alice", password: person.password };
  const ask = (fields: Readonly<Record<string, string>>) =>
    authority.form("/oauth/token", fields, { connection: { address: "192.0.2.1" } });
  const manage = async (scope: Readonly<Record<string, string>>, init: RequestInit = {}) => {
    const { body } = await ask({ ...shop, ...scope });
    const headers = { authorization: `Bearer ${body.access_token}`, ...init.headers };
    return send(authority, "/api/v1/client", { ...init, headers });
  };
  return { authority, shop, login, ask, manage };
}

type Scene = Awaited<ReturnType<typeof makeScene>>;

async function send(authority: TestAuthority, path: string, init: RequestInit): Promise<TestResponse> {
  return readResponse(await authority.fetch(new Request(`${TEST_ISSUER}${path}`, init), { address: "192.0.2.1" }));
}

async function assertion(aud: string, at: number): Promise<Readonly<Record<string, string>>> {
  const claims = { iss: "signer", sub: "signer", aud, exp: at / 1000 + 60, jti: "one" };
  return {
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: "EdDSA" }).sign(privateKey),
  };
}

interface Mistake {
  readonly name: string;
  readonly make: (scene: Scene) => Promise<TestResponse>;
  readonly error: string;
  /** What the log says; the part between the dots stands in docs/errors.md too. */
  readonly detail: string;
  readonly inDocs: string;
}

const mistakes: readonly Mistake[] = [
  {
    name: "a client id with a letter too many",
    make: ({ ask, shop }) => ask({ ...shop, client_id: "shopp" }),
    error: "invalid_client",
    detail: "no client has the id shopp",
    inDocs: "no client has the id …",
  },
  {
    name: "an old secret",
    make: ({ ask, shop }) => ask({ ...shop, client_secret: "old" }),
    error: "invalid_client",
    detail: "client shop (client_secret_basic): the secret is wrong or expired",
    inDocs: "client … (client_secret_basic): the secret is wrong or expired",
  },
  {
    name: "the token endpoint as audience of an assertion",
    make: async ({ ask, authority }) => ask(await assertion(`${TEST_ISSUER}/oauth/token`, authority.clock.now())),
    error: "invalid_client",
    detail: `client signer (private_key_jwt): the assertion is refused as wrong_audience: The audience does not hold the one expected, or of an id token others too; it has "${TEST_ISSUER}/oauth/token"; aud must be ${TEST_ISSUER} alone, or set assertion_audience`,
    inDocs: "client … (private_key_jwt): the assertion is refused as wrong_audience",
  },
  {
    name: "the loopback client from elsewhere",
    async make({ ask, authority, login }) {
      await authority.client({ clientId: "local", authMethod: "none", loopback: true, grants: ["password"] });
      return ask({ ...login, client_id: "local" });
    },
    error: "invalid_client",
    detail: "client local is for loopback only",
    inDocs: "client … is for loopback only",
  },
  {
    name: "a grant that the client has not",
    make: ({ ask, shop, login }) => ask({ ...shop, ...login, client_id: "shop" }),
    error: "unauthorized_client",
    detail: "client shop has no password, but: client_credentials",
    inDocs: "client … has no password, but: …",
  },
  {
    name: "a grant that is not offered",
    make: ({ ask, shop }) => ask({ ...shop, grant_type: "authorization_code" }),
    error: "unsupported_grant_type",
    detail: "grant_type is authorization_code",
    inDocs: "grant_type is …",
  },
  {
    name: "a scope that the client has not",
    make: ({ ask, shop }) => ask({ ...shop, scope: "read admin" }),
    error: "invalid_scope",
    detail: "not allowed: admin (client shop lacks it)",
    inDocs: "not allowed: … (client … lacks it)",
  },
  {
    name: "a scope that the user has not",
    make: ({ ask, login }) => ask({ ...login, scope: "write" }),
    error: "invalid_scope",
    detail: "not allowed: write (user ",
    inDocs: "not allowed: … (client … lacks it)",
  },
  {
    name: "an audience that the client has not",
    make: ({ ask, shop }) => ask({ ...shop, resource: "https://api.example/" }),
    error: "invalid_target",
    detail: `https://api.example/ is not among the audiences that client shop may ask for here: ${TEST_ISSUER}`,
    inDocs: "… is not among the audiences that client … may ask for here",
  },
  {
    name: "a wrong password",
    make: ({ ask, login }) => ask({ ...login, password: "another password" }),
    error: "invalid_grant",
    detail: "wrong password",
    inDocs: "wrong password",
  },
  {
    name: "JSON at the token endpoint",
    make: ({ authority, shop }) =>
      send(authority, "/oauth/token", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(shop),
      }),
    error: "invalid_request",
    detail: "Send the parameters as application/x-www-form-urlencoded",
    inDocs: "Send the parameters as application/x-www-form-urlencoded",
  },
  {
    name: "a token for an API at the management API",
    async make({ authority, manage }) {
      await authority.services.clients.update("shop", { token: { audience: ["https://api.example"] } }, "test");
      return manage({ scope: "read" });
    },
    error: "invalid_token",
    detail: `a token for https://api.example is not one for ${TEST_ISSUER}`,
    inDocs: "a token for … is not one for …",
  },
  {
    name: "a token for no audience at the management API",
    async make({ authority, manage }) {
      await authority.services.clients.update("shop", { token: { profile: "plain" } }, "test");
      return manage({ scope: "read" });
    },
    error: "invalid_token",
    detail: `a token for nobody is not one for ${TEST_ISSUER}`,
    inDocs: "a token for … is not one for …",
  },
  {
    name: "no token at the management API",
    make: ({ authority }) => send(authority, "/api/v1/client", {}),
    error: "invalid_token",
    detail: "no token in the Authorization header",
    inDocs: "no token in the Authorization header",
  },
  {
    name: "a token without superuser at the management API",
    make: ({ manage }) => manage({ scope: "read" }),
    error: "insufficient_scope",
    detail: "shop has no superuser",
    inDocs: "… has no superuser",
  },
  {
    name: "a form at the management API",
    make: ({ manage }) =>
      manage({ scope: "superuser" }, { method: "POST", body: new URLSearchParams("client_name=a") }),
    error: "invalid_request",
    detail: "Send JSON with Content-Type: application/json",
    inDocs: "Send JSON with Content-Type: application/json",
  },
];

describe("the usual mistakes: answer, log and docs/errors.md say what was wrong", () => {
  for (const { name, make, error, detail, inDocs } of mistakes) {
    it(name, async (context) => {
      const scene = await makeScene();
      context.after(() => scene.authority.close());
      const answer = await make(scene);
      assert.equal(answer.body.error, error);
      assert.ok(String(answer.body.error_description).length > 20);
      const refusals = scene.authority.events.filter((event) => /^(token|request)\.refused$/.test(event.name));
      assert.equal(refusals.length, 1);
      const fields: Readonly<Record<string, string>> = { ...refusals[0]?.fields };
      assert.ok(fields.detail?.startsWith(detail), String(fields.detail));
      assert.equal(fields.address, "192.0.2.1");
      assert.ok(page.includes(`| \`${error}\` | ${inDocs}`), `${inDocs} is not in docs/errors.md`);
      assert.ok(!JSON.stringify(scene.authority.events).includes(person.password));
    });
  }

  it("a wrong path: the answer names the metadata, where the endpoints are", async (context) => {
    const { authority } = await makeScene();
    context.after(() => authority.close());
    const { status, body } = await send(authority, "/token", { method: "POST" });
    assert.equal(status, 404);
    assert.match(String(body.error_description), /\.well-known\/oauth-authorization-server/);
  });
});

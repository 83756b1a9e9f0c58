import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { decodeJwt } from "@countersign/protocol";
import type { PolicyInput } from "../../src/policy/document.ts";
import { TEST_ISSUER, type TestAuthority, type TestResponse, testAuthority } from "../../src/testing.ts";

type Rule = NonNullable<PolicyInput["rules"]>[number];

const api = "https://api.example.com";
const files = "https://files.example.com";
const person = { username: "alice", password: "correct horse battery", fullName: "Alice" };

interface Row {
  readonly id: string;
  /** The sections of the document; without it there is none. */
  readonly policy?: Partial<PolicyInput>;
  readonly user?: true;
  readonly ask?: Readonly<Record<string, string | readonly string[]>>;
  /** The scopes of the token, or how it is refused; more of what is expected beside it. */
  readonly expect: {
    readonly scope?: string;
    readonly error?: string;
    readonly rule?: string;
    readonly detail?: RegExp;
    readonly life?: number;
    readonly audience?: string;
  };
}

const needRule = (...rules: readonly Rule[]): Partial<PolicyInput> => ({ scopes_need_rule: true, rules: [...rules] });
const allow = (more: Omit<Rule, "scopes">, ...scopes: string[]): Rule => ({ ...more, scopes });
const everybody = { subject_pattern: ".+" };

const rows: readonly Row[] = [
  { id: "no document", expect: { scope: "read write", life: 900 } },
  { id: "a document that says nothing", policy: {}, expect: { scope: "read write", life: 900 } },
  {
    id: "a document about capabilities alone",
    policy: { rules: [{ ...everybody, resources: ["r"], operations: ["o"] }] },
    expect: { scope: "read write" },
  },
  {
    id: "scopes that need a rule and have none",
    policy: needRule(),
    expect: { error: "invalid_scope", detail: /no_rule/ },
  },
  {
    id: "what no rule allows is left out where nothing is asked for",
    policy: needRule(allow({ subjects: ["app"], id: "may-read" }, "read")),
    expect: { scope: "read" },
  },
  {
    id: "what no rule allows is refused where it is asked for",
    policy: needRule(allow({ subjects: ["app"], id: "may-read" }, "read")),
    ask: { scope: "read write" },
    expect: { error: "invalid_scope", detail: /write \(no_rule: no rule allows it/ },
  },
  {
    id: "what a rule refuses is refused, and the log names the rule",
    policy: { rules: [{ id: "no-writes", effect: "deny", ...everybody, scopes: ["write"] }] },
    ask: { scope: "write" },
    expect: { error: "invalid_scope", rule: "no-writes", detail: /write \(no-writes: a rule refuses it\)/ },
  },
  {
    id: "a rule gives nothing that the client does not have",
    policy: needRule(allow(everybody, "read", "admin")),
    ask: { scope: "admin" },
    expect: { error: "invalid_scope", detail: /client app lacks it/ },
  },
  {
    id: "a rule for another client",
    policy: needRule(allow({ ...everybody, clients: ["other"] }, "read")),
    expect: { error: "invalid_scope" },
  },
  {
    id: "the lifetime of a rule shortens the token's",
    policy: needRule(allow({ ...everybody, lifetime: 60 }, "read")),
    expect: { scope: "read", life: 60 },
  },
  {
    id: "the shortest lifetime of the scopes counts",
    policy: needRule(allow({ ...everybody, lifetime: 60 }, "read"), allow({ ...everybody, lifetime: 30 }, "write")),
    expect: { scope: "read write", life: 30 },
  },
  {
    id: "a rule does not lengthen the token's lifetime",
    policy: needRule(allow({ ...everybody, lifetime: 3600 }, "read")),
    expect: { scope: "read", life: 900 },
  },
  {
    id: "the lifetime of the kind",
    policy: { lifetimes: { access_token: 90 } },
    expect: { scope: "read write", life: 90 },
  },
  {
    id: "a rule for an audience, and the token is for it",
    policy: needRule(allow({ ...everybody, audiences: [api] }, "read", "write")),
    expect: { scope: "read write", audience: api },
  },
  {
    id: "a rule for an audience, and the token is for another",
    policy: needRule(allow({ ...everybody, audiences: [api] }, "read", "write")),
    ask: { resource: files },
    expect: { error: "invalid_scope" },
  },
  {
    id: "a rule for an audience, and the token is for two",
    policy: needRule(allow({ ...everybody, audiences: [api] }, "read", "write"), allow(everybody, "write")),
    ask: { resource: [api, files] },
    expect: { scope: "write" },
  },
  {
    id: "a refusal for an audience is one for the token",
    policy: { rules: [{ effect: "deny", ...everybody, scopes: ["write"], audience_pattern: "https://files\\..*" }] },
    ask: { resource: [api, files], scope: "write" },
    expect: { error: "invalid_scope", rule: "rules[0]" },
  },
  {
    id: "a user is the subject, not the client",
    policy: needRule(allow({ subjects: ["app"] }, "read")),
    user: true,
    expect: { error: "invalid_scope" },
  },
  {
    id: "the scopes of a user's record are its external roles",
    policy: { ...needRule(allow({ roles: ["write"] }, "read")), roles: { write: { external: true } } },
    user: true,
    expect: { scope: "read" },
  },
  {
    id: "a role that is not external comes from the document alone",
    policy: { ...needRule(allow({ roles: ["write"] }, "read")), roles: { write: {} } },
    user: true,
    expect: { error: "invalid_scope" },
  },
  {
    id: "superuser is refused like any other scope",
    policy: { rules: [{ effect: "deny", ...everybody, scopes: ["superuser"] }] },
    ask: { scope: "superuser" },
    user: true,
    expect: { error: "invalid_scope", rule: "rules[0]" },
  },
];

async function scene(context: TestContext, policy?: Partial<PolicyInput>) {
  const document = policy === undefined ? {} : { policy: { format: "countersign-policy/1", version: 1, ...policy } };
  const authority = await testAuthority(document);
  context.after(() => authority.close());
  const scopes = ["read", "write", "superuser", "offline_access"];
  await authority.services.users.register({ ...person, scopes }, "test");
  const { secret } = await authority.client({
    clientId: "app",
    grants: ["client_credentials", "password", "refresh_token"],
    scopes,
    token: { audience: [api, files] },
  });
  const ask = (fields: Readonly<Record<string, string | readonly string[]>>) =>
    authority.form("/oauth/token", { client_id: "app", client_secret: secret, ...fields });
  return { authority, ask };
}

const { username, password } = person;
const login = { grant_type: "password", username, password };

function expectToken({ status, body }: TestResponse, expected: Row["expect"]): void {
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.scope, expected.scope);
  if (expected.life !== undefined) assert.equal(body.expires_in, expected.life);
  const { claims } = decodeJwt(String(body.access_token));
  assert.equal(Number(claims.exp) - Number(claims.iat), body.expires_in);
  if (expected.audience !== undefined) assert.equal(claims.aud, expected.audience);
}

async function expectRefusal({ status, body }: TestResponse, expected: Row["expect"], authority: TestAuthority) {
  assert.deepEqual([status, body.error], [400, expected.error]);
  const told = authority.events.find(({ name }) => name === "token.refused");
  assert.ok(told?.name === "token.refused");
  assert.equal(told.fields.rule, expected.rule);
  assert.match(told.fields.detail ?? "", expected.detail ?? /./);
  // The caller learns no more than that it may not.
  assert.doesNotMatch(JSON.stringify(body), /policy|rule/);
}

describe("scopes under a policy", () => {
  for (const { id, policy, user, ask: fields, expect } of rows) {
    it(id, async (context) => {
      const { authority, ask } = await scene(context, policy);
      const answer = await ask({ ...(user ? login : { grant_type: "client_credentials" }), ...fields });
      if (expect.error === undefined) expectToken(answer, expect);
      else await expectRefusal(answer, expect, authority);
    });
  }

  it("stand in the audit trail where the policy refuses them, and not where the client lacks them", async (context) => {
    const deny: Rule = { id: "no-writes", effect: "deny", ...everybody, scopes: ["write"] };
    const { authority, ask } = await scene(context, { rules: [deny] });
    await ask({ grant_type: "client_credentials", scope: "write" });
    await ask({ grant_type: "client_credentials", scope: "admin" });
    const records = await authority.services.audit.read({ limit: 10, name: "token.refused" });
    assert.deepEqual(
      records.map(({ fields }) => fields),
      [
        {
          grant: "client_credentials",
          code: "invalid_scope",
          clientId: "app",
          rule: "no-writes",
          detail: "refused by the policy: write (no-writes: a rule refuses it)",
          address: "127.0.0.1",
        },
      ],
    );
  });

  it("are judged anew at every refresh, and where a token is shown", async (context) => {
    const { authority, ask } = await scene(context);
    const { body } = await ask({
      ...login,
      scope: "read write superuser offline_access",
      resource: [TEST_ISSUER, api],
    });
    const { services } = authority;
    const document = { rules: [{ effect: "deny", ...everybody, scopes: ["write", "superuser"] }] };
    await services.policy.set({ format: "countersign-policy/1", version: 1, ...document }, { actor: "test" });
    const refreshed = await ask({ grant_type: "refresh_token", refresh_token: String(body.refresh_token) });
    assert.deepEqual([refreshed.status, refreshed.body.scope], [200, "read offline_access"]);
    const again = await ask({
      grant_type: "refresh_token",
      refresh_token: String(refreshed.body.refresh_token),
      scope: "write",
    });
    assert.equal(again.body.error, "invalid_scope");
    const shown = await authority.fetch(
      new Request(`${TEST_ISSUER}/api/v1/client`, { headers: { authorization: `Bearer ${body.access_token}` } }),
      { address: "127.0.0.1" },
    );
    assert.equal(shown.status, 403);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tokenTypes } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { jwtBearer } from "../../src/grants/jwt-bearer.ts";
import { tokenExchange } from "../../src/grants/token-exchange.ts";
import {
  type FormFields,
  TEST_ISSUER,
  type TestAuthority,
  type TestResponse,
  testAuthority,
} from "../../src/testing.ts";
import { type ForeignIssuer, foreignIssuer } from "./foreign.ts";
import { claimsIn } from "./scene.ts";

const api = "https://api.example.com";
const gitHub = "https://token.actions.githubusercontent.com";
const job = {
  sub: "repo:acme/shop:ref:refs/heads/main",
  repository: "acme/shop",
  repository_id: "7",
  repository_owner_id: "8",
  workflow_ref: "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
  event_name: "push",
  ref: "refs/heads/main",
};

interface Scene {
  readonly authority: TestAuthority;
  readonly issuer: ForeignIssuer;
  ask(fields: FormFields): Promise<TestResponse>;
}

interface Given {
  readonly issuer?: string;
  readonly claims?: Record<string, unknown>;
  /** The entry of the issuer, beside its keys. */
  readonly entry?: object;
  readonly rules: readonly object[];
  readonly scopes?: readonly string[];
}

/** An authority that trusts one issuer by these rules, and the public client `ci`. */
async function trusting(given: Given): Promise<Scene> {
  const clock = new FakeClock();
  const { issuer: name = gitHub, claims = job, entry = { profile: "github-actions" } } = given;
  const issuer = await foreignIssuer({ issuer: name, audience: TEST_ISSUER, now: () => clock.now(), claims });
  const rules = given.rules.map((rule) => ({ issuer: name, ...rule }));
  const policy = {
    format: "countersign-policy/1",
    version: 1,
    exchange: { issuers: [{ issuer: name, jwks: issuer.jwks, ...entry }], rules },
  };
  const authority = await testAuthority({ clock, policy });
  const { scopes = ["deploy", "read"] } = given;
  const grants = [tokenExchange.type, jwtBearer.type];
  await authority.client({ clientId: "ci", authMethod: "none", grants, scopes });
  const ask = (fields: FormFields) =>
    authority.form("/oauth/token", {
      client_id: "ci",
      grant_type: tokenExchange.type,
      subject_token_type: tokenTypes.jwt,
      ...fields,
    });
  return { authority, issuer, ask };
}

const deploy = { clients: ["ci"], gives: { audiences: [api], scopes: ["deploy"], lifetime: 120 } };

describe("exchange by rules", () => {
  it("gives a job of GitHub a token without any secret", async () => {
    const { authority, issuer, ask } = await trusting({ rules: [{ ...deploy, claims: { repository: "acme/shop" } }] });
    const response = await ask({ subject_token: await issuer.sign() });
    const { sub, aud, scope, client_id, exp, iat } = claimsIn(response);
    assert.deepEqual(
      { sub, aud, scope, client_id },
      { sub: `${gitHub}#${job.sub}`, aud: api, scope: "deploy", client_id: "ci" },
    );
    assert.equal(Number(exp) - Number(iat), 120);
    const [record] = await authority.services.audit.read({ limit: 1, name: "token.issued" });
    assert.ok(record?.name === "token.issued");
    assert.equal(record.fields.rule, "exchange.rules[0]");
    assert.equal(record.fields.subject, sub);
    assert.match(record.fields.presented ?? "", /^[0-9a-f-]{36}$/);
    await authority.close();
  });

  it("lets the token live on as a token of ours, and be passed on under its own name", async () => {
    const { authority, issuer, ask } = await trusting({
      rules: [{ ...deploy, gives: { ...deploy.gives, audiences: ["gate", api], subject: "github:{repository}" } }],
    });
    const { secret } = await authority.client({ clientId: "gate", grants: [tokenExchange.type], scopes: ["deploy"] });
    const { body } = await ask({ subject_token: await issuer.sign() });
    const gate = { client_id: "gate", client_secret: secret };
    const passed = await ask({
      ...gate,
      subject_token: String(body.access_token),
      subject_token_type: tokenTypes.accessToken,
    });
    assert.equal(claimsIn(passed).sub, "github:acme/shop");
    const { client, secret: other } = await authority.client({ scopes: ["introspect"] });
    const about = { token: String(passed.body.access_token), client_id: client.clientId, client_secret: other };
    const { body: said } = await authority.form("/oauth/introspect", about);
    assert.deepEqual([said.active, said.sub, said.scope], [true, "github:acme/shop", "deploy"]);
    await authority.close();
  });

  const rules = [
    {
      id: "tags",
      ...deploy,
      claims: { ref: { pattern: "refs/tags/v[0-9.]+" } },
      gives: { audiences: [api], scopes: ["deploy"] },
    },
    {
      id: "mine",
      clients: ["ci"],
      claims: { repository: ["acme/shop", "acme/web"] },
      gives: { audiences: [api], scopes: ["read"] },
    },
    {
      id: "late",
      clients: ["ci"],
      gives: { audiences: [api, "https://other.example.com"], scopes: ["deploy", "read"] },
    },
  ];

  for (const { name, claims, scope } of [
    { name: "a pattern of the whole claim", claims: { ref: "refs/tags/v1.2" }, scope: "deploy" },
    { name: "no part of a claim for a pattern", claims: { ref: "x/refs/tags/v1" }, scope: "read" },
    { name: "one of several values", claims: { repository: "acme/web" }, scope: "read" },
    { name: "no value that only begins like one", claims: { repository: "acme/shop2" }, scope: "deploy read" },
    { name: "no claim that is missing", claims: { repository: "x", ref: undefined }, scope: "deploy read" },
    { name: "one member of a list", claims: { repository: ["x", "acme/shop"] }, scope: "read" },
    { name: "no other kind of value", claims: { repository: true }, scope: "deploy read" },
  ]) {
    it(`takes ${name}`, async () => {
      const { authority, issuer, ask } = await trusting({ rules });
      assert.equal(claimsIn(await ask({ subject_token: await issuer.sign(claims) })).scope, scope);
      await authority.close();
    });
  }

  it("goes on to a rule that gives the audience that is asked for", async () => {
    const { authority, issuer, ask } = await trusting({ rules });
    const there = await ask({ subject_token: await issuer.sign(), audience: "https://other.example.com" });
    assert.equal(claimsIn(there).scope, "deploy read");
    const nowhere = await ask({ subject_token: await issuer.sign(), audience: "https://nowhere.example.com" });
    assert.equal(nowhere.body.error, "invalid_target");
    await authority.close();
  });

  it("reads claims inside of claims, and makes the subject of them", async () => {
    const name = "https://kubernetes.default.svc";
    const claims = {
      sub: "system:serviceaccount:shop:web",
      "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } },
    };
    const subject = "k8s:{/kubernetes.io/namespace}:{/kubernetes.io/serviceaccount/name}";
    const rule = {
      claims: { "/kubernetes.io/namespace": "shop" },
      gives: { audiences: [api], scopes: ["read"], subject },
    };
    const { authority, issuer, ask } = await trusting({
      issuer: name,
      claims,
      entry: { profile: "kubernetes" },
      rules: [rule],
    });
    assert.equal(claimsIn(await ask({ subject_token: await issuer.sign() })).sub, "k8s:shop:web");
    const tricky = { "kubernetes.io": { namespace: "shop", serviceaccount: { name: "x y" } } };
    assert.equal((await ask({ subject_token: await issuer.sign(tricky) })).body.error, "invalid_request");
    await authority.close();
  });

  it("takes the name of a JWT-SVID from its trust domain", async () => {
    const name = "spiffe://example.org";
    const claims = { sub: "spiffe://example.org/ns/shop/sa/web", iss: undefined };
    const rule = { gives: { audiences: [api], scopes: ["read"] } };
    const scene = await trusting({ issuer: name, claims, entry: { profile: "spiffe" }, rules: [rule] });
    const { authority, issuer, ask } = scene;
    // A bundle says jwt-svid, and keys for anything else do not verify.
    assert.equal((await ask({ subject_token: await issuer.sign() })).body.error, "invalid_request");
    await authority.close();
    const bundle = await spiffeBundle(scene);
    assert.equal(claimsIn(await bundle.ask({ subject_token: await bundle.sign() })).sub, claims.sub);
    for (const sub of [
      "spiffe://example.org",
      "spiffe://example.org/",
      "spiffe://example.org/a/../b",
      "spiffe://example.org.evil/a",
    ]) {
      assert.equal(
        (await bundle.ask({ subject_token: await bundle.sign({ sub }) })).body.error,
        "invalid_request",
        sub,
      );
    }
    await bundle.close();
  });

  it("finds the user whom a claim names, within what that user may", async () => {
    const rule = {
      gives: { audiences: [api], scopes: ["read", "deploy", "offline_access"], user: "{preferred_username}" },
    };
    const { authority, issuer, ask } = await trusting({ entry: { profile: "jwt" }, rules: [rule] });
    const person = { username: "alice", password: "correct horse battery", fullName: "Alice", scopes: ["read"] };
    const { userId } = await authority.services.users.register(person, "test");
    const response = await ask({ subject_token: await issuer.sign({ preferred_username: "Alice" }) });
    const { sub, scope } = claimsIn(response);
    assert.deepEqual(
      { sub, scope, refresh: response.body.refresh_token },
      { sub: userId, scope: "read", refresh: undefined },
    );
    await authority.services.users.setDisabled(userId, true, "test");
    for (const preferred_username of ["alice", "bob", "", "a\nb", 7, undefined]) {
      const refused = await ask({ subject_token: await issuer.sign({ preferred_username }) });
      assert.equal(refused.body.error, "invalid_request");
    }
    await authority.close();
  });

  it("lets a service pass on a token of ours that is meant for others, where a rule says so", async () => {
    const rule = {
      issuer: "self",
      clients: ["proxy"],
      audiences: [api],
      gives: { audiences: ["https://ledger.example.com"], scopes: ["read", "deploy"] },
    };
    const { authority, ask } = await trusting({ rules: [rule] });
    const grants = ["client_credentials", tokenExchange.type];
    const { secret } = await authority.client({ clientId: "proxy", grants, scopes: ["read", "deploy"] });
    const { secret: own } = await authority.client({
      clientId: "web",
      grants,
      scopes: ["read"],
      token: { audience: [api] },
    });
    const { body } = await authority.form("/oauth/token", {
      grant_type: "client_credentials",
      client_id: "web",
      client_secret: own,
    });
    const subject = { subject_token: String(body.access_token), subject_token_type: tokenTypes.accessToken };
    const { sub, scope, aud } = claimsIn(await ask({ client_id: "proxy", client_secret: secret, ...subject }));
    assert.deepEqual({ sub, scope, aud }, { sub: "web", scope: "read", aud: "https://ledger.example.com" });
    await authority.close();
  });

  it("takes a token of another issuer by a rule only, though it is meant for the client itself", async () => {
    const { authority, issuer, ask } = await trusting({
      entry: { profile: "github-actions", audiences: ["gate"] },
      rules: [deploy],
    });
    const grants = ["client_credentials", tokenExchange.type];
    const { secret } = await authority.client({ clientId: "gate", grants, scopes: ["deploy"] });
    const gate = { client_id: "gate", client_secret: secret };
    const { body } = await authority.form("/oauth/token", {
      ...gate,
      grant_type: "client_credentials",
      audience: TEST_ISSUER,
    });
    const own = String(body.access_token);
    const foreign = await issuer.sign({ aud: "gate" });
    const asActor = { actor_token: foreign, actor_token_type: tokenTypes.jwt };
    for (const [fields, role] of [
      [{ subject_token: foreign }, "subject_token"],
      [{ subject_token: own, ...asActor }, "actor_token"],
    ] as const) {
      const answer = await ask({ ...gate, ...fields });
      assert.equal(answer.body.error, "invalid_request");
      assert.match(String(answer.body.error_description), new RegExp(`^The ${role} is not accepted here`));
      const refused = authority.events.findLast(({ name }) => name === "token.refused");
      assert.match(JSON.stringify(refused?.fields), /no rule of exchange fits it/);
    }
    assert.equal((await ask({ ...gate, subject_token: own })).status, 200);
    await authority.close();
  });

  it("takes no assertion grant without an assertion of a trusted issuer", async () => {
    const { authority, ask } = await trusting({ rules: [deploy] });
    const stranger = await foreignIssuer({
      issuer: "https://evil.example",
      audience: TEST_ISSUER,
      now: () => authority.clock.now(),
    });
    const grant = { grant_type: jwtBearer.type };
    assert.equal((await ask(grant)).body.error, "invalid_request");
    const { body } = await ask({ ...grant, assertion: await stranger.sign() });
    assert.equal(body.error, "invalid_grant");
    await authority.close();
  });

  it("names actors of other issuers with their issuer", async () => {
    const rule = { ...deploy, gives: { ...deploy.gives, audiences: ["ci"] } };
    const { authority, issuer, ask } = await trusting({ rules: [rule] });
    const act = { sub: "bot" };
    const first = await ask({
      subject_token: await issuer.sign({ act, may_act: { sub: "job-2" } }),
      actor_token: await issuer.sign({ sub: "job-2" }),
      actor_token_type: tokenTypes.jwt,
    });
    const { act: acting, may_act } = claimsIn(first);
    assert.deepEqual(acting, { iss: gitHub, sub: "job-2", act: { iss: gitHub, sub: "bot" } });
    assert.deepEqual(may_act, { iss: gitHub, sub: "job-2" });
    const other = await ask({
      subject_token: await issuer.sign({ may_act: { sub: "job-2" } }),
      actor_token: await issuer.sign({ sub: "job-3" }),
      actor_token_type: tokenTypes.jwt,
    });
    assert.equal(other.body.error, "invalid_request");
    await authority.close();
  });
});

/** The scene of a trust domain again, with a bundle whose keys say what they are for. */
async function spiffeBundle({ issuer }: Scene) {
  const clock = new FakeClock();
  const name = issuer.issuer;
  const signer = await foreignIssuer({
    issuer: name,
    audience: TEST_ISSUER,
    now: () => clock.now(),
    claims: { sub: `${name}/ns/shop/sa/web`, iss: undefined },
  });
  const jwks = { keys: signer.jwks.keys.map((key) => ({ ...key, use: "jwt-svid" })) };
  const rules = [{ issuer: name, gives: { audiences: [api], scopes: ["read"] } }];
  const policy = {
    format: "countersign-policy/1",
    version: 1,
    exchange: { issuers: [{ issuer: name, profile: "spiffe", jwks }], rules },
  };
  const authority = await testAuthority({ clock, policy });
  await authority.client({ clientId: "ci", authMethod: "none", grants: [tokenExchange.type], scopes: ["read"] });
  const ask = (fields: FormFields) =>
    authority.form("/oauth/token", {
      client_id: "ci",
      grant_type: tokenExchange.type,
      subject_token_type: tokenTypes.jwt,
      ...fields,
    });
  return { ask, sign: signer.sign, close: () => authority.close() };
}

describe("the jwt-bearer grant", () => {
  const bearer = { grant_type: jwtBearer.type, subject_token_type: "" };
  const rules = [{ gives: { audiences: [api, "https://other.example.com"], scopes: ["read", "deploy"] } }];

  it("takes an assertion once, by its id, and then never again", async () => {
    const { authority, issuer, ask } = await trusting({ entry: { profile: "assertion" }, rules });
    const assertion = await issuer.sign();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask({ ...bearer, assertion })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400, 400, 400, 400, 400]);
    const again = await ask({ ...bearer, assertion });
    assert.equal(again.body.error, "invalid_grant");
    assert.equal((await ask({ ...bearer, assertion: await issuer.sign({ jti: undefined }) })).status, 200);
    await authority.close();
  });

  it("takes an assertion without an id once, by what it says", async () => {
    const { authority, issuer, ask } = await trusting({ entry: { profile: "assertion" }, rules });
    const claims = { jti: undefined };
    const [first, second] = [await issuer.sign(claims), await issuer.sign(claims)];
    assert.notEqual(first, second, "two signatures of one content");
    assert.equal((await ask({ ...bearer, assertion: first })).status, 200);
    assert.equal((await ask({ ...bearer, assertion: second })).body.error, "invalid_grant");
    await authority.close();
  });

  it("consumes nothing where the policy refuses", async () => {
    const { authority, issuer, ask } = await trusting({ entry: { profile: "assertion" }, rules });
    const assertion = await issuer.sign();
    assert.equal((await ask({ ...bearer, assertion, scope: "superuser" })).body.error, "invalid_scope");
    assert.equal((await ask({ ...bearer, assertion, scope: "read" })).status, 200);
    await authority.close();
  });

  it("lets a token outlive its assertion, as long as the rule and the client say", async () => {
    const { authority, issuer, ask } = await trusting({ entry: { profile: "assertion" }, rules });
    const iat = Math.floor(authority.clock.now() / 1000);
    const assertion = await issuer.sign({ iat, exp: iat + 60 });
    assert.equal((await ask({ ...bearer, assertion })).body.expires_in, 900);
    await authority.close();
  });

  it("takes an identity assertion of its client, and no wider than it says", async () => {
    const { authority, issuer, ask } = await trusting({ entry: { profile: "id-jag" }, rules });
    const { secret } = await authority.client({
      clientId: "agent",
      grants: [jwtBearer.type],
      scopes: ["read", "deploy"],
    });
    const as = { ...bearer, client_id: "agent", client_secret: secret };
    const jag = { client_id: "agent", scope: "read", resource: "https://other.example.com" };
    const typ = { typ: "oauth-id-jag+jwt" };
    const { scope, aud } = claimsIn(await ask({ ...as, assertion: await issuer.sign(jag, typ) }));
    assert.deepEqual({ scope, aud }, { scope: "read", aud: "https://other.example.com" });
    for (const [claims, header] of [
      [{ ...jag, client_id: "ci" }, typ],
      [{ ...jag, client_id: undefined }, typ],
      [{ ...jag, jti: undefined }, typ],
      [{ ...jag, resource: "https://nowhere.example.com" }, typ],
      [jag, {}],
      [{ ...jag, aud: [TEST_ISSUER, "https://b.example.com"] }, typ],
    ] as const) {
      const { body } = await ask({ ...as, assertion: await issuer.sign(claims, header) });
      assert.equal(body.error, "invalid_grant", JSON.stringify([claims, header]));
    }
    const open = await ask({ ...bearer, assertion: await issuer.sign({ ...jag, client_id: "ci" }, typ) });
    assert.equal(open.body.error, "invalid_grant");
    await authority.close();
  });
});

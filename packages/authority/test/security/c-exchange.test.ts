import assert from "node:assert/strict";
import { tokenTypes } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { thumbprintOf } from "../../src/core/client-certificate.ts";
import { jwtBearer } from "../../src/grants/jwt-bearer.ts";
import { tokenExchange } from "../../src/grants/token-exchange.ts";
import { type FormFields, TEST_ISSUER, type TestResponse } from "../../src/testing.ts";
import { type ForeignIssuer, foreignIssuer } from "../exchange/foreign.ts";
import { canary, type Scene, type SecurityRow, securityTable } from "./table.ts";

const invalidRequest = { status: 400, error: "invalid_request" };
const exchangeType = tokenExchange.type;
const api = "https://orders.example.com";

type Claims = Record<string, unknown>;

/** What an exchange row has beside the scene of all rows. */
interface Parts {
  readonly scene: Scene;
  /** Exchanges as `orders`, whom alice's token is meant for. */
  exchange(fields: FormFields): Promise<TestResponse>;
  /** The same as another client. */
  exchangeAs(clientId: string, fields: FormFields): Promise<TestResponse>;
  /** Alice's token for `orders`. */
  readonly subject: string;
  /** The token of `orders` for itself. */
  readonly actor: string;
  /** A token that this authority signed, with other claims or another header. */
  altered(token: string, claims: Claims, header?: Claims): Promise<string>;
}

/** A row in the scene of an exchange. */
function row(
  id: string,
  name: string,
  build: (parts: Parts) => Promise<TestResponse>,
  more: Partial<SecurityRow> = {},
): SecurityRow {
  return { id, name, build: async (scene) => build(await partsOf(scene)), expect: invalidRequest, ...more };
}

async function partsOf(scene: Scene): Promise<Parts> {
  const { authority, alice } = scene;
  const secrets: Record<string, string> = {};
  const client = async (clientId: string, audience: readonly string[], more = {}) => {
    const grants = ["client_credentials", exchangeType];
    const made = await authority.client({ clientId, scopes: ["read", "write"], grants, token: { audience }, ...more });
    secrets[clientId] = made.secret;
  };
  await client("orders", ["billing", "orders"]);
  await client("stranger", ["billing", "stranger"]);
  await client("nobody", ["orders"], { grants: [exchangeType], authMethod: "none" });
  await client("shop", ["orders", api], { grants: ["password", exchangeType], authMethod: "none" });
  await client("here", ["orders"], { grants: ["password"], authMethod: "none", loopback: true });
  const secretOf = (clientId: string) => ({
    client_id: clientId,
    ...(secrets[clientId] ? { client_secret: secrets[clientId] } : {}),
  });
  const exchangeAs: Parts["exchangeAs"] = (clientId, fields) =>
    scene.post({
      grant_type: exchangeType,
      subject_token_type: tokenTypes.accessToken,
      ...secretOf(clientId),
      ...fields,
    } as FormFields);
  const tokenOf = async (fields: FormFields) => String((await scene.post(fields)).body.access_token);
  const login = { grant_type: "password", username: alice.username, password: alice.password };
  return {
    scene,
    exchangeAs,
    exchange: (fields) => exchangeAs("orders", fields),
    subject: await tokenOf({ ...login, client_id: "shop", audience: ["orders", api] }),
    actor: await tokenOf({ grant_type: "client_credentials", ...secretOf("orders"), audience: "orders" } as FormFields),
    async altered(token, claims, header = {}) {
      const signer = await authority.services.keys.signer("ES256");
      const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
      const input = `${encode({ ...decodeProtectedHeader(token), ...header })}.${encode({ ...decodeJwt(token), ...claims })}`;
      return `${input}.${await signer.sign(input)}`;
    },
  };
}

/** The token with its certificate, of a client that proves the certificate: none of the clients here does. */
const bound = { cnf: { "x5t#S256": thumbprintOf(new Uint8Array([1])) } };
const actorType = { actor_token_type: tokenTypes.accessToken };

const badSubjects: Readonly<Record<string, (parts: Parts) => Promise<string> | string>> = {
  "that is no token": () => canary,
  "with a bad signature": ({ subject }) =>
    subject.slice(0, -8) + (subject.at(-8) === "A" ? "B" : "A") + subject.slice(-7),
  "that expired": async ({ subject, scene }) => {
    await scene.authority.clock.advance(900_000);
    return subject;
  },
  "of another issuer": ({ subject, altered }) => altered(subject, { iss: "https://elsewhere.example.com" }),
  "without issuer": ({ subject, altered }) => altered(subject, { iss: undefined }),
  "bound to a certificate that is not proven": ({ subject, altered }) => altered(subject, bound),
  "bound to a DPoP key": ({ subject, altered }) =>
    altered(subject, { cnf: { jkt: thumbprintOf(new Uint8Array([2])) } }),
  "of a client that is gone": async ({ subject, scene }) => {
    await scene.authority.services.clients.delete("shop", "test");
    return subject;
  },
  "of a user who is disabled": async ({ subject, scene }) => {
    await scene.authority.services.users.setDisabled(scene.alice.userId, true, "test");
    return subject;
  },
  "of a user who is deleted": async ({ subject, scene }) => {
    await scene.authority.services.users.delete(scene.alice.userId, "test");
    return subject;
  },
  "that was revoked": async ({ subject, scene }) => {
    await scene.authority.form("/oauth/revoke", { client_id: "shop", token: subject });
    return subject;
  },
  "whose typ is that of another kind of token": ({ subject, altered }) => altered(subject, {}, { typ: "logout+jwt" }),
  "with a jku in its header": ({ subject, altered }) => altered(subject, {}, { jku: "http://127.0.0.1/canary" }),
  "about an id that is nobody's": ({ subject, altered }) => altered(subject, { sub: "user_nobody" }),
  "about a client in place of the user": ({ subject, altered }) => altered(subject, { sub: "stranger" }),
  "about somebody whom no issuer vouched for": ({ subject, altered }) => altered(subject, { sub: "https://x#alice" }),
};

const subjects = Object.entries(badSubjects).map(([name, make]) =>
  row("C25", `a subject token ${name}`, async (parts) => parts.exchange({ subject_token: await make(parts) })),
);

const targets: readonly SecurityRow[] = ["https://unknown.example.com", TEST_ISSUER, "stranger", `${api}.evil`].map(
  (audience) =>
    row("C26", `the audience ${audience}`, ({ exchange, subject }) => exchange({ subject_token: subject, audience }), {
      expect: { status: 400, error: "invalid_target" },
    }),
);

const deputies: readonly SecurityRow[] = [
  row(
    "C27",
    "the management API, for which the service itself may have tokens",
    async ({ exchange, scene, subject }) => {
      await scene.authority.services.clients.update(
        "orders",
        { token: { audience: ["billing", TEST_ISSUER] } },
        "test",
      );
      return exchange({ subject_token: subject, audience: TEST_ISSUER });
    },
    { expect: { status: 400, error: "invalid_target" } },
  ),
  row(
    "C27",
    "a login, to be passed on",
    async ({ exchange, scene: { post, alice, authority } }) => {
      const scopes = ["read", "offline_access"];
      const grants = ["password", "refresh_token", exchangeType];
      const token = { audience: ["orders"] };
      await authority.client({ clientId: "lasting", scopes, grants, authMethod: "none", token });
      await authority.services.clients.update("orders", { scopes, grants }, "test");
      const login = {
        grant_type: "password",
        username: alice.username,
        password: alice.password,
        client_id: "lasting",
      };
      const { body } = await post({ ...login, scope: "read offline_access" });
      return exchange({ subject_token: String(body.access_token), scope: "offline_access" });
    },
    { expect: { status: 400, error: "invalid_scope" } },
  ),
  row("C27", "a token for others in the hands of a client", ({ exchangeAs, subject }) =>
    exchangeAs("stranger", { subject_token: subject }),
  ),
  row("C27", "a token for others as the actor", ({ actor, scene, subject }) =>
    scene.post({
      client_id: "shop",
      grant_type: exchangeType,
      subject_token: subject,
      subject_token_type: tokenTypes.jwt,
      actor_token: actor,
      ...actorType,
    }),
  ),
  row("C27", "a public client whose name the token names", async ({ exchangeAs, subject, altered }) =>
    exchangeAs("nobody", { subject_token: await altered(subject, { aud: ["nobody"] }) }),
  ),
  row("C27", "a token of a loopback client that is passed on", async ({ exchange, scene: { post, alice } }) => {
    const login = { grant_type: "password", username: alice.username, password: alice.password, client_id: "here" };
    const { body } = await post(login);
    return exchange({ subject_token: String(body.access_token) });
  }),
  row(
    "C27",
    "a client without the grant",
    ({ subject, scene }) =>
      scene.post({
        client_id: scene.service.id,
        client_secret: scene.service.secret,
        grant_type: exchangeType,
        subject_token: subject,
        subject_token_type: tokenTypes.jwt,
      }),
    { expect: { status: 400, error: "unauthorized_client" } },
  ),
];

const widening: readonly SecurityRow[] = [
  row(
    "C28",
    "a scope that the token lacks",
    async ({ exchange, subject, altered }) =>
      exchange({ subject_token: await altered(subject, { scope: "read" }), scope: "read write" }),
    { expect: { status: 400, error: "invalid_scope" } },
  ),
  row(
    "C28",
    "a scope that the user lost since",
    async ({ exchange, subject, scene }) => {
      await scene.authority.services.users.setScopes(scene.alice.userId, ["read"], "test");
      return exchange({ subject_token: subject, scope: "write" });
    },
    { expect: { status: 400, error: "invalid_scope" } },
  ),
  row(
    "C28",
    "a scope that the client lacks",
    async ({ exchange, subject, scene }) => {
      await scene.authority.services.clients.update("orders", { scopes: ["read"] }, "test");
      return exchange({ subject_token: subject, scope: "write" });
    },
    { expect: { status: 400, error: "invalid_scope" } },
  ),
  row(
    "C28",
    "a token in the last part of its last second",
    async ({ exchange, subject, scene }) => {
      await scene.authority.clock.advance(899_999);
      return exchange({ subject_token: subject });
    },
    {
      expect: { status: [200, 400] },
      also: ({ body }) => assert.ok(body.error === "invalid_request" || body.expires_in === 1),
    },
  ),
];

const nested = (depth: number): unknown => (depth === 0 ? undefined : { sub: `a${depth}`, act: nested(depth - 1) });

const actors: readonly SecurityRow[] = [
  row("C29", "an actor token without its type", ({ exchange, subject, actor }) =>
    exchange({ subject_token: subject, actor_token: actor }),
  ),
  row("C29", "the type of an actor token without it", ({ exchange, subject }) =>
    exchange({ subject_token: subject, ...actorType }),
  ),
  row("C29", "the subject itself as the actor", ({ exchange, subject }) =>
    exchange({ subject_token: subject, actor_token: subject, ...actorType }),
  ),
  row("C29", "an actor for whom somebody acts", async ({ exchange, subject, actor, altered }) =>
    exchange({ subject_token: subject, actor_token: await altered(actor, { act: { sub: "x" } }), ...actorType }),
  ),
  row("C29", "an actor token that was revoked", async ({ exchange, subject, actor, scene }) => {
    await scene.authority.services.store.swap(`RJ#${decodeJwt(actor).jti}`, 0, { value: {} });
    return exchange({ subject_token: subject, actor_token: actor, ...actorType });
  }),
  row("C29", "50 actors", async ({ exchange, subject, altered }) =>
    exchange({ subject_token: await altered(subject, { act: nested(50) }) }),
  ),
  row("C29", "one actor more than is allowed", async ({ exchange, subject, actor, altered }) =>
    exchange({ subject_token: await altered(subject, { act: nested(4) }), actor_token: actor, ...actorType }),
  ),
  row(
    "C29",
    "as many actors as are allowed",
    async ({ exchange, subject, altered }) => exchange({ subject_token: await altered(subject, { act: nested(4) }) }),
    {
      expect: { status: 200 },
      also: ({ body }) =>
        assert.deepEqual(JSON.parse(JSON.stringify(nested(4))), decodeJwt(String(body.access_token)).act),
    },
  ),
  ...[{ sub: 1 }, {}, { sub: "a", act: "b" }, { sub: "a", iss: 7 }].map((act) =>
    row("C29", `act is ${JSON.stringify(act)}`, async ({ exchange, subject, altered }) =>
      exchange({ subject_token: await altered(subject, { act }) }),
    ),
  ),
];

const others = [
  { sub: "billing" },
  {},
  { iss: TEST_ISSUER },
  { sub: "orders", iss: "https://elsewhere.example.com" },
  { sub: ["orders"] },
  { sub: "orders", email: "a@b" },
];

const mayAct: readonly SecurityRow[] = [
  ...others.map((named) =>
    row("C29", `may_act ${JSON.stringify(named)} where orders acts`, async ({ exchange, subject, actor, altered }) =>
      exchange({ subject_token: await altered(subject, { may_act: named }), actor_token: actor, ...actorType }),
    ),
  ),
  row("C29", "may_act of another where no actor is named", async ({ exchange, subject, altered }) =>
    exchange({ subject_token: await altered(subject, { may_act: { sub: "billing" } }) }),
  ),
  ...[{}, actorType].map((type) =>
    row(
      "C29",
      `may_act of orders ${type === actorType ? "with" : "without"} an actor token`,
      async ({ exchange, subject, actor, altered }) =>
        exchange({
          subject_token: await altered(subject, { may_act: { sub: "orders" } }),
          ...(type === actorType ? { actor_token: actor, ...type } : {}),
        }),
      {
        expect: { status: 200 },
        also: ({ body }) => assert.deepEqual(decodeJwt(String(body.access_token)).may_act, { sub: "orders" }),
      },
    ),
  ),
];

const badTypes = [
  tokenTypes.idToken,
  "urn:ietf:params:oauth:token-type:saml2",
  "urn:ietf:params:oauth:token-type:refresh_token",
  canary,
];

const types: readonly SecurityRow[] = [
  ...badTypes.map((type) =>
    row("C30", `an access token as ${type}`, ({ exchange, subject }) =>
      exchange({ subject_token: subject, subject_token_type: type }),
    ),
  ),
  ...badTypes.map((type) =>
    row("C30", `${type} asked for`, ({ exchange, subject }) =>
      exchange({ subject_token: subject, requested_token_type: type }),
    ),
  ),
  row("C30", "no subject token", ({ exchange }) => exchange({ subject_token_type: tokenTypes.accessToken })),
  row("C30", "no subject token type", ({ exchange, subject }) =>
    exchange({ subject_token: subject, subject_token_type: "" }),
  ),
  row("C30", "two subject tokens", ({ exchange, subject }) => exchange({ subject_token: [subject, subject] })),
];

const idp = "https://idp.example.com";
const evil = "https://evil.example.com";
const jwtType = { subject_token_type: tokenTypes.jwt };

/** Two issuers that every row of foreign tokens trusts, one of which wants the other's rights; made once. */
const issuers = (() => {
  const now = () => new FakeClock().now();
  const of = (issuer: string) => foreignIssuer({ issuer, audience: TEST_ISSUER, now });
  return Promise.all([of(idp), of(evil)]);
})();

/** A row in which `orders` exchanges a token of another issuer by rules. */
function foreignRow(
  id: string,
  name: string,
  make: (idp: ForeignIssuer, evil: ForeignIssuer) => Promise<string>,
  more: Partial<SecurityRow> & {
    readonly entry?: object;
    readonly rules?: readonly object[];
    readonly fields?: FormFields;
  } = {},
): SecurityRow {
  const { entry = { profile: "jwt" }, rules, fields = {}, ...rest } = more;
  const build = async (parts: Parts) => {
    const [first, second] = await issuers;
    const gives = { audiences: [api], scopes: ["read"] };
    await parts.scene.authority.services.policy.set(
      {
        format: "countersign-policy/1",
        version: 1,
        exchange: {
          issuers: [
            { issuer: idp, jwks: first.jwks, ...entry },
            { issuer: evil, jwks: second.jwks, profile: "jwt" },
          ],
          rules: (rules ?? [{}]).map((rule) => ({ issuer: idp, clients: ["orders"], gives, ...rule })),
        },
      },
      { actor: "test" },
    );
    return parts.exchange({ ...jwtType, subject_token: await make(first, second), ...fields });
  };
  return row(id, name, build, rest);
}

const seconds = Math.floor(new FakeClock().now() / 1000);
const inTime = { expect: { status: 200 } };

const foreign: readonly SecurityRow[] = [
  row(
    "C25",
    "an exchange issuer's token as an assertion",
    async ({ scene, exchange }) => {
      const [{ issuer, jwks, sign }] = await issuers;
      const rules = [{ issuer, gives: { audiences: [api], scopes: ["read"] } }];
      const exchanging = { issuers: [{ issuer, jwks, profile: "jwt" }], rules };
      const document = { format: "countersign-policy/1", version: 1, exchange: exchanging };
      await scene.authority.services.policy.set(document, { actor: "test" });
      await scene.authority.client({ clientId: "job", authMethod: "none", grants: [jwtBearer.type], scopes: ["read"] });
      assert.equal((await exchange({ ...jwtType, subject_token: await sign() })).status, 200);
      return scene.post({ client_id: "job", grant_type: jwtBearer.type, assertion: await sign() });
    },
    { expect: { status: 400, error: "invalid_grant" } },
  ),
  ...[{}, { assertion: canary }].map((fields) =>
    row(
      "C25",
      `the jwt-bearer grant with ${JSON.stringify(Object.keys(fields))}, and no trusted issuer`,
      async ({ scene }) => {
        await scene.authority.client({
          clientId: "job",
          authMethod: "none",
          grants: [jwtBearer.type],
          scopes: ["read"],
        });
        return scene.post({ client_id: "job", grant_type: jwtBearer.type, ...fields });
      },
      { expect: { status: 400, error: "assertion" in fields ? "invalid_grant" : "invalid_request" } },
    ),
  ),
  row(
    "C25",
    "an assertion of nobody who is trusted",
    async ({ scene }) => {
      await scene.authority.client({ clientId: "job", authMethod: "none", grants: [jwtBearer.type], scopes: ["read"] });
      const [, evil] = await issuers;
      return scene.post({ client_id: "job", grant_type: jwtBearer.type, assertion: await evil.sign() });
    },
    { expect: { status: 400, error: "invalid_grant" } },
  ),
  foreignRow("C25", "a good token of another issuer, as a control of the table", (idp) => idp.sign(), inTime),
  foreignRow("A2", "alg none with a real signature left on", async (idp) => {
    const [, payload, signature] = (await idp.sign()).split(".");
    return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url")}.${payload}.${signature}`;
  }),
  foreignRow("A23", "jku in the header", (idp) => idp.sign({}, { jku: "http://127.0.0.1/canary" })),
  foreignRow("A24", "a key of the sender in the header", async (idp, evil) =>
    evil.sign({ iss: idp.issuer }, { jwk: evil.jwks.keys[0] }),
  ),
  foreignRow("A37", "no exp", (idp) => idp.sign({ exp: undefined })),
  foreignRow("A37", "an exp in a thousand years", (idp) => idp.sign({ exp: seconds + 31_536_000_000 })),
  foreignRow("A38", "expired", (idp) => idp.sign({ exp: seconds - 31 })),
  foreignRow("A39", "issued in the future", (idp) => idp.sign({ iat: seconds + 31, exp: seconds + 600 })),
  foreignRow("A39", "not yet valid", (idp) => idp.sign({ nbf: seconds + 31 })),
  ...[
    undefined,
    [],
    "http://localhost:8080.evil",
    "http://localhost:8080/",
    "HTTP://localhost:8080",
    [TEST_ISSUER, evil],
    7,
  ].map((aud) => foreignRow("A40", `aud is ${JSON.stringify(aud)}`, (idp) => idp.sign({ aud }))),
  foreignRow("A41", "the name of one issuer under the key of another, of the same kid", (_, evil) =>
    evil.sign({ iss: idp }),
  ),
  foreignRow("A41", "an issuer with a slash more", (idp) => idp.sign({ iss: `${idp.issuer}/` })),
  foreignRow("A42", "an access token where a workload's is expected", (idp) => idp.sign({}, { typ: "at+jwt" })),
  foreignRow("A42", "a logout token", (idp) => idp.sign({ events: {} })),
  foreignRow("A45", "a token that is bound to a key that nobody proves", (idp) => idp.sign({ cnf: { jkt: "x" } })),
  foreignRow("C27", "a token of a trusted issuer that no rule is about", (_, evil) => evil.sign()),
  foreignRow("C27", "a rule for another client", (idp) => idp.sign(), { rules: [{ clients: ["stranger"] }] }),
  foreignRow(
    "C28",
    "a token of a minute, which the new one does not outlive",
    (idp) => idp.sign({ exp: seconds + 60 }),
    {
      ...inTime,
      also: ({ body }) => assert.ok(Number(body.expires_in) <= 60),
    },
  ),
  foreignRow("C28", "a scope beyond the rule", (idp) => idp.sign(), {
    fields: { scope: "write" },
    expect: { status: 400, error: "invalid_scope" },
  }),
  foreignRow("C30", "a workload's token as an access token", (idp) => idp.sign(), {
    fields: { subject_token_type: tokenTypes.accessToken },
  }),
  foreignRow("C30", "an assertion at the exchange", (idp) => idp.sign(), { entry: { profile: "assertion" } }),
  foreignRow(
    "C32",
    "an id token of several audiences without azp",
    (idp) => idp.sign({ aud: [TEST_ISSUER, "other"] }),
    {
      entry: { profile: "id-token", audiences: [TEST_ISSUER, "other"] },
      fields: { subject_token_type: tokenTypes.idToken },
    },
  ),
  foreignRow("C32", "an id token that was given to another party", (idp) => idp.sign({ azp: "other" }), {
    entry: { profile: "id-token" },
    fields: { subject_token_type: tokenTypes.idToken },
  }),
  foreignRow("C32", "an id token that was given to the party that is expected", (idp) => idp.sign({ azp: "web" }), {
    entry: { profile: "id-token", authorized_parties: ["web"] },
    fields: { subject_token_type: tokenTypes.idToken },
    ...inTime,
  }),
  row("C32", "a token a second time, where its issuer's are good once", async ({ exchange, scene }) => {
    const [{ issuer, jwks, sign }] = await issuers;
    const rules = [{ issuer, gives: { audiences: [api], scopes: ["read"] } }];
    const exchanging = { issuers: [{ issuer, jwks, profile: "jwt", single_use: true }], rules };
    await scene.authority.services.policy.set(
      { format: "countersign-policy/1", version: 1, exchange: exchanging },
      { actor: "test" },
    );
    const fields = { ...jwtType, subject_token: await sign() };
    assert.equal((await exchange(fields)).status, 200);
    return exchange(fields);
  }),
];

const polluted = JSON.parse('{"__proto__":{"admin":"yes"}}');

const foreignRules: readonly SecurityRow[] = [
  foreignRow("A35", "a claim that all objects have", (idp) => idp.sign(), {
    rules: [{ claims: { "/constructor/name": "Object" } }],
  }),
  foreignRow("A35", "a claim beneath __proto__", (idp) => idp.sign(polluted), {
    rules: [{ claims: { admin: "yes" } }],
  }),
  foreignRow("C31", "two rules: the first counts", (idp) => idp.sign(), {
    rules: [{ gives: { audiences: [api], scopes: ["read"] } }, { gives: { audiences: [api], scopes: ["write"] } }],
    ...inTime,
    also: ({ body }) => assert.equal(body.scope, "read"),
  }),
  foreignRow(
    "C34",
    "a pattern that backtracking engines never finish with",
    (idp) => idp.sign({ ref: `${"a".repeat(50)}!` }),
    {
      rules: [{ claims: { ref: { pattern: "(a+)+" } } }],
    },
  ),
  foreignRow("C34", "an alternative that would escape its anchors", (idp) => idp.sign({ ref: "prod-not" }), {
    rules: [{ claims: { ref: { pattern: "dev|prod" } } }],
  }),
  foreignRow("A44", "a subject that is an id of ours", (idp) => idp.sign({ sub: "x" }), {
    rules: [{ gives: { audiences: [api], scopes: ["read"], subject: "{sub}:" } }],
  }),
  foreignRow("A44", "two claims that could be parted elsewhere", (idp) => idp.sign({ a: "x:y", b: "z" }), {
    rules: [{ gives: { audiences: [api], scopes: ["read"], subject: "w:{a}:{b}" } }],
  }),
];

const good: readonly SecurityRow[] = [
  row(
    "C25",
    "a good token, as a control of the table",
    ({ exchange, subject }) => exchange({ subject_token: subject }),
    {
      expect: { status: 200 },
    },
  ),
];

securityTable("C. Token exchange", [
  ...foreign,
  ...foreignRules,
  ...good,
  ...subjects,
  ...targets,
  ...deputies,
  ...widening,
  ...actors,
  ...mayAct,
  ...types,
]);

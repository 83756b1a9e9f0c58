import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import { basic, canary, formText, type SecurityRow, securityTable, serviceForm } from "./table.ts";

const refused400 = { status: 400, error: "invalid_request" };
const form = { "content-type": "application/x-www-form-urlencoded" };

const parametersThatMustNotRepeat = [
  "grant_type",
  "client_id",
  "client_secret",
  "username",
  "password",
  "refresh_token",
  "scope",
  "code",
  "code_verifier",
  "redirect_uri",
];

const repeated: readonly SecurityRow[] = parametersThatMustNotRepeat.map((name) => ({
  id: "B3",
  name: `${name} given twice`,
  build: (scene) => scene.post(`${formText(serviceForm(scene))}&${name}=${canary}&${name}=${canary}2`),
  expect: refused400,
}));

const contentTypes = [
  "application/json",
  "multipart/form-data; boundary=x",
  "text/plain",
  "application/x-www-form-urlencoded; charset=utf-16",
];

const wrongTypes: readonly SecurityRow[] = contentTypes.map((type) => ({
  id: "B8",
  name: `content type ${type}`,
  build: (scene) => scene.post(serviceForm(scene), { headers: { "content-type": type } }),
  expect: { status: 415, error: "invalid_request" },
}));

const badEncodings = ["scope=%zz", "scope=%00", "scope=%c0%ae", "scope=%ed%a0%80", "scope=%", "scope=a%0ab"];

const encodings: readonly SecurityRow[] = badEncodings.map((field) => ({
  id: "B10",
  name: `encoding ${field}`,
  build: (scene) => scene.post(`${formText(serviceForm(scene))}&${field}`),
  expect: refused400,
}));

const unknownGrants = ["implicit", "constructor", "__proto__", "hasOwnProperty", canary];

const grantNames: readonly SecurityRow[] = unknownGrants.map((grant) => ({
  id: "B14",
  name: `grant_type ${grant}`,
  build: (scene) => scene.post(serviceForm(scene, { grant_type: grant })),
  expect: { status: 400, error: "unsupported_grant_type" },
}));

const overlapMs = 60_000;

const replacedSecrets: readonly SecurityRow[] = [
  { at: overlapMs - 1, name: "goes on until the overlap ends", expect: { status: 200 } },
  { at: overlapMs, name: "is refused from then on", expect: { status: 401, error: "invalid_client" } },
].map(({ at, name, expect }) => ({
  id: "B18",
  name: `a secret that was replaced ${name}`,
  async build(scene) {
    await scene.authority.services.clients.rotateSecret(scene.service.id, overlapMs, "test");
    await scene.authority.clock.advance(at);
    return scene.post(serviceForm(scene));
  },
  expect,
}));

const badBasics: Readonly<Record<string, string>> = {
  "not base64": `Basic ${canary}!!`,
  "no colon": `Basic ${Buffer.from(canary).toString("base64")}`,
  "colon only": `Basic ${Buffer.from(":").toString("base64")}`,
  "another scheme": `Bearer ${canary}`,
  "bad percent-encoding": `Basic ${Buffer.from(`a%zz:${canary}`).toString("base64")}`,
  "two headers joined": `Basic ${Buffer.from(`a:${canary}`).toString("base64")}, Basic eDp5`,
};

const basics: readonly SecurityRow[] = Object.entries(badBasics).map(([name, authorization]) => ({
  id: "B17",
  name: `Authorization with ${name}`,
  build: (scene) => scene.post({ grant_type: "client_credentials" }, { headers: { authorization } }),
  expect: { status: 401, error: "invalid_client" },
  also: (answer) => assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic /),
}));

const oddPaths = [
  "//oauth/token",
  "/oauth/token/",
  "/oauth/token;x",
  "/OAUTH/TOKEN",
  "/oauth/token%00",
  "/api/v1/../v1/token/",
];

const paths: readonly SecurityRow[] = oddPaths.map((path) => ({
  id: "B31",
  name: `path ${path}`,
  build: (scene) =>
    scene.send(`http://localhost:8080${path}`, { method: "POST", headers: form, body: formText(serviceForm(scene)) }),
  expect: { status: 404 },
}));

const rows: readonly SecurityRow[] = [
  {
    id: "B1",
    name: "GET on the token endpoint",
    build: (scene) => scene.send("/oauth/token?grant_type=client_credentials"),
    expect: { status: 405 },
    also: (answer) => assert.equal(answer.headers.get("allow"), "POST"),
  },
  {
    id: "B2",
    name: "credentials in the query",
    build: (scene) => scene.post(serviceForm(scene), { path: `/oauth/token?client_secret=${canary}` }),
    expect: refused400,
  },
  ...repeated,
  ...["resource", "audience"].map(
    (name): SecurityRow => ({
      id: "B4",
      name: `${name} given twice is two targets`,
      async build(scene) {
        const token = { audience: ["orders", "billing"] };
        await scene.authority.services.clients.update(scene.service.id, { token }, "test");
        return scene.post(serviceForm(scene, { [name]: ["orders", "billing"] }));
      },
      expect: { status: 200 },
      also: ({ body }) => assert.deepEqual(decodeJwt(String(body.access_token)).aud, ["orders", "billing"]),
    }),
  ),
  {
    id: "B5",
    name: "parameters in array and object notation are just unknown names",
    build: (scene) => scene.post(`${formText(serviceForm(scene))}&scope[]=write&scope.x=write&scope[0]=write`),
    expect: { status: 200 },
    also: (answer) => assert.equal(answer.body.scope, "read write"),
  },
  {
    id: "B6",
    name: "an empty value counts as omitted",
    build: (scene) => scene.post(serviceForm(scene, { scope: "", refresh_token: "" })),
    expect: { status: 200 },
  },
  {
    id: "B7",
    name: "an unknown parameter is ignored",
    build: (scene) => scene.post(serviceForm(scene, { foo: "bar" })),
    expect: { status: 200 },
  },
  ...wrongTypes,
  {
    id: "B9",
    name: "a JSON body under the form type",
    build: (scene) => scene.post(JSON.stringify(serviceForm(scene))),
    expect: { status: 401, error: "invalid_client" },
  },
  ...encodings,
  {
    id: "B10",
    name: "plus and %20 are the same space",
    build: (scene) => scene.post(`${formText(serviceForm(scene))}&scope=read%20write`),
    expect: { status: 200 },
  },
  {
    id: "B10",
    name: "raw bytes that are not UTF-8",
    build: (scene) =>
      scene.send("/oauth/token", {
        method: "POST",
        headers: form,
        body: Buffer.concat([Buffer.from("scope="), Buffer.from([0xff, 0xfe])]),
      }),
    expect: refused400,
  },
  {
    id: "B11",
    name: "a body over the limit, streamed without a length",
    build: (scene) => scene.post(`grant_type=client_credentials&x=${"a".repeat(70_000)}`),
    expect: { status: 413 },
  },
  {
    id: "B12",
    name: "far too many parameters",
    build: (scene) => scene.post("a=1&".repeat(15_000)),
    expect: refused400,
  },
  {
    id: "B12",
    name: "one parameter of a megabyte",
    build: (scene) => scene.post(`scope=${"a".repeat(1_048_576)}`),
    expect: { status: 413 },
  },
  {
    id: "B13",
    name: "a compressed body",
    build: (scene) => scene.post(serviceForm(scene), { headers: { "content-encoding": "gzip" } }),
    expect: { status: 415 },
  },
  {
    id: "B14",
    name: "no grant_type",
    build: (scene) => scene.post({ client_id: scene.service.id, client_secret: scene.service.secret }),
    expect: refused400,
  },
  ...grantNames,
  {
    id: "B15",
    name: "a grant the client does not have",
    build: (scene) => scene.post(serviceForm(scene, { grant_type: "password", username: "alice", password: canary })),
    expect: { status: 400, error: "unauthorized_client" },
  },
  {
    id: "B16",
    name: "Basic and body secret",
    build: (scene) => scene.post(serviceForm(scene), { headers: basic(scene.service.id, scene.service.secret) }),
    expect: refused400,
  },
  {
    id: "B16",
    name: "Basic and an assertion",
    build: (scene) =>
      scene.post(
        {
          grant_type: "client_credentials",
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: "a.b.c",
        },
        { headers: basic(scene.service.id, scene.service.secret) },
      ),
    expect: refused400,
  },
  ...basics,
  {
    id: "B17",
    name: "the scheme in another case is the same scheme (RFC 9110 section 11.1)",
    build(scene) {
      const { authorization = "" } = basic(scene.service.id, scene.service.secret);
      const headers = { authorization: authorization.replace("Basic", "bASIC") };
      return scene.post({ grant_type: "client_credentials" }, { headers });
    },
    expect: { status: 200 },
  },
  {
    id: "B17",
    name: "a client id with an encoded colon reaches the lookup decoded",
    build: (scene) => scene.post({ grant_type: "client_credentials" }, { headers: basic("a:b", canary) }),
    expect: { status: 401, error: "invalid_client" },
  },
  ...replacedSecrets,
  {
    id: "B18",
    name: "unknown client and wrong secret are answered alike",
    build: (scene) => scene.post(serviceForm(scene, { client_secret: canary })),
    expect: { status: 401, error: "invalid_client" },
    async also(answer, scene) {
      const unknown = await scene.post(serviceForm(scene, { client_id: "nobody", client_secret: canary }));
      assert.deepEqual(
        [unknown.status, unknown.body, [...unknown.headers]],
        [answer.status, answer.body, [...answer.headers]],
      );
    },
  },
  {
    id: "B19",
    name: "a confidential client without authentication",
    build: (scene) => scene.post({ grant_type: "client_credentials", client_id: scene.service.id }),
    expect: { status: 401, error: "invalid_client" },
  },
  {
    id: "B19",
    name: "a public client with a secret",
    build: (scene) =>
      scene.post({
        grant_type: "password",
        client_id: scene.app.id,
        client_secret: canary,
        username: "alice",
        password: scene.alice.password,
      }),
    expect: { status: 401, error: "invalid_client" },
  },
  {
    id: "B20",
    name: "client_id differs between header and body",
    build: (scene) =>
      scene.post(
        { grant_type: "client_credentials", client_id: "other" },
        { headers: basic(scene.service.id, scene.service.secret) },
      ),
    expect: refused400,
  },
  {
    id: "B21",
    name: "success headers",
    build: (scene) => scene.post(serviceForm(scene), { headers: { origin: "http://localhost:3000" } }),
    expect: { status: 200 },
    also({ headers }) {
      assert.equal(headers.get("cache-control"), "no-store");
      assert.equal(headers.get("content-type"), "application/json");
      assert.equal(headers.get("set-cookie"), null);
      assert.equal(headers.get("access-control-allow-origin"), null);
    },
  },
  {
    id: "B22",
    name: "error_description reflects nothing of the input",
    build: (scene) => scene.post(serviceForm(scene, { scope: `"\\<script>${canary}` })),
    expect: { status: 400, error: "invalid_scope" },
    also: (answer) => assert.match(String(answer.body.error_description), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
  },
  {
    id: "B25",
    name: "issuer and links come from the configuration, not from Host",
    build: (scene) =>
      scene.authority
        .fetch(
          new Request("http://evil.test/.well-known/oauth-authorization-server", { headers: { host: "evil.test" } }),
          { address: "192.0.2.1" },
        )
        .then(readJson),
    expect: { status: 200 },
    also: (answer) => assert.ok(!JSON.stringify(answer.body).includes("evil")),
  },
  ...["HEAD", "PUT", "DELETE", "PATCH"].map(
    (method): SecurityRow => ({
      id: "B29",
      name: `${method} on the token endpoint`,
      build: (scene) => scene.send("/oauth/token", { method }),
      expect: { status: 405 },
      also: (answer) => assert.equal(answer.headers.get("allow"), "POST"),
    }),
  ),
  ...paths,
  {
    id: "B32",
    name: "a preflight from an unknown origin",
    build: (scene) =>
      scene.send("/oauth/token", {
        method: "OPTIONS",
        headers: { origin: "https://evil.test", "access-control-request-method": "POST" },
      }),
    expect: { status: [204, 403] },
    also: (answer) => assert.equal(answer.headers.get("access-control-allow-origin"), null),
  },
];

async function readJson(response: Response) {
  return { status: response.status, headers: response.headers, body: await response.json() };
}

securityTable("Section B: the token endpoint over HTTP", rows);

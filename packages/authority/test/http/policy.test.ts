import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { readResponse, TEST_ISSUER, type TestResponse, testAuthority } from "../../src/testing.ts";

const path = "/api/v1/policy";
const reading = { id: "reading", subjects: ["urn:a"], resources: ["orders"], operations: ["read"] };
const documentOf = (version: number, ...rules: readonly object[]) => ({
  format: "countersign-policy/1",
  version,
  rules,
});
const closed = { ...documentOf(1), scopes_need_rule: true };
const forAdministrators = {
  ...closed,
  roles: { superuser: { external: true } },
  rules: [{ id: "administrators", roles: ["superuser"], scopes: ["superuser"] }],
};

interface Sent {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

async function scene(context: TestContext, policy?: object) {
  const authority = await testAuthority(policy === undefined ? {} : { policy });
  context.after(() => authority.close());
  const { secret } = await authority.client({ clientId: "ops", scopes: ["superuser", "read"] });
  const asOps = { client_id: "ops", client_secret: secret };
  const ask = (scope: string) =>
    authority.form("/oauth/token", { grant_type: "client_credentials", ...asOps, scope, resource: TEST_ISSUER });
  const issued = await ask("superuser");
  assert.equal(issued.status, 200, JSON.stringify(issued.body));
  const authorization = `Bearer ${issued.body.access_token}`;
  const send = async (method: string, below = "", { body, headers }: Sent = {}): Promise<TestResponse> => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const init = { method, headers: { authorization, ...type, ...headers } };
    const request = new Request(`${TEST_ISSUER}${path}${below}`, {
      ...init,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return readResponse(await authority.fetch(request, { address: "127.0.0.1" }));
  };
  const put = (body: object, headers = {}, query = "") => send("PUT", query, { body, headers });
  return { authority, send, put, ask };
}

describe("PUT /api/v1/policy", () => {
  it("sets what GET shows, with its ETag", async (context) => {
    const { send, put } = await scene(context);
    assert.equal((await send("GET")).status, 404);
    const set = await put(documentOf(7, reading));
    assert.equal(set.status, 200, JSON.stringify(set.body));
    assert.deepEqual([set.body.revision, set.body.version, set.body.actor, set.body.change], [1, 7, "ops", "set"]);
    const shown = await send("GET");
    assert.equal(shown.headers.get("etag"), '"1"');
    assert.deepEqual([shown.body.origin, shown.body.revision, shown.body.hash], ["store", 1, set.body.hash]);
    assert.deepEqual((shown.body.document as { rules: readonly object[] }).rules, [{ effect: "allow", ...reading }]);
  });

  const conditions: readonly (readonly [string, Readonly<Record<string, string>>, number])[] = [
    ["names nothing", {}, 428],
    ["names the revision that counts", { "if-match": '"1"' }, 200],
    ["names it among others", { "if-match": '"9", "1"' }, 200],
    ["takes any", { "if-match": "*" }, 200],
    ["names another", { "if-match": '"2"' }, 412],
    ["names it weakly", { "if-match": 'W/"1"' }, 412],
    ["names it without quotes", { "if-match": "1" }, 400],
    ["wants none to be there", { "if-none-match": "*" }, 412],
    ["wants a certain one not to be there", { "if-none-match": '"1"' }, 400],
  ];
  for (const [id, headers, status] of conditions) {
    it(`where there is a policy: ${id}: ${status}`, async (context) => {
      const { put, authority } = await scene(context);
      assert.equal((await put(documentOf(1), { "if-none-match": "*" })).status, 200);
      const answer = await put(documentOf(2), headers);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.equal((await authority.services.policy.current()).revision, status === 200 ? 2 : 1);
    });
  }

  it("refuses If-Match where there is none", async (context) => {
    const { put } = await scene(context);
    for (const tag of ['"0"', "*"]) assert.equal((await put(documentOf(1), { "if-match": tag })).status, 412, tag);
  });

  it("names everything that is wrong, and sets nothing", async (context) => {
    const { put, authority } = await scene(context);
    const wrong = documentOf(
      0,
      { ...reading, operation: ["x"] },
      { roles: ["r"], resources: ["o"], operations: ["o"] },
    );
    const answer = await put({ ...wrong, rule: [] });
    assert.deepEqual([answer.status, answer.body.error], [400, "invalid_policy"]);
    const problems = answer.body.problems as readonly { path: string; message: string }[];
    assert.deepEqual(
      problems.map((problem) => problem.path),
      ["version", "rules[0].operation", "rule", "rules[1]"],
    );
    assert.match(String(answer.body.error_description), /wrong in 4 places/);
    assert.equal((await authority.services.policy.current()).origin, "none");
    const told = authority.events.filter(({ name }) => name === "policy.changed");
    assert.deepEqual(told, []);
  });

  it("with dry_run says what would differ, and changes nothing", async (context) => {
    const { put, authority } = await scene(context);
    await put(documentOf(1, reading));
    const chained = { ...documentOf(2), resources: { orders: { chain: ["ghost"] } } };
    const { status, body } = await put(chained, {}, "?dry_run=true");
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.diff, {
      rules: [{ change: "removed", rule: "reading" }],
      decisions: [{ change: "refused", subject: "urn:a", what: "orders read" }],
      compared: 2,
      is_partial: false,
    });
    assert.deepEqual(
      (body.findings as readonly { code: string }[]).map(({ code }) => code),
      ["unknown_key"],
    );
    assert.equal((await authority.services.policy.current()).revision, 1);
  });

  it("does not take superuser from whoever sets it, unless forced to", async (context) => {
    const { put, ask, send } = await scene(context);
    const refused = await put(closed);
    assert.deepEqual([refused.status, refused.body.error], [409, "last_superuser"]);
    assert.equal((await put(forAdministrators)).status, 200);
    assert.deepEqual([(await ask("superuser")).status, (await ask("read")).status], [200, 400]);
    assert.equal((await put(closed, { "if-match": '"1"' }, "?force=true")).status, 200);
    assert.equal((await ask("superuser")).body.error, "invalid_scope");
    assert.equal((await send("GET")).body.error, "insufficient_scope");
  });

  it("is read no further than limits.body_bytes", async (context) => {
    const { put } = await scene(context);
    const rules = Array.from({ length: 1000 }, (_, at) => ({ ...reading, id: `rule-${at}` }));
    assert.equal((await put(documentOf(1, ...rules))).status, 413);
  });
});

describe("the history of the policy", () => {
  it("is listed, shown and gone back in", async (context) => {
    const { put, send } = await scene(context);
    await put(documentOf(1, reading));
    await put(documentOf(2), { "if-match": "*" });
    assert.equal((await send("DELETE", "", { headers: { "if-match": '"1"' } })).status, 412);
    assert.equal((await send("DELETE", "", { headers: { "if-match": '"2"' } })).status, 204);
    assert.equal((await send("GET")).status, 404);
    assert.equal((await send("DELETE")).status, 404);
    const back = await send("POST", "/rollback", { body: { revision: 1 } });
    assert.deepEqual([back.status, back.body.revision, back.body.rolled_back_to], [200, 4, 1]);
    const first = await send("GET", "/history?limit=2");
    assert.equal(first.body.next, 3);
    const rest = await send("GET", "/history?limit=2&before=3");
    const revisions = [first, rest].flatMap(
      ({ body }) => body.revisions as readonly { revision: number; change: string }[],
    );
    assert.deepEqual(
      revisions.map(({ revision, change }) => `${revision} ${change}`),
      ["4 rollback", "3 delete", "2 set", "1 set"],
    );
    assert.equal(rest.body.next, undefined);
    const one = await send("GET", "/history/1");
    assert.deepEqual((one.body.document as { rules: readonly object[] }).rules, [{ effect: "allow", ...reading }]);
    assert.equal((await send("GET", "/history/3")).body.document, undefined);
    for (const none of ["0", "5", "x", "1.5", "01"]) assert.equal((await send("GET", `/history/${none}`)).status, 404);
    assert.equal((await send("POST", "/rollback", { body: { revision: 99 } })).status, 404);
  });

  it("stands in the audit trail, with who and from which revision to which", async (context) => {
    const { put, authority } = await scene(context);
    const { body } = await put(documentOf(3, reading));
    const [record] = await authority.services.audit.read({ limit: 1, name: "policy.changed" });
    const fields = { what: "set", revision: "1", previous: "0", actor: "ops", version: "3", hash: body.hash };
    assert.deepEqual(record?.fields, fields);
  });
});

describe("POST /api/v1/policy/explain", () => {
  it("says by which rule, with the roles of the subject's record", async (context) => {
    const { put, send } = await scene(context);
    const asked = { kind: "access_token", subject: "ops", client: "ops", scope: "superuser" };
    assert.equal((await send("POST", "/explain", { body: asked })).status, 404);
    await put(forAdministrators);
    const explain = async (body: object) => (await send("POST", "/explain", { body })).body;
    const allowed = await explain(asked);
    assert.deepEqual([allowed.allowed, allowed.roles], [true, ["superuser"]]);
    assert.match(String(allowed.because), /^allowed by administrators/);
    assert.equal((await explain({ ...asked, roles: [] })).allowed, false);
    const right = { kind: "authorization", subject: "urn:a", resource: "orders", operation: "read" };
    assert.match(String((await explain(right)).because), /no rule allows it/);
    assert.equal((await explain({ kind: "authorization", subject: "urn:a" })).error, "invalid_request");
  });
});

describe("a policy of the configuration", () => {
  it("is shown, and cannot be changed here", async (context) => {
    const { send, put } = await scene(context, documentOf(5, reading));
    const { body } = await send("GET");
    assert.deepEqual([body.origin, body.version, body.revision], ["configuration", 5, 0]);
    assert.equal((await put(documentOf(6))).body.error, "conflict");
    assert.equal((await send("DELETE")).body.error, "conflict");
    assert.equal((await put(documentOf(6), {}, "?dry_run=true")).status, 200);
  });
});

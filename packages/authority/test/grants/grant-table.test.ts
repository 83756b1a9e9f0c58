import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { FakeClock } from "@countersign/protocol/testing";
import { grantTypes, offeredGrants } from "../../src/grants/grant-table.ts";
import { type TestAuthority, testAuthority } from "../../src/testing.ts";
import { openAt, storePath } from "../store/stores.ts";
import { voucher, voucherKey } from "./voucher.ts";

const code = "once";

/** An authority with one grant more, a client of it, and one voucher. */
async function withVoucher(context: TestContext) {
  const clock = new FakeClock();
  const commits: number[] = [];
  const store = await openAt(storePath(context), context, { clock, onCommit: (writes) => commits.push(writes) });
  const authority = await testAuthority({ clock, store, grants: [...offeredGrants, voucher] });
  context.after(() => authority.services.keys.close());
  const { client, secret } = await authority.client({ scopes: ["read"], grants: [voucher.type] });
  await store.swap(voucherKey(code), 0, { value: {} });
  commits.length = 0;
  const fields = { grant_type: voucher.type, client_id: client.clientId, client_secret: secret, voucher: code };
  const ask = (more = {}) => authority.form("/oauth/token", { ...fields, ...more });
  return { authority, store, commits, ask };
}

async function issuedRecords({ services }: TestAuthority): Promise<number> {
  return (await services.audit.read({ limit: 100, name: "token.issued" })).length;
}

describe("a grant that is one file and one row", () => {
  it("consumes its item in one commit with the record of the token, once", async (context) => {
    const { authority, store, commits, ask } = await withVoucher(context);
    assert.equal((await ask()).status, 200);
    assert.deepEqual(commits, [2]);
    assert.equal(await store.get(voucherKey(code)), undefined);
    assert.equal((await ask()).body.error, "invalid_grant");
    assert.equal(await issuedRecords(authority), 1);
  });

  it("has one winner where many callers race for its item", async (context) => {
    const { authority, ask } = await withVoucher(context);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    const losers = answers.filter(({ status }) => status !== 200);
    assert.deepEqual([...new Set(losers.map(({ body }) => body.error))], ["invalid_grant"]);
    assert.equal(await issuedRecords(authority), 1);
  });

  it("consumes nothing when the policy refuses", async (context) => {
    const { authority, store, commits, ask } = await withVoucher(context);
    assert.equal((await ask({ scope: "read write" })).body.error, "invalid_scope");
    assert.deepEqual(commits, []);
    assert.notEqual(await store.get(voucherKey(code)), undefined);
    assert.equal(await issuedRecords(authority), 0);
    assert.equal((await ask({ scope: "read" })).status, 200);
  });

  it("is in the metadata, the OpenAPI document, the metrics and the management API by its row alone", async (context) => {
    const { authority, ask } = await withVoucher(context);
    const metadata = await read(authority, "/.well-known/oauth-authorization-server");
    assert.deepEqual(metadata.grant_types_supported, [...grantTypes, voucher.type]);
    const openapi = JSON.stringify(await read(authority, "/openapi.json"));
    const choices = JSON.stringify([...grantTypes, voucher.type]);
    assert.equal(openapi.split(choices).length - 1, 6, "two token forms, a client new, changed, listed and shown");
    assert.match(openapi, /A code that is good once/);
    await ask();
    assert.equal(authority.requests.at(-1)?.grant, voucher.type);
  });
});

async function read(authority: TestAuthority, path: string): Promise<Record<string, unknown>> {
  return (await authority.fetch(new Request(`http://localhost:8080${path}`))).json() as Promise<
    Record<string, unknown>
  >;
}

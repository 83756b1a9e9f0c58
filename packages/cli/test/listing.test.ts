import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Served, serveAuthority } from "@countersign/authority/node";
import { type TestAuthority, testAuthority } from "@countersign/authority/testing";
import { run } from "./script-world.ts";

/** More than one answer holds, and more than a thousand. */
const count = 1203;

let authority: TestAuthority;
let served: Served;
let env: Readonly<Record<string, string>>;
before(async () => {
  authority = await testAuthority();
  served = await serveAuthority(authority, { port: 0 });
  const { client, secret } = await authority.client({ clientId: "ops", scopes: ["superuser"] });
  for (let at = 1; at < count; at++) await authority.client({ clientId: `app-${String(at).padStart(4, "0")}` });
  const fields = { grant_type: "client_credentials", client_id: client.clientId, client_secret: secret };
  const { body } = await authority.form("/oauth/token", { ...fields, scope: "superuser" });
  env = { COUNTERSIGN_URL: served.url, COUNTERSIGN_TOKEN: String(body.access_token) };
});
after(async () => {
  await served.close();
  await authority.close();
});

interface Listed {
  readonly clients: readonly { readonly client_id: string }[];
  readonly next?: string;
}

async function list(...words: readonly string[]): Promise<Listed> {
  const { stdout, stderr, exitCode } = await run(["client", "list", "--json", ...words], env);
  assert.equal(exitCode, 0, stderr);
  const listed: Listed = JSON.parse(stdout);
  assert.equal(
    stderr,
    listed.next === undefined ? "" : `countersign: there are more: go on with --after ${listed.next}\n`,
  );
  return listed;
}

describe("client list", () => {
  it("lists all there are, however many answers that takes", async () => {
    const { clients, next } = await list();
    assert.equal(new Set(clients.map(({ client_id }) => client_id)).size, count);
    assert.equal(next, undefined);
  });

  it("ends at --limit, says that there is more, and goes on with --after", async () => {
    const first = await list("--limit", "1200");
    assert.equal(first.clients.length, 1200);
    assert.equal(first.next, "app-1200");
    const rest = await list("--limit", "3", "--after", "app-1200");
    assert.deepEqual(
      rest.clients.map(({ client_id }) => client_id),
      ["app-1201", "app-1202", "ops"],
    );
    assert.equal(rest.next, undefined);
  });

  it("says on a terminal that there is more", async () => {
    const { stdout, stderr } = await run(["client", "list", "--limit", "2"], env);
    assert.equal(stdout.split("\n").length, 4);
    assert.equal(stderr, "countersign: there are more: go on with --after app-0002\n");
  });

  for (const limit of ["0", "many"]) {
    it(`refuses --limit ${limit}`, async () => {
      for (const command of ["client list", "user list", "audit"]) {
        assert.equal((await run([...command.split(" "), "--limit", limit])).exitCode, 2, command);
      }
    });
  }
});
